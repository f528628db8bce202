//! What people and programs read: JSON, closed pipes, texts of others.

use expect_test::expect;

use crate::place::Place;

#[test]
fn json_is_one_document() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    app.git(&["switch", "--quiet", "main"]);
    let mut keys = String::new();
    let mut ask = |arguments: &str, code: i32| {
        let ran = place.run(&format!("--json {arguments}"));
        let json = ran.json();
        let found = match &json {
            serde_json::Value::Object(map) => map.keys().cloned().collect::<Vec<_>>().join(" "),
            serde_json::Value::Array(items) => format!("a list of {}", items.len()),
            other => other.to_string(),
        };
        assert_eq!(ran.code, code, "{arguments}: {}{}", ran.stdout, ran.stderr);
        keys.push_str(&format!("{code} {arguments}: {found}\n"));
        json
    };
    ask("status", 0);
    ask("status r9", 2);
    ask("init", 0);
    ask("init", 2);
    ask("doctor", 0);
    ask("issue new --title Rename", 0);
    ask("issue ls", 0);
    ask("issue show 1", 0);
    ask("issue show 9", 2);
    ask("plan 1 --agent 'sh:echo bar > a.txt' --run-id r1", 3);
    ask("run --title X --agent 'sh:exit 3' --run-id r2", 1);
    ask("run --title X --agent nobody", 2);
    ask("approve r1", 0);
    ask("land r1", 3);
    ask("land r1 --update-checkout", 0);
    ask("resume r1", 0);
    ask("status", 0);
    ask("status r1", 0);
    ask("logs app --run r1", 0);
    ask("logs nobody --run r1", 2);
    ask("gc", 0);
    ask("demo --run-id d1", 0);
    ask("docs settings-schema", 0);
    expect![[r##"
        0 status: a list of 0
        2 status r9: error exit_code
        0 init: notes written
        2 init: error exit_code
        0 doctor: a list of 6
        0 issue new --title Rename: author body created labels number state title
        0 issue ls: a list of 1
        0 issue show 1: body comments number repository title
        2 issue show 9: error exit_code
        3 plan 1 --agent 'sh:echo bar > a.txt' --run-id r1: critical_path end exit_code plan predicted_seconds run
        1 run --title X --agent 'sh:exit 3' --run-id r2: end error exit_code run
        2 run --title X --agent nobody: error exit_code
        0 approve r1: end error exit_code run
        3 land r1: end error exit_code run
        0 land r1 --update-checkout: end error exit_code run
        0 resume r1: end error exit_code run
        0 status: a list of 2
        0 status r1: created end run stage state tasks title warnings
        0 logs app --run r1: a list of 2
        2 logs nobody --run r1: error exit_code
        0 gc: a list of 0
        0 demo --run-id d1: end error exit_code run
        0 docs settings-schema: "{\n  \"$defs\": {\n    \"variable\": {\n      \"pattern\": \"^\\\\$\\\\{[A-Za-z_][A-Za-z0-9_]*\\\\}$\",\n      \"type\": \"string\"\n    }\n  },\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"additionalProperties\": false,\n  \"description\": \"How the engine works: its agents, limits, approvals, landing and retention.\",\n  \"properties\": {\n    \"agents\": {\n      \"description\": \"The agents that a run may use.\",\n      \"items\": {\n        \"additionalProperties\": false,\n        \"properties\": {\n          \"changes\": {\n            \"anyOf\": [\n              {\n                \"enum\": [\n                  \"required\",\n                  \"optional\"\n                ]\n              },\n              {\n                \"$ref\": \"#/$defs/variable\"\n              }\n            ],\n            \"default\": \"required\",\n            \"description\": \"Whether a task that leaves its repository as it was has failed, or is *unchanged* (for codemods).\"\n          },\n          \"command\": {\n            \"anyOf\": [\n              {\n                \"minLength\": 1,\n                \"type\": \"string\"\n              },\n              {\n                \"items\": {\n                  \"type\": \"string\"\n                },\n                \"minItems\": 1,\n                \"type\": \"array\"\n              }\n            ],\n            \"description\": \"For `command`: a list of the program and its arguments, or a shell line (`sh:` before it is dropped).\"\n          },\n          \"environment\": {\n            \"description\": \"Names of variables that the agent sees, beyond the few that every program needs. It sees no others.\",\n            \"items\": {\n              \"pattern\": \"^[A-Za-z_][A-Za-z0-9_]*$\",\n              \"type\": \"string\"\n            },\n            \"type\": \"array\"\n          },\n          \"kind\": {\n            \"description\": \"What runs it: `command` (a program) or `scripted` (a playbook); deployments may add kinds.\",\n            \"minLength\": 1,\n            \"type\": \"string\"\n          },\n          \"name\": {\n            \"anyOf\": [\n              {\n                \"pattern\": \"^(?![.-])(?!.*\\\\.\\\\.)(?!.*(\\\\.|\\\\.lock)$)[A-Za-z0-9._-]{1,64}$\",\n                \"type\": \"string\"\n              },\n              {\n                \"$ref\": \"#/$defs/variable\"\n              }\n            ],\n            \"description\": \"What the agent is called here and by `--agent`.\"\n          },\n          \"plan\": {\n            \"anyOf\": [\n              {\n                \"type\": \"boolean\"\n              },\n              {\n                \"$ref\": \"#/$defs/variable\"\n              }\n            ],\n            \"default\": false,\n            \"description\": \"Whether it can plan; else a run without a plan has one task a repository.\"\n          },\n          \"playbook\": {\n            \"description\": \"For `scripted`: the file with its steps, relative to the home folder.\",\n            \"minLength\": 1,\n            \"type\": \"string\"\n          },\n          \"review\": {\n            \"anyOf\": [\n              {\n                \"type\": \"boolean\"\n              },\n              {\n                \"$ref\": \"#/$defs/variable\"\n              }\n            ],\n            \"default\": false,\n            \"description\": \"Whether it can review; else the review says \\\"not reviewed\\\".\"\n          },\n          \"timeout\": {\n            \"anyOf\": [\n              {\n                \"pattern\": \"^([0-9]+(ms|s|m|h|d))+$\",\n                \"type\": \"string\"\n              },\n              {\n                \"$ref\": \"#/$defs/variable\"\n              }\n            ],\n            \"description\": \"The longest one request may take.\"\n          }\n        },\n        \"required\": [\n          \"name\",\n          \"kind\"\n        ],\n        \"type\": \"object\"\n      },\n      \"type\": \"array\"\n    },\n    \"approvals\": {\n      \"additionalProperties\": false,\n      \"description\": \"Where a run waits for a person.\",\n      \"properties\": {\n        \"landing\": {\n          \"anyOf\": [\n            {\n              \"type\": \"boolean\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": false,\n          \"description\": \"Wait until a person approves the landing, even with `--land`; off, since `--land` is already asked for.\"\n        },\n        \"plan\": {\n          \"anyOf\": [\n            {\n              \"type\": \"boolean\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": false,\n          \"description\": \"Wait until a person approves the plan; off, since nothing lands without being asked to.\"\n        }\n      },\n      \"required\": [],\n      \"type\": \"object\"\n    },\n    \"default_agent\": {\n      \"anyOf\": [\n        {\n          \"pattern\": \"^(?![.-])(?!.*\\\\.\\\\.)(?!.*(\\\\.|\\\\.lock)$)[A-Za-z0-9._-]{1,64}$\",\n          \"type\": \"string\"\n        },\n        {\n          \"$ref\": \"#/$defs/variable\"\n        }\n      ],\n      \"description\": \"The agent of a run that does not name one by `--agent`.\"\n    },\n    \"landing\": {\n      \"additionalProperties\": false,\n      \"description\": \"How results reach the target branches.\",\n      \"properties\": {\n        \"allow_unverified\": {\n          \"anyOf\": [\n            {\n              \"type\": \"boolean\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": false,\n          \"description\": \"Land repositories that have no test command; off, since nothing would have shown that the change works.\"\n        },\n        \"mode\": {\n          \"anyOf\": [\n            {\n              \"enum\": [\n                \"all\",\n                \"each\"\n              ]\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"all\",\n          \"description\": \"`all`: every repository or none, since half a change over several repositories is broken; `each`: the repositories without a failure, for codemods.\"\n        },\n        \"update_checkout\": {\n          \"anyOf\": [\n            {\n              \"type\": \"boolean\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": false,\n          \"description\": \"Also fast-forward a target branch that is checked out and clean, with index and files; off, since a person may be working there.\"\n        }\n      },\n      \"required\": [],\n      \"type\": \"object\"\n    },\n    \"limits\": {\n      \"additionalProperties\": false,\n      \"description\": \"How much a run may take.\",\n      \"properties\": {\n        \"agent_timeout\": {\n          \"anyOf\": [\n            {\n              \"pattern\": \"^([0-9]+(ms|s|m|h|d))+$\",\n              \"type\": \"string\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"60m\",\n          \"description\": \"The longest one request to an agent may take; long, since ending a working agent wastes what it cost.\"\n        },\n        \"max_executions\": {\n          \"anyOf\": [\n            {\n              \"maximum\": 100,\n              \"minimum\": 1,\n              \"type\": \"integer\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": 5,\n          \"description\": \"Times that one attempt starts again after the engine itself was killed; bounds a task that takes the machine down with it.\"\n        },\n        \"max_workers\": {\n          \"anyOf\": [\n            {\n              \"maximum\": 256,\n              \"minimum\": 1,\n              \"type\": \"integer\"\n            },\n            {\n              \"const\": \"auto\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"auto\",\n          \"description\": \"Tasks that run at the same time; `auto`: what cores and memory allow, at most 4, since an agent's tests use several cores.\"\n        },\n        \"output_disk\": {\n          \"anyOf\": [\n            {\n              \"pattern\": \"^([0-9]+(B|KiB|MiB|GiB))+$\",\n              \"type\": \"string\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"256MiB\",\n          \"description\": \"Output of one command or agent that is kept on disk; the rest is dropped and said to be, so that no command fills the disk.\"\n        },\n        \"setup_timeout\": {\n          \"anyOf\": [\n            {\n              \"pattern\": \"^([0-9]+(ms|s|m|h|d))+$\",\n              \"type\": \"string\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"15m\",\n          \"description\": \"The longest a setup command may take; enough to fetch and build dependencies.\"\n        },\n        \"test_timeout\": {\n          \"anyOf\": [\n            {\n              \"pattern\": \"^([0-9]+(ms|s|m|h|d))+$\",\n              \"type\": \"string\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"15m\",\n          \"description\": \"The longest a test command may take; a hanging test must not hold a run for hours.\"\n        }\n      },\n      \"required\": [],\n      \"type\": \"object\"\n    },\n    \"retention\": {\n      \"additionalProperties\": false,\n      \"description\": \"What `automation gc` keeps. Runs that have not ended are always kept.\",\n      \"properties\": {\n        \"keep_runs\": {\n          \"anyOf\": [\n            {\n              \"maximum\": 1000000,\n              \"minimum\": 1,\n              \"type\": \"integer\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": 100,\n          \"description\": \"Ended runs that are kept, newest first; their summaries stay when they go.\"\n        },\n        \"max_age\": {\n          \"anyOf\": [\n            {\n              \"pattern\": \"^([0-9]+(ms|s|m|h|d))+$\",\n              \"type\": \"string\"\n            },\n            {\n              \"const\": \"never\"\n            },\n            {\n              \"$ref\": \"#/$defs/variable\"\n            }\n          ],\n          \"default\": \"90d\",\n          \"description\": \"Age at which an ended run goes even so; a quarter is longer than anyone has asked back. `never`: only `keep_runs` counts.\"\n        }\n      },\n      \"required\": [],\n      \"type\": \"object\"\n    }\n  },\n  \"required\": [],\n  \"title\": \"config/automation.yaml\",\n  \"type\": \"object\"\n}"
    "##]].assert_eq(&keys);
}

#[test]
fn a_reader_that_goes_away() {
    let place = Place::new();
    place.repository("app", None);
    for arguments in [
        "run --agent sh:true --repo app --title X --run-id r1",
        "status",
        "status r1 --json",
        "docs cli",
        "--help",
    ] {
        let mut child = place.start(arguments);
        drop(child.stdout.take());
        let ran = place.ran(child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments}");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let place = Place::new();
    place.repository("app", None);
    let evil = "\u{1b}]0;owned\u{7}\u{202e}x\u{9b}2J";
    let mut command = place.command("run --repo app --run-id r1 --agent");
    command.args([
        "sh:printf '\\033[2Jgone\\r'; printf '\\033[31m' > '\u{1b}[2J.txt'; exit 3",
        "--title",
        evil,
    ]);
    let mut new = place.command("issue new --title");
    new.args([evil, "--body", evil])
        .current_dir(place.path("app"));
    let mut texts = vec![place.end_of(command).code(1), place.end_of(new).code(0)];
    for arguments in ["status", "status r1", "logs app"] {
        texts.push(place.run(arguments).code(0));
    }
    for arguments in ["issue ls", "issue show 1"] {
        let mut command = place.command(arguments);
        command.current_dir(place.path("app"));
        texts.push(place.end_of(command).code(0));
    }
    for text in texts {
        let all = format!("{}{}", text.stdout, text.stderr);
        assert!(!all.chars().any(|c| c.is_control() && c != '\n'), "{all:?}");
        assert!(!all.contains('\u{202e}'), "{all:?}");
    }
}

#[test]
fn the_demo() {
    let place = Place::new();
    let ran = place.run("demo --folder shown --run-id demo-1").code(0);
    assert_eq!(ran.stderr, "");
    ran.says("Three repositories changed together");
    place.run("--home shown status demo-1").is(&expect![[r#"
        exit 0
        run demo-1: Show the service's health
        done, stage landing, begun [T] ago
          status-table     backend         succeeded
          health-check     backend         succeeded
          health-endpoint  backend         succeeded
          backend-docs     backend         succeeded
          health-client    frontend        succeeded
          health-page      frontend        succeeded
          page-style       frontend        succeeded
          probe            infrastructure  succeeded
          alert            infrastructure  succeeded
          rollout          infrastructure  succeeded
        repositories:
          backend         [COMMIT]  verified  landed
          frontend        [COMMIT]  verified  landed
          infrastructure  [COMMIT]  verified  landed
        run demo-1 is done
    "#]]);
    place.refused(
        "demo --folder shown",
        &expect![[r#"
        exit 2
        --- stderr
        error: [ROOT]/work/shown is not empty
        hint: give an empty or new folder
    "#]],
    );
}
