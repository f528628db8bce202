//! The model of each request: chosen for the task, handed to the agent, paid for as such.

use expect_test::expect;

use crate::place::Place;

/// A simple task and a difficult one.
const PLAN: &str = "\
tasks:
  - {id: easy, title: Fix a typo in the README, description: It says teh., repository: app}
  - id: hard
    title: Redesign the authentication architecture
    description: >
      Migrate the distributed session service to a new protocol, with encrypted tokens and no downtime,
      and add integration tests for each client.
    repository: app
";

/// Says what it was given, in the clone and beside it, and reports tokens without a model.
const AGENT: &str = r#"#!/bin/sh
echo "$AUTOMATION_TASK_ID ${AUTOMATION_MODEL-none} ${AUTOMATION_MODEL_TIER-none}" >> HERE/given
grep -o '"model[a-z_]*": *"[^"]*"' "$AUTOMATION_REQUEST_FILE" > HERE/request-$AUTOMATION_TASK_ID
echo x > "$AUTOMATION_TASK_ID.txt"
echo '{"usage": {"input": 1000000, "output": 0}}' > "$AUTOMATION_ANSWER_FILE"
"#;

fn place(agent: &str) -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    let here = place.work().display().to_string();
    place.script("agent.sh", &AGENT.replace("HERE", &here));
    place.file("plan.yaml", PLAN).file(
        "config/automation.yaml",
        format!("agents:\n- {{name: coder, kind: command, command: [./agent.sh]{agent}}}\n"),
    );
    place
}

fn given(place: &Place) -> Vec<String> {
    let mut lines: Vec<_> = place.read("given").lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn each_task_has_the_model_that_it_needs() {
    let place = place("");
    place
        .run("plan --repo app --plan plan.yaml --run-id r1")
        .code(3)
        .says("models:\n  easy  claude-haiku-5-5 (FAST)     0.");
    place.run("approve r1").code(0);
    assert_eq!(
        given(&place),
        [
            "easy claude-haiku-5-5 FAST",
            "hard claude-opus-5-5 ADVANCED"
        ]
    );
    assert_eq!(
        place.read("request-hard"),
        "\"model\": \"claude-opus-5-5\"\n\"model_tier\": \"ADVANCED\"\n"
    );
    // Tokens without a model are those of the model that was given.
    place.run("cost --by model").is(&expect![[r#"
        exit 0
        model             USD   requests  tokens in  tokens out
        claude-opus-5-5   4.00  1         1000000    0
        claude-haiku-5-5  0.50  1         1000000    0
        total: 4.50 USD
    "#]]);
    place.run("cost explain hard").is(&expect![[r#"
        exit 0
        task hard: Redesign the authentication architecture
        complexity 0.96
          description_length  -0.08  26 words
          keywords            +0.56  difficult: architecture, distributed, integration, migrate, protocol, redesign; simple: none
          dependencies        +0.00  0 tasks
          file_count          +0.00  files not known
          estimated_changes   +0.01  no estimate, 0 list items, 4 words that ask for more
          security            +0.10  authentication, encrypted
          performance         -0.01  none
          wording             +0.13  all other words
        model claude-opus-5-5, tier ADVANCED: 0.96 is not below the threshold of ADVANCED, 0.75
        attempt 1 was given claude-opus-5-5 (ADVANCED)
        an attempt: 1.4580 USD, likely 0.2840 to 3.9474
        with FAST, claude-haiku-5-5: 0.0502 USD, likely 0.0098 to 0.1359
        with BALANCED, claude-sonnet-5-5: 0.7290 USD, likely 0.1420 to 1.9737
        prices of 2026-11-22: the table that the program brings
    "#]]);
}

#[test]
fn a_model_in_the_configuration_wins() {
    let place = place(", model: claude-sonnet-5-5");
    place
        .run("plan --repo app --plan plan.yaml --run-id r1")
        .code(3)
        .says("models:\n  easy  claude-sonnet-5-5  0.");
    place.run("approve r1").code(0);
    assert_eq!(
        given(&place),
        ["easy claude-sonnet-5-5 none", "hard claude-sonnet-5-5 none"]
    );
    assert_eq!(
        place.read("request-easy"),
        "\"model\": \"claude-sonnet-5-5\"\n"
    );
    let explained = place.run("cost explain easy").code(0);
    explained.says("model claude-sonnet-5-5: fixed by the configuration of agent coder");
    explained.says("attempt 1 was given claude-sonnet-5-5");
    let explained = place.run("cost explain easy --json").code(0).json();
    assert_eq!(explained["tier"], serde_json::Value::Null);
    assert_eq!(explained["given"]["attempt"], 1);
}

/// The engine is killed while the agent works, and the tiers are changed before the run goes on.
#[test]
fn an_attempt_keeps_its_model() {
    let place = place("");
    place.pipe("started");
    let here = place.work().display().to_string();
    let agent = AGENT.replace("HERE", &here);
    let waits = format!("[ -e {here}/again ] || {{ echo > {here}/started; sleep 1000; }}\n");
    place.script("agent.sh", &(agent + &waits));
    place.file("plan.yaml", PLAN.split_once("  - id: hard").unwrap().0);
    let mut child = place.start("run --repo app --plan plan.yaml --run-id r1");
    std::fs::read(place.path("started")).expect("the agent starts");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.file("config/models.yaml", "tiers: {FAST: claude-sonnet-5-5}\n");
    place.file("again", "");
    place.run("resume r1 --reload").code(0);
    assert_eq!(
        given(&place),
        ["easy claude-haiku-5-5 FAST", "easy claude-haiku-5-5 FAST"]
    );
    let explained = place.run("cost explain easy --run r1").code(0);
    explained.says("model claude-sonnet-5-5, tier FAST");
    explained.says("attempt 1 was given claude-haiku-5-5 (FAST)");
    // A new run takes what is configured now; one that goes on says what has changed.
    std::fs::remove_file(place.path("given")).expect("it is there");
    place
        .run("plan --repo app --plan plan.yaml --run-id r2")
        .code(3);
    place.file("config/models.yaml", "optimize: false\n");
    let ran = place.run("approve r2").code(0);
    ran.says("models");
    assert_eq!(given(&place), ["easy claude-sonnet-5-5 FAST"]);
}
