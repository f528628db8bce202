use std::{num::NonZeroUsize, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{Command, finding::tests::shown, load_settings, yaml::tests::troubling_text};

fn load(text: &str) -> Result<Settings, String> {
    let env = |name: &str| match name {
        "WORKERS" => Some("3".to_owned()),
        "MODE" => Some("each".to_owned()),
        _ => None,
    };
    load_settings("f", text, &env).map_err(|findings| shown(&findings))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        load(text).expect_err("the text must be refused"),
        expected,
        "{text}"
    );
}

#[test]
fn the_defaults() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let expected = Settings {
        file: String::new(),
        default_agent: None,
        agents: Vec::new(),
        limits: Limits {
            max_workers: None,
            agent_timeout: minutes(60),
            test_timeout: minutes(15),
            setup_timeout: minutes(15),
            output_disk_bytes: 256 << 20,
            max_executions: 5,
        },
        budget: Budget {
            run: Some(usd("5")),
            day: Some(usd("20")),
            repository: None,
            task: None,
            soft: None,
            call: usd("1"),
        },
        approvals: Approvals {
            plan: false,
            landing: false,
            deploy: true,
        },
        landing: Landing {
            mode: LandingMode::All,
            update_checkout: false,
            allow_unverified: false,
        },
        recovery: Recovery {
            enabled: true,
            retry_attempts: 3,
            task_retries: 5,
            run_retries: 20,
            base_delay: Duration::from_secs(2),
            max_delay: minutes(1),
            max_wait: minutes(10),
            delay_percent: 100,
            fix_rounds: 3,
            max_conflict_hunks: 20,
            protected_paths: Vec::new(),
        },
        sandbox: Sandbox {
            is_required: true,
            readable: Vec::new(),
            writable: Vec::new(),
            agent_network: AgentNetwork::Gateway,
            setup_network: true,
            test_network: false,
            unix_sockets: false,
            processes: 512,
            memory_bytes: 4 << 30,
            file_bytes: 4 << 30,
        },
        gateway: Gateway {
            is_on: true,
            record: false,
            longest_answer: 32_768,
        },
        serve: Serve {
            interval: Duration::from_secs(30),
            max_runs: NonZeroUsize::MIN,
            land: false,
        },
        labels: Labels {
            needs_planning: "needs-planning".to_owned(),
            plan_review: "plan-review".to_owned(),
            in_progress: "in-progress".to_owned(),
            code_review: "code-review".to_owned(),
            merge_ready: "merge-ready".to_owned(),
            completed: "completed".to_owned(),
            needs_attention: "needs-attention".to_owned(),
        },
        learning: Learning {
            enabled: true,
            prompts: KeepPrompts::Full,
            exploration: 0.5,
        },
        retention: Retention {
            keep_runs: 100,
            max_age: Some(minutes(90 * 24 * 60)),
        },
    };
    assert_eq!(Settings::default(), expected);
    let empty_sections = load("limits:\nagents: # none\nlanding: {}\n").expect("sound");
    assert_eq!(
        empty_sections,
        Settings {
            file: "f".to_owned(),
            ..expected
        }
    );
}

#[test]
fn everything_that_may_be_said() {
    let settings = load(
        r#"
default_agent: fixer
agents:
  - {name: codemod, kind: command, command: "sh:sed -i s/a/${B}/ x", changes: optional}
  - name: fixer
    kind: command
    command: [fix, "--all", "${MODE}", '${MODE}', "a, b"]
    plan: true
    review: true
    repair: true
    timeout: 1h30m
    environment: [HOME, API_KEY]
  - {name: demo, kind: scripted, playbook: demo.yaml}
limits: {max_workers: "${WORKERS}", agent_timeout: 500ms, output_disk: 1GiB}
approvals: {plan: true}
landing: {mode: "${MODE}", update_checkout: true}
recovery: {enabled: false, base_delay: 0ms, fix_rounds: 1, protected_paths: [ci/, "*.golden"]}
retention: {max_age: never, keep_runs: 7}
"#,
    )
    .expect("sound");
    assert_eq!(settings.default_agent.as_deref(), Some("fixer"));
    let [codemod, fixer, demo] = &settings.agents[..] else {
        panic!("three agents stand in the file");
    };
    assert_eq!(
        codemod.command,
        Some(Command::Shell("sed -i s/a/${B}/ x".to_owned())),
        "a shell line is left as it is"
    );
    assert_eq!(
        (codemod.changes, fixer.changes),
        (Changes::Optional, Changes::Required)
    );
    let arguments = ["--all", "each", "${MODE}", "a, b"]
        .map(String::from)
        .to_vec();
    assert_eq!(
        fixer.command,
        Some(Command::Program {
            program: "fix".to_owned(),
            arguments
        })
    );
    assert_eq!(
        (fixer.plan, fixer.review, fixer.repair, fixer.timeout),
        (true, true, true, Some(Duration::from_secs(5400)))
    );
    assert_eq!(fixer.environment, ["HOME", "API_KEY"]);
    assert_eq!((fixer.mark.line, fixer.mark.column), (5, 5));
    assert_eq!(demo.playbook.as_deref(), Some("demo.yaml"));
    assert_eq!(settings.limits.max_workers, NonZeroUsize::new(3));
    assert_eq!(settings.limits.agent_timeout, Duration::from_millis(500));
    assert_eq!(settings.limits.output_disk_bytes, 1 << 30);
    assert_eq!(
        settings.limits.test_timeout,
        Settings::default().limits.test_timeout
    );
    assert_eq!(
        settings.approvals,
        Approvals {
            plan: true,
            landing: false,
            deploy: true,
        }
    );
    assert_eq!(
        settings.landing,
        Landing {
            mode: LandingMode::Each,
            update_checkout: true,
            allow_unverified: false
        }
    );
    assert_eq!(
        settings.recovery,
        Recovery {
            enabled: false,
            base_delay: Duration::ZERO,
            fix_rounds: 1,
            protected_paths: vec!["ci/".to_owned(), "*.golden".to_owned()],
            ..Settings::default().recovery
        }
    );
    assert_eq!(
        settings.retention,
        Retention {
            keep_runs: 7,
            max_age: None
        }
    );
}

