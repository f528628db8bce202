use std::{os::unix::fs::symlink, time::Duration};

use agents::{Playbook, ScriptedAgent, ScriptedAgentOptions};
use core_types::{
    Agent, AgentAnswer, AgentResult, AgentTask, CancellationToken, ChangePolicy, ErrorClass,
    PortError,
};

use crate::support::{Place, fix_tests, implement, plan, repository, resolve_conflict, review};

fn agent(playbook: &str) -> ScriptedAgent {
    let playbook: Playbook = serde_json::from_str(playbook).expect("a good playbook");
    ScriptedAgent::new(ScriptedAgentOptions::new("demo"), playbook)
}

/// An agent whose playbook has one task, `greet`, of these steps.
fn greeter(steps: &str) -> ScriptedAgent {
    agent(&format!(
        r#"{{"tasks": {{"greet": {{"steps": [{steps}]}}}}}}"#
    ))
}

async fn play(agent: &ScriptedAgent, place: &Place) -> Result<AgentResult, PortError> {
    let request = place.request(implement("greet"));
    agent.run(request, &CancellationToken::new()).await
}

fn refused(result: Result<AgentResult, PortError>, class: ErrorClass, line: &str) {
    let error = result.expect_err("it is an error");
    assert_eq!(
        error.to_line(),
        format!("failed to run agent \"demo\": {line}")
    );
    assert_eq!(error.class(), class);
}

#[tokio::test]
async fn it_really_edits_files() {
    let place = Place::new();
    place.put("old.txt", "one two one\n");
    place.put("gone.txt", "");
    let agent = agent(
        r#"{"tasks": {"greet": {
            "steps": [
                {"write": {"path": "src/deep/new.txt", "text": "a\n"}},
                {"append": {"path": "src/deep/new.txt", "text": "b\n"}},
                {"append": {"path": "log.txt", "text": "c\n"}},
                {"replace": {"path": "old.txt", "from": "one", "to": "1"}},
                {"delete": "gone.txt"},
                {"sleep": "1ms"},
                {"write": {"path": "log.txt", "text": "short"}}
            ],
            "summary": "greets", "usage": {"input": 10, "output": 2}, "cost": "0.5", "model": "m"
        }}}"#,
    );
    let result = play(&agent, &place).await.unwrap();
    assert_eq!(place.text("src/deep/new.txt"), "a\nb\n");
    assert_eq!(place.text("old.txt"), "1 two 1\n");
    assert_eq!(place.text("log.txt"), "short");
    assert!(!place.folder().join("gone.txt").exists());
    let summary = "greets".to_owned();
    assert_eq!(result.answer, AgentAnswer::Work { summary });
    assert_eq!((result.usage.total(), &*result.model), (12, "m"));
    assert_eq!(result.cost.unwrap().to_string(), "0.50");
    assert!(result.prompt.contains("Greet the user"));
    assert_eq!(agent.changes(), ChangePolicy::Required);
}

#[tokio::test]
async fn a_step_may_be_for_one_attempt() {
    let place = Place::new();
    let agent = greeter(
        r#"{"fail": "not today", "on_attempt": 1}, {"write": {"path": "a", "text": "{{attempt}}"}}"#,
    );
    refused(
        play(&agent, &place).await,
        ErrorClass::Internal,
        "not today",
    );
    assert!(
        !place.folder().join("a").exists(),
        "nothing happens after a failure"
    );
    let mut request = place.request(implement("greet"));
    request.attempt = 2;
    agent.run(request, &CancellationToken::new()).await.unwrap();
    assert_eq!(
        place.text("a"),
        "{{attempt}}",
        "texts are written as they are"
    );
}

