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
            serde_json::Value::Array(_) => "a list".to_owned(),
            _ => "a text".to_owned(),
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
    expect![[r#"
        0 status: a list
        2 status r9: error exit_code
        0 init: notes written
        2 init: error exit_code
        0 doctor: a list
        0 issue new --title Rename: author body created labels number state title
        0 issue ls: a list
        0 issue show 1: body comments number repository title
        2 issue show 9: error exit_code
        3 plan 1 --agent 'sh:echo bar > a.txt' --run-id r1: cost critical_path end exit_code plan predicted_seconds run
        1 run --title X --agent 'sh:exit 3' --run-id r2: end error exit_code run
        2 run --title X --agent nobody: error exit_code
        0 approve r1: end error exit_code run
        3 land r1: end error exit_code run
        0 land r1 --update-checkout: end error exit_code run
        0 resume r1: end error exit_code run
        0 status: a list
        0 status r1: created end repairs repositories run stage state tasks title warnings
        0 logs app --run r1: a list
        2 logs nobody --run r1: error exit_code
        0 gc: a list
        0 demo --run-id d1: end error exit_code run
        0 docs settings-schema: a text
    "#]].assert_eq(&keys);
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
          status-table      backend         succeeded
          health-check      backend         succeeded
          health-endpoint   backend         succeeded
          version-endpoint  backend         succeeded
          backend-docs      backend         succeeded
          health-client     frontend        succeeded
          health-page       frontend        succeeded
          page-style        frontend        succeeded
          probe             infrastructure  succeeded
          alert             infrastructure  succeeded
        repairs:
          version-endpoint  conflict resolution  repaired
          backend-docs      retry                tried again
          health-page       test fix             repaired
          alert             manual intervention  handed to a person
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