#[test]
fn the_first_agent_is_the_default() {
    let settings = load("agents: [{name: a, kind: x}, {name: b, kind: y}]")
        .expect("kinds are for the registry");
    assert_eq!(settings.default_agent.as_deref(), Some("a"));
}

#[test]
fn all_findings_come_at_once() {
    check(
        r#"
agent: x
default_agent: fixxer
agents:
  - name: fixer
    kind: command
    comand: ls
  - name: fixer
    kind: scripted
    plan: yes
    timeout: 0s
    environment: [A=b]
  - kind: command
    command: []
limits:
  max_workers: 0
  max_worker: 3
  test_timeout: 30
  output_disk: 8
  setup_timeout: ${NOT_SET}
  agent_timeout: [1h]
landing: {mode: both}
approvals: true
retention: {keep_runs: "5", max_age: 10s}
"#,
        r#"2:1: agent: unknown key; did you mean "agents"?
3:16: default_agent: unknown agent "fixxer"; did you mean "fixer"?
5:5: agents[0].command: missing; an agent of the kind command needs it
7:5: agents[0].comand: unknown key; did you mean "command"?
8:5: agents[1].playbook: missing; an agent of the kind scripted needs it
8:11: agents[1].name: a second agent named "fixer"; the first is in line 5
10:11: agents[1].plan: expected true or false, found the text "yes"
11:14: agents[1].timeout: expected from 1ms to 7d, found 0s
12:19: agents[1].environment[0]: expected the name of an environment variable, found the text "A=b"
13:5: agents[2].name: missing; expected a name of 1 to 64 of A-Z a-z 0-9 . _ -
14:14: agents[2].command: expected a shell line, or a list of a program and its arguments, found a list
16:16: limits.max_workers: expected from 1 to 256, found 0
17:3: limits.max_worker: unknown key; did you mean "max_workers"?
18:17: limits.test_timeout: expected a duration such as 500ms, 30s, 5m or 2h, found the number 30; add a unit
19:16: limits.output_disk: expected a size such as 64KiB, 8MiB or 1GiB, found the number 8; add a unit
20:18: limits.setup_timeout: the variable NOT_SET is not set
21:18: limits.agent_timeout: expected a duration such as 500ms, 30s, 5m or 2h, found a list
22:17: landing.mode: unknown value "both"; known: all, each
23:12: approvals: expected a mapping with the keys plan, landing, deploy; found true
24:24: retention.keep_runs: expected a whole number from 1 to 1000000, found the text "5"; write it without quotes
24:38: retention.max_age: expected from 1h to 3650d, found 10s"#,
    );
}

fn usd(text: &str) -> core_types::Usd {
    text.parse().expect("an amount")
}

#[test]
fn a_limit_is_money_above_nothing_or_none() {
    let read =
        load("budget: {run: 2.50, day: none, repository: '7', task: 0.000000000001, soft: 80}");
    let expected = Budget {
        run: Some(usd("2.5")),
        day: None,
        repository: Some(usd("7")),
        task: Some(core_types::Usd::from_pico(1)),
        soft: Some(80),
        call: usd("1"),
    };
    assert_eq!(read.expect("sound").budget, expected);
    check(
        "budget:\n  run: 0\n  day: -1\n  repository: NaN\n  task: .nan\n  soft: 100\n  call: none\n",
        "2:8: budget.run: expected an amount in USD above 0 such as 5 or 0.25, or none, found the number 0\n\
         3:8: budget.day: expected an amount in USD above 0 such as 5 or 0.25, or none, found the number -1\n\
         4:15: budget.repository: expected an amount in USD above 0 such as 5 or 0.25, or none, found the text \"NaN\"\n\
         5:9: budget.task: expected an amount in USD above 0 such as 5 or 0.25, or none, found the number .nan\n\
         6:9: budget.soft: expected from 1 to 99, found 100\n\
         7:9: budget.call: expected an amount in USD above 0 such as 5 or 0.25, found the text \"none\"",
    );
    check(
        "budget: {run: 1e3, day: 99999999999}",
        "1:15: budget.run: expected an amount in USD above 0 such as 5 or 0.25, or none, found the number 1e3\n\
         1:25: budget.day: expected an amount in USD above 0 such as 5 or 0.25, or none, found the number 99999999999",
    );
}

