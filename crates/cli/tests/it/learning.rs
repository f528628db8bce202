//! What runs record of themselves, and lessons.

use expect_test::expect;

use crate::place::Place;

/// One task that succeeds at its second attempt, and one that never does.
const PLAYBOOK: &str = "\
plan:
  tasks:
    - {id: good, title: Write good, repository: app}
    - {id: bad, title: Write bad, repository: app}
tasks:
  good:
    steps:
      - {fail: not yet, class: transient, on_attempt: 1}
      - {write: {path: good, text: x}}
  bad:
    steps: [{fail: never}]
review: {default: {approved: true, confidence: 0.9}}
";

fn place() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file("playbook.yaml", PLAYBOOK).file(
        "config/automation.yaml",
        "agents:\n- {name: robot, kind: scripted, playbook: playbook.yaml}\n\
         recovery: {delay_percent: 0}\nlearning: {exploration: 1}\n",
    );
    place
}

#[test]
fn every_attempt_is_recorded_once() {
    let place = place();
    place.run("learn stats").code(0);
    assert!(
        !place.path(".automation").exists(),
        "looking writes nothing"
    );
    place.run("run --repo app --title X --run-id r1").code(1);
    let stats = place.run("learn stats --json").code(0).json();
    assert_eq!(
        stats["total_executions"], 3,
        "two attempts and one: {stats}"
    );
    assert_eq!(stats["successful_executions"], 1);
    assert_eq!(
        stats["measured_executions"], 2,
        "one was cut off by its host"
    );
    assert_eq!(stats["success_rate"]["needed"], 30);
    // The same run once more: its attempts are known, and another one comes.
    place.run("retry bad --run r1").code(1);
    let stats = place.run("learn stats --json").code(0).json();
    assert_eq!(stats["total_executions"], 4, "{stats}");
    place.run("learn stats").is(&expect![[r#"
        exit 0
        attempts recorded             4
        ended well                    1
        outcome measured              3
        success rate                  not enough evidence (4 of 30)
        average review score          not enough evidence (0 of 30)
        lessons                       0 candidates, 1 on trial (0 await approval), 0 promoted, 0 retired
        passed over                   0 records
        no evidence, an agent's word  0 records
        never recorded                0 draws
        cleaned away                  0 records
        secrets taken out             0
    "#]]);
}

#[test]
fn lessons_are_added_tried_and_retired() {
    let place = place();
    place.run("learn ls").is(&expect![[r#"
        exit 0
        no lessons yet; add one with `automation learn add TEXT`
    "#]]);
    place
        .run("learn add 'Run `make lint` before you end.'")
        .is(&expect![[r#"
            exit 0
            1 candidate: L1
        "#]]);
    place.file("RULES.md", "# Rules\n\n- Keep lines short.\n- Say why.\n");
    place
        .run("learn add --from RULES.md --repo app")
        .is(&expect![[r#"
            exit 0
            2 candidates: L2, L3
        "#]]);
    place.run("run --repo app --title X --run-id r1").code(1);
    place.run("learn ls").is(&expect![[r#"
        exit 0
        lesson             from                   with it  without it  gain                            text
        L1      trial      a person               0 of 0   0 of 1      not enough evidence (1 of 250)  Run `make lint` before you end.
        L2      trial      a person               0 of 1   0 of 0      not enough evidence (1 of 250)  Keep lines short.
        L3      trial      a person               0 of 1   0 of 0      not enough evidence (1 of 250)  Say why.
        L4      candidate  a command that worked  0 of 0   0 of 0      not enough evidence (0 of 250)  Run `make test` before you end: a result counts only where it passes.
    "#]]);
    let why = place.run("learn why L1").code(0);
    why.says("on trial in round 1");
    why.says("from a person");
    why.says("looked at next after 250 tasks; 1 so far");
    place
        .run("learn retire L2 'nobody reads it'")
        .is(&expect![[r#"
            exit 0
            L2 is retired
        "#]]);
    place
        .run("learn why L2")
        .says("retired: a person did it: nobody reads it");
    place.run("learn approve L2").is(&expect![[r#"
        exit 1
        --- stderr
        error: lesson L2 is retired
    "#]]);
    place.run("learn why L9").is(&expect![[r#"
        exit 2
        --- stderr
        error: there is no lesson L9
    "#]]);
    place.run("learn why 9").is(&expect![[r#"
        exit 2
        --- stderr
        error: "9" is not a lesson: expected L and a number, such as L17
    "#]]);
    // Nothing is promoted yet, so that nothing is written.
    place.run("learn export").code(0);
    place.file(
        "AGENTS.md",
        "<!-- automation lessons: begin v1. -->\n- mine\n",
    );
    place.run("learn export").code(2).says(
        "AGENTS.md was not changed\n  because line 2 of the exported lessons was changed by hand",
    );
    assert_eq!(place.read("AGENTS.md").lines().count(), 2, "the edit stays");
    place.file(
        "AGENTS.md",
        "\u{feff}  <!-- automation lessons: begin v1. -->\n",
    );
    place
        .run("learn export")
        .code(2)
        .says("line 1 of the exported lessons was moved to the right by hand");
}

#[test]
fn a_run_that_cannot_learn_warns_and_goes_on() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file(".automation/feedback", "in the way");
    place
        .run("run --agent 'sh:echo x > x' --repo app --title X --run-id r1")
        .code(0)
        .says("nothing is learnt from this run");
    place.file("config/automation.yaml", "learning: {enabled: false}\n");
    place
        .run("run --agent 'sh:echo x > x' --repo app --title X --run-id r2")
        .code(0);
    let status = place.run("status r2").code(0);
    assert!(!status.stdout.contains("warning"), "{}", status.stdout);
}

/// The files of a journal as text.
fn stored(place: &Place, folder: &str) -> String {
    let files = std::fs::read_dir(place.path(folder))
        .expect("there is a journal")
        .flatten();
    let bytes: Vec<u8> = files
        .flat_map(|file| std::fs::read(file.path()).expect("it can be read"))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn attempts_are_recorded_with_the_prompt_that_was_given() {
    for (keep, shows) in [("full", true), ("hash", false)] {
        let place = place();
        place.file(
            "config/automation.yaml",
            format!(
                "agents:\n- {{name: robot, kind: scripted, playbook: playbook.yaml}}\n\
                 recovery: {{delay_percent: 0}}\nlearning: {{prompts: {keep}}}\n"
            ),
        );
        place
            .run("run --repo app --title 'Do it with ANTHROPIC_API_KEY=sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' --run-id r1")
            .code(1);
        let text = stored(&place, ".automation/feedback/g1");
        // Words of the template around title and description.
        assert_eq!(
            text.contains("You are a software engineer"),
            shows,
            "{keep}: {text}"
        );
        assert_eq!(text.matches("\"prompt_hash\":\"\"").count(), 0, "{keep}");
        assert!(!text.contains("sk-ant-api03"), "{keep}: secrets stay out");
        // The run's own journal keeps no more.
        let text = stored(&place, ".automation/runs/r1/journal");
        assert_eq!(
            text.contains("You are a software engineer"),
            shows,
            "{keep}"
        );
    }
}

#[test]
fn a_review_reaches_attempts_that_were_recorded_before_it() {
    let place = place();
    let session = |arguments: &str, reviews: u64, attempts: u64| {
        let ran = place.run(arguments);
        let stats = place.run("learn stats --json").code(0).json();
        assert_eq!(stats["total_executions"], attempts, "{stats}{}", ran.stdout);
        assert_eq!(
            stats["average_review_score"]["n"], reviews,
            "{stats}{}",
            ran.stdout
        );
    };
    // Nothing is reviewed before all of it is done.
    session("run --repo app --title X --run-id r1 --approve plan", 0, 0);
    session("approve r1", 0, 3);
    session("skip bad --run r1", 1, 3);
    session("resume r1", 1, 3);
}
