//! What every agent must do, run against all of ours. An agent is made for a
//! playbook: it writes `hello` to `hello.txt` for the task `greet`, waits ten
//! minutes for the task `wait`, plans, and approves every review.

use std::{sync::Arc, time::Duration};

use agents::{CommandAgent, Playbook, ScriptedAgent, ScriptedAgentOptions};
use core_types::{Agent, AgentAnswer, CancellationToken, ErrorClass};

use crate::support::{Place, implement, plan, review, shell};

async fn conformance(agent: Arc<dyn Agent>) {
    let token = CancellationToken::new();
    assert!(!agent.name().is_empty());
    let capabilities = agent.capabilities();
    assert!(
        capabilities.plan && capabilities.review,
        "the agent of this suite can do all"
    );

    let mut trees = Vec::new();
    for _ in 0..2 {
        let place = Place::new();
        let request = place.request(implement("greet"));
        let result = agent.run(request, &token).await.expect("it works");
        assert!(
            matches!(result.answer, AgentAnswer::Work { .. }),
            "work is answered by work"
        );
        assert!(
            result.prompt.contains("Say hello"),
            "the prompt is handed back"
        );
        trees.push(place.text("hello.txt"));
    }
    assert_eq!(
        trees, ["hello"; 2],
        "the same request may be made again in a fresh folder"
    );

    let place = Place::new();
    let planned = agent
        .run(place.request(plan()), &token)
        .await
        .expect("it plans");
    let AgentAnswer::Plan { plan: tasks } = planned.answer else {
        panic!("a request to plan is answered by a plan")
    };
    assert!(tasks["tasks"].is_array(), "a plan has tasks");
    let reviewed = agent
        .run(place.request(review()), &token)
        .await
        .expect("it reviews");
    assert!(
        matches!(reviewed.answer, AgentAnswer::Review { review } if review.approved),
        "a request to review is answered by a review"
    );

    let mut request = place.request(implement("wait"));
    request.timeout = Duration::from_millis(50);
    let late = agent
        .run(request, &token)
        .await
        .expect_err("it waits too long");
    assert_eq!(late.class(), ErrorClass::Timeout);

    let cancel = CancellationToken::new();
    let (cancelled, ()) = tokio::join!(
        agent.run(place.request(implement("wait")), &cancel),
        async { cancel.cancel() }
    );
    assert_eq!(
        cancelled.expect_err("it was cancelled").class(),
        ErrorClass::Cancelled
    );
}

#[tokio::test]
async fn a_scripted_agent_conforms() {
    let playbook: Playbook = serde_json::from_str(
        r#"{
            "plan": {"tasks": []},
            "review": {"default": {"approved": true}},
            "tasks": {
                "greet": {"steps": [{"write": {"path": "hello.txt", "text": "hello"}}]},
                "wait": {"steps": [{"sleep": "10m"}]}
            }
        }"#,
    )
    .unwrap();
    let agent = ScriptedAgent::new(ScriptedAgentOptions::new("demo"), playbook);
    conformance(Arc::new(agent)).await;
}

#[tokio::test]
async fn a_command_agent_conforms() {
    let mut options = shell(
        r#"
        case "$AUTOMATION_STAGE $AUTOMATION_TASK_ID" in
            "implementation greet") printf hello > hello.txt ;;
            "implementation wait") sleep 600 ;;
            "planning "*) echo '{"plan": {"tasks": []}}' > "$AUTOMATION_ANSWER_FILE" ;;
            "review "*)
                echo '{"review": {"approved": true, "confidence": 1}}' > "$AUTOMATION_ANSWER_FILE" ;;
        esac"#,
    );
    options.plan = true;
    options.review = true;
    conformance(Arc::new(CommandAgent::new(options).unwrap())).await;
}
