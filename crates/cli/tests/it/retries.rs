//! Agents and commands whose end says that it may be tried again.

use std::fs;

use crate::place::{Place, Ran, seen};

/// A place whose agent works from its second execution on, and ends the first one as `line` says.
fn place_with(line: &str) -> Place {
    let place = Place::new();
    place.file("config/automation.yaml", "recovery: {delay_percent: 1}\n");
    place.repository("app", None);
    let here = place.work().display().to_string();
    place.script(
        "agent.sh",
        &format!(
            "#!/bin/sh\n\
             echo once >> {here}/began\n\
             if [ $(wc -l < {here}/began) = 1 ]; then {line}; fi\n\
             echo bar > done.txt\n"
        ),
    );
    place
}

fn run(place: &Place) -> Ran {
    place.run("run --agent ./agent.sh --repo app --title X --run-id r1")
}

fn n_executions(place: &Place) -> usize {
    place.read("began").lines().count()
}

#[test]
fn an_agent_is_tried_again_where_its_end_says_that_this_may_help() {
    let answer = |error: &str| {
        format!("echo '{{\"error\": {error}}}' > \"$AUTOMATION_ANSWER_FILE\"; exit 1")
    };
    for line in [
        "exit 75".to_owned(),
        "kill -KILL $$".to_owned(),
        "exit 137".to_owned(),
        answer(r#"{"kind": "transient"}"#),
        answer(r#"{"kind": "rate_limited", "until": 1}"#),
    ] {
        let place = place_with(&line);
        let ran = run(&place);
        assert_eq!(ran.code, 0, "{line}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(n_executions(&place), 2, "{line}");
        assert!(
            ran.stdout.contains("app: retry: "),
            "{line}: {}",
            ran.stdout
        );
    }
}

#[test]
fn an_agent_that_fails_for_good_is_a_persons() {
    for line in [
        "exit 1",
        "exit 77",
        "kill -TERM $$",
        r#"echo '{"error": {"kind": "unauthorized", "message": "no key"}}' > "$AUTOMATION_ANSWER_FILE"; exit 75"#,
        r#"echo '{"error": {"kind": "cancelled"}}' > "$AUTOMATION_ANSWER_FILE""#,
    ] {
        let place = place_with(line);
        let ran = run(&place);
        assert_eq!(ran.code, 1, "{line}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(n_executions(&place), 1, "{line}");
    }
}

#[test]
fn a_killed_agent_is_tried_again_once_and_the_run_goes_on() {
    let place = place_with("exit 1");
    let here = place.work().display().to_string();
    place.script(
        "agent.sh",
        &format!("#!/bin/sh\necho once >> {here}/began\nkill -KILL $$\n"),
    );
    let ran = run(&place);
    assert_eq!(ran.code, 1, "it failed, and was not paused: {}", ran.stdout);
    assert_eq!(n_executions(&place), 2);
}

#[test]
fn a_test_command_that_was_killed_is_tried_again() {
    let place = place_with("exit 75");
    let here = place.work().display().to_string();
    place.script("agent.sh", "#!/bin/sh\necho bar > done.txt\n");
    place.file(
        "config/repositories.yaml",
        format!(
            "repositories:\n- name: app\n  path: app\n  test_command: 'echo once >> {here}/began; [ $(wc -l < {here}/began) != 1 ] || kill -KILL $$'\n"
        ),
    );
    // Configured repositories count where none is named.
    let ran = place.run("run --agent ./agent.sh --title X --run-id r1");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("app: retry: "), "{}", ran.stdout);
}

#[test]
fn a_quota_parks_the_run_until_its_window_ends() {
    let place = place_with(
        r#"echo '{"error": {"kind": "quota_exhausted", "message": "the window is full", "until": "UNTIL"}}' > "$AUTOMATION_ANSWER_FILE"; exit 1"#,
    );
    let script = place.read("agent.sh");
    place.script("agent.sh", &script.replace("UNTIL", "2100-01-01T00:00:00Z"));
    place.file("config/automation.yaml", "recovery: {retry_attempts: 0}\n");
    let before = seen(&testkit::git::Fixture::at(place.path("app")));
    let ran = run(&place);
    assert!(
        ran.stderr.contains("parked until 2100-01-01T00:00:00Z"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let again = place.run("resume r1");
    assert_eq!(again.code, ran.code, "before its time it parks again");
    assert_eq!(n_executions(&place), 1);
    let repository = testkit::git::Fixture::at(place.path("app"));
    assert_eq!(before, seen(&repository));
    fs::metadata(place.path(".automation/runs/r1")).expect("it can be resumed");
}