#[tokio::test]
async fn what_it_can_do_is_what_its_playbook_holds() {
    let place = Place::new();
    let silent = greeter("");
    assert!(!silent.capabilities().plan && !silent.capabilities().review);
    let token = CancellationToken::new();
    refused(
        silent.run(place.request(plan()), &token).await,
        ErrorClass::Validation,
        "it cannot do the planning stage",
    );
    refused(
        silent.run(place.request(review()), &token).await,
        ErrorClass::Validation,
        "it cannot do the review stage",
    );
    refused(
        silent.run(place.request(implement("other")), &token).await,
        ErrorClass::Validation,
        "the playbook has no task \"other\"; known are: greet",
    );

    let full = agent(
        r#"{
            "plan": {"title": "t", "tasks": [{"id": "greet"}], "model": "m"},
            "review": {
                "default": {"approved": false},
                "repositories": {"backend": {"approved": true, "confidence": 0.5}}
            }
        }"#,
    );
    assert!(full.capabilities().plan && full.capabilities().review);
    let planned = full.run(place.request(plan()), &token).await.unwrap();
    let AgentAnswer::Plan { plan: tasks } = planned.answer else {
        panic!("a plan was asked for")
    };
    assert_eq!(
        tasks,
        serde_json::json!({"title": "t", "tasks": [{"id": "greet"}]})
    );
    let reviewed = full.run(place.request(review()), &token).await.unwrap();
    assert!(matches!(
        reviewed.answer,
        AgentAnswer::Review { review } if review.approved && review.confidence == 0.5
    ));
    refused(
        full.run(place.request(implement("greet")), &token).await,
        ErrorClass::Validation,
        "the playbook has no task \"greet\"; known are: none",
    );

    let others = agent(r#"{"review": {"repositories": {"frontend": {"approved": true}}}}"#);
    refused(
        others.run(place.request(review()), &token).await,
        ErrorClass::Validation,
        "the playbook has no repository \"backend\"; known are: frontend",
    );
}