#[test]
fn numbers_and_truth_values_are_no_texts() {
    check(
        "agents:\n  - {name: 12, kind: true, command: 1.5}\n",
        "2:12: agents[0].name: expected a name of 1 to 64 of A-Z a-z 0-9 . _ -, found the number 12; put it in quotes to make it a text\n\
         2:22: agents[0].kind: expected a text of one line, found true; put it in quotes to make it a text\n\
         2:37: agents[0].command: expected a shell line, or a list of a program and its arguments, found the number 1.5; put it in quotes to make it a text",
    );
}

#[test]
fn each_state_has_a_label_of_its_own() {
    let settings =
        load("labels: {completed: Done, merge_ready: \"ready to merge\"}").expect("sound");
    assert_eq!(settings.labels.completed, "Done");
    assert_eq!(settings.labels.merge_ready, "ready to merge");
    assert_eq!(settings.labels.in_progress, "in-progress");
    check(
        "labels: {completed: in-progress}",
        "1:21: labels.completed: is the label of in_progress already",
    );
    check(
        "labels: {completed: \"a,b\"}",
        "1:21: labels.completed: a label must not contain a comma",
    );
    check(
        "serve: {max_runs: 0}",
        "1:19: serve.max_runs: expected from 1 to 64, found 0",
    );
}

#[test]
fn a_variable_inside_a_text_is_told() {
    check(
        "agents: [{name: a, kind: \"x-${MODE}\"}]",
        "1:26: agents[0].kind: ${MODE} inside a text is not replaced; make the variable the whole value",
    );
}

#[test]
fn what_is_no_mapping() {
    let keys = "default_agent, agents, limits, budget, approvals, landing, recovery, sandbox, gateway, serve, labels, learning, retention";
    check(
        "- a\n- b\n",
        &format!("1:1: expected a mapping with the keys {keys}; found a list"),
    );
    check(
        "hello",
        &format!("1:1: expected a mapping with the keys {keys}; found the text \"hello\""),
    );
    check("", "is empty");
}

#[test]
fn what_init_writes_is_read() {
    assert_eq!(
        load(&render(&InitChoices::default())),
        Ok(Settings {
            file: "f".to_owned(),
            ..Settings::default()
        })
    );
    // What stands behind the signs is sound: without them, the file still means the defaults.
    let defaults = Settings::default();
    let uncommented: String = render(&InitChoices::default())
        .lines()
        .map(|line| match line.split_once('#') {
            Some((indent, key)) if !key.starts_with(' ') || key.starts_with("  ") => {
                format!("{indent}{key}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(
        uncommented.contains("\n  max_executions: 5\n"),
        "{uncommented}"
    );
    let read = load(&uncommented).unwrap_or_else(|findings| panic!("{findings}\n{uncommented}"));
    assert_eq!(
        (
            read.limits,
            read.budget,
            read.approvals,
            read.landing,
            read.retention
        ),
        (
            defaults.limits,
            defaults.budget,
            defaults.approvals,
            defaults.landing,
            defaults.retention
        )
    );
    assert_eq!(
        read.default_agent.as_deref(),
        Some("codemod"),
        "the example of an agent is sound"
    );
}

proptest! {
    #[test]
    fn what_init_writes_keeps_commands(line in troubling_text(), word in troubling_text(), remark in any::<String>()) {
        let line = line.replace('\0', "").trim().to_owned();
        prop_assume!(!line.is_empty() && !line.starts_with("sh:"));
        let program = Command::Program { program: "p".to_owned(), arguments: vec![word.replace('\0', "")] };
        let agent = |name: &str, command: Command| AgentChoice {
            name: name.to_owned(),
            kind: "command".to_owned(),
            command: Some(command),
            playbook: None,
            own_login: true,
            changes_optional: true,
            comment: remark.clone(),
        };
        let commands = [Command::Shell(line), program];
        let agents = vec![agent("a", commands[0].clone()), agent("b", commands[1].clone())];
        let text = render(&InitChoices { agents });
        let settings = load(&text).map_err(|findings| TestCaseError::fail(format!("{findings}\n{text}")))?;
        let read: Vec<_> = settings.agents.into_iter().filter_map(|agent| agent.command).collect();
        prop_assert_eq!(&read[..], &commands[..], "{}", text);
    }
}
