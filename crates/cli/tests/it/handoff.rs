//! What a person says of work that was handed over, and of a run as a whole.

use expect_test::expect;

use crate::place::Place;

/// Works only when it was told how.
const AGENT: &str = "--agent 'sh:grep -q hint $AUTOMATION_REQUEST_FILE && echo x > $AUTOMATION_TASK_ID' \
     --repo app --max-workers 1 --run-id r1";

const PLAN: &str = "\
title: Two steps
tasks:
- {id: hard, title: Hard, repository: app}
- {id: easy, title: Easy (a hint), repository: app}
";

fn failed() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file("plan.yaml", PLAN);
    place.run(&format!("run {AGENT} --plan plan.yaml")).code(1);
    place
}

#[test]
fn an_answer_is_what_a_task_was_missing() {
    let place = failed();
    let report = place.read(".automation/runs/r1/reports/task-hard.md");
    // The printed line is the line that works.
    assert!(
        report.contains("automation answer hard \"…\" --run r1"),
        "{report}"
    );
    place
        .run("answer hard 'here is a hint' --run r1")
        .code(0)
        .says("run r1 is done");
    place.refused(
        "answer hard again --run r1",
        &expect![[r#"
            exit 2
            --- stderr
            error: task hard has not failed; it is succeeded
            hint: `automation status r1` shows what failed first
        "#]],
    );
}

#[test]
fn a_task_can_be_left_out_or_described_anew() {
    let place = failed();
    place
        .run("skip hard")
        .code(0)
        .says("task hard left out, as you said");
    let place = failed();
    place
        .run("retry hard --description 'with a hint'")
        .code(0)
        .says("run r1 is done");
}

#[test]
fn words_that_can_have_no_effect_are_refused() {
    let place = failed();
    for (arguments, message) in [
        ("retry easy", "task easy has not failed; it is succeeded"),
        ("retry app", "the tests of repository app have not failed"),
        ("skip app", "the tests of repository app have not failed"),
        (
            "retry nobody",
            "has neither a task nor a repository \"nobody\"",
        ),
        ("retry ../x", "has neither a task nor a repository \"../x\""),
        ("answer hard ' '", "the answer is empty"),
        ("retry hard --run nothing", "nothing"),
    ] {
        place.run(arguments).code(2).says(message);
    }
}

#[test]
fn a_run_that_is_given_up_lands_no_more() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let agent = "--agent 'sh:echo x > x' --repo app --run-id r1 --title X";
    place.run(&format!("run {agent}")).code(0);
    place
        .run("abort r1")
        .code(0)
        .says("run r1 was given up; nothing of it lands, and its branches stay");
    place.run("issue ls").code(0).says("closed");
    place.run("status r1").code(0).says("aborted");
    place.run("land r1").says("given up");
}

#[test]
fn a_staged_run_lists_what_it_would_do_and_leaves_no_trace() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let before = place.everything();
    place
        .run("run --staged --agent 'sh:echo x > x' --repo app --run-id r1 --title X --land")
        .is(&expect![[r#"
            exit 0
            agent         app  command does task app: X
            command       app  `make test` after each task, and on the whole
            branch        app  automation/r1/change is set to the change
            pull request  app  "X" is opened, from automation/r1/change into main
            pull request  app  it is closed as merged after the landing
            target        app  main moves to the tested commit
            nothing was done; without --staged, the run does it
        "#]]);
    assert_eq!(place.everything(), before);
}