#[tokio::test]
async fn no_link_leads_out_of_the_folder() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    std::fs::File::create(&secret).unwrap();
    symlink(outside.path(), place.folder().join("dir")).unwrap();
    symlink(&secret, place.folder().join("file")).unwrap();
    symlink(outside.path().join("new"), place.folder().join("dangling")).unwrap();
    for (path, step) in [
        ("dir/new", r#"{"write": {"path": "dir/new", "text": "x"}}"#),
        ("file", r#"{"write": {"path": "file", "text": "x"}}"#),
        (
            "dangling",
            r#"{"write": {"path": "dangling", "text": "x"}}"#,
        ),
        ("file", r#"{"append": {"path": "file", "text": "x"}}"#),
        (
            "dir/secret",
            r#"{"replace": {"path": "dir/secret", "from": "a", "to": "b"}}"#,
        ),
        ("dir/secret", r#"{"delete": "dir/secret"}"#),
    ] {
        refused(
            play(&greeter(step), &place).await,
            ErrorClass::Validation,
            &format!("the path \"{path}\" leads through a symbolic link"),
        );
    }
    let left: Vec<_> = std::fs::read_dir(outside.path()).unwrap().collect();
    assert_eq!(
        (left.len(), secret.metadata().unwrap().len()),
        (1, 0),
        "nothing changed outside"
    );
}

#[tokio::test]
async fn an_edit_that_does_not_fit_is_an_error() {
    let place = Place::new();
    place.put("a.txt", "hello\n");
    refused(
        play(
            &greeter(r#"{"replace": {"path": "a.txt", "from": "bye", "to": ""}}"#),
            &place,
        )
        .await,
        ErrorClass::Validation,
        "the file \"a.txt\" does not contain \"bye\"",
    );
    for step in [
        r#"{"delete": "none.txt"}"#,
        r#"{"replace": {"path": "none.txt", "from": "a", "to": ""}}"#,
    ] {
        refused(
            play(&greeter(step), &place).await,
            ErrorClass::NotFound,
            "could not edit \"none.txt\": No such file or directory (os error 2)",
        );
    }
    assert_eq!(place.text("a.txt"), "hello\n");
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_its_limit_and_when_cancelled() {
    let place = Place::new();
    let steps = r#"{"write": {"path": "a", "text": ""}}, {"sleep": "10m"}, {"write": {"path": "b", "text": ""}}"#;
    let sleeper = greeter(steps);
    refused(
        play(&sleeper, &place).await,
        ErrorClass::Timeout,
        "it did not end within 60s",
    );

    let cancel = CancellationToken::new();
    let request = place.request(implement("greet"));
    let (result, ()) = tokio::join!(sleeper.run(request.clone(), &cancel), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    });
    refused(result, ErrorClass::Cancelled, "it was cancelled");
    assert!(place.folder().join("a").exists() && !place.folder().join("b").exists());

    std::fs::remove_file(place.folder().join("a")).unwrap();
    refused(
        sleeper.run(request, &cancel).await,
        ErrorClass::Cancelled,
        "it was cancelled",
    );
    assert!(
        !place.folder().join("a").exists(),
        "cancelled before it begins, it edits nothing"
    );

    let mut options = ScriptedAgentOptions::new("demo");
    options.timeout = Some(Duration::from_secs(1));
    let playbook = format!(r#"{{"tasks": {{"greet": {{"steps": [{steps}]}}}}}}"#);
    let playbook = serde_json::from_str(&playbook).unwrap();
    let hasty = ScriptedAgent::new(options, playbook);
    refused(
        play(&hasty, &place).await,
        ErrorClass::Timeout,
        "it did not end within 1s",
    );
}

#[tokio::test]
async fn repairs_are_played_by_task_and_round() {
    let place = Place::new();
    let agent = agent(
        r#"{
            "resolve_conflict": {"greet": {"steps": [
                {"write": {"path": "first", "text": "1"}, "on_round": 1},
                {"write": {"path": "second", "text": "2"}, "on_round": 2}
            ], "summary": "both"}},
            "fix_tests": {"backend": {"steps": [{"write": {"path": "fixed", "text": ""}, "on_round": 2}]}}
        }"#,
    );
    assert!(agent.capabilities().repair && !agent.capabilities().review);
    let token = CancellationToken::new();
    let result = agent.run(place.request(resolve_conflict("greet")), &token);
    let summary = "both".to_owned();
    assert_eq!(result.await.unwrap().answer, AgentAnswer::Work { summary });
    let exists = |name: &str| place.folder().join(name).exists();
    assert!(exists("first") && !exists("second"));
    let mut task = resolve_conflict("greet");
    if let AgentTask::ResolveConflict { findings, .. } = &mut task {
        findings.push("a marker is left".to_owned());
    }
    agent.run(place.request(task), &token).await.unwrap();
    assert!(exists("second"), "findings make it the second round");

    // The tests of a repository belong to no task.
    let mut request = place.request(fix_tests(None));
    request.repository = Some(repository("backend").name);
    agent.run(request, &token).await.unwrap();
    assert!(exists("fixed"));
    refused(
        agent
            .run(place.request(fix_tests(Some("greet"))), &token)
            .await,
        ErrorClass::Validation,
        "the playbook has no tests of \"greet\"; known are: backend",
    );
    refused(
        agent
            .run(place.request(resolve_conflict("other")), &token)
            .await,
        ErrorClass::Validation,
        "the playbook has no conflict of \"other\"; known are: greet",
    );
    assert!(!greeter("").capabilities().repair);
}

#[tokio::test]
async fn a_failure_has_the_class_that_the_playbook_says() {
    let place = Place::new();
    for (class, expected) in [
        ("transient", ErrorClass::Transient),
        ("rate_limited", ErrorClass::RateLimited { until: None }),
        (
            "quota_exhausted",
            ErrorClass::QuotaExhausted { until: None },
        ),
        ("timeout", ErrorClass::Timeout),
        ("internal", ErrorClass::Internal),
    ] {
        let agent = greeter(&format!(r#"{{"fail": "no", "class": "{class}"}}"#));
        refused(play(&agent, &place).await, expected, "no");
    }
}
