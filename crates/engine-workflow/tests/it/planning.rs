use core_types::{
    AgentAnswer, AgentCapabilities, AgentTask, ErrorClass, Event, Gate, Message, PortError, Review,
};
use engine_workflow::{EndStatus, Error};
use serde_json::{Value, json};

use crate::world::{Did, TestAgent, World, lock, own_file, plan, states};

/// An agent that answers these to its requests to plan, one after another.
fn planner(answers: impl Fn(usize) -> Did + Send + Sync + 'static) -> TestAgent {
    let round = std::sync::atomic::AtomicUsize::new(0);
    let mut agent = TestAgent::new(move |request| match &request.task {
        AgentTask::Plan { .. } => answers(round.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
        _ => own_file(request),
    });
    agent.capabilities.plan = true;
    agent
}

fn answer(tasks: Value) -> Did {
    Did::Answer(AgentAnswer::Plan {
        plan: json!({ "tasks": tasks }),
    })
}

fn findings(world: &World) -> Vec<Vec<String>> {
    let requests = world.agent.requests().into_iter();
    requests
        .filter_map(|request| match request.task {
            AgentTask::Plan { findings, .. } => Some(findings),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn an_agent_that_cannot_plan_gets_one_task_a_repository() {
    let mut world = World::new(&["one", "two"], TestAgent::new(own_file));
    world.settings.repositories[1].write = false;
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "one succeeded");
}

#[tokio::test]
async fn a_wrong_plan_and_a_wrong_answer_go_back_with_findings() {
    let agent = planner(|round| match round {
        0 => answer(json!([{"id": "a", "title": "A", "repository": "nowhere"}])),
        1 => Did::Fail(
            PortError::new(ErrorClass::Validation, "read the answer").because("line 3 is no JSON"),
        ),
        _ => answer(json!([{"id": "a", "title": "A", "repository": "one"}])),
    });
    let mut world = World::new(&["one"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded");
    let unknown = "task a: unknown repository nowhere; known are: one";
    let wrong = "failed to read the answer: line 3 is no JSON";
    let expected = [vec![], vec![unknown.to_owned()], vec![wrong.to_owned()]];
    assert_eq!(findings(&world), expected);
    let folder = &world.agent.requests()[0].folder;
    assert!(!folder.exists(), "the clones for planning are removed");
}

#[tokio::test]
async fn after_three_wrong_plans_the_run_stops_with_the_findings() {
    let agent = planner(|round| match round {
        0 => Did::Work("I cannot"),
        _ => answer(json!([])),
    });
    let mut world = World::new(&["one"], agent);
    let error = world.run().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the agent's plan is not valid after 3 rounds:\n  the plan has no tasks"
    );
    assert_eq!(findings(&world)[1], ["the answer holds no plan"]);
    assert_eq!(findings(&world).len(), 3);
}

#[tokio::test]
async fn a_planning_agent_that_fails_is_asked_again_by_the_next_session() {
    let agent = planner(|round| match round {
        0 => Did::Fail(PortError::new(ErrorClass::Transient, "reach the model")),
        _ => answer(json!([{"id": "a", "title": "A", "repository": "one"}])),
    });
    let mut world = World::new(&["one"], agent);
    let error = world.run().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(
        error.to_string(),
        "the agent could not plan: failed to reach the model"
    );
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    assert!(
        findings(&world)[1].is_empty(),
        "it is the first round still"
    );
}

#[tokio::test]
async fn the_plan_gate_waits_and_takes_an_edited_plan_once() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    world.settings.approvals.plan = true;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::AtGate(Gate::Plan));
    assert_eq!(end.status.exit_code(), 3);
    assert!(world.agent.requests().is_empty());

    let approve = |tasks: &[&str]| Message::Approve {
        gate: Gate::Plan,
        plan: Some(plan(tasks)),
    };
    world.say(approve(&["a one b", "b one a"])).await;
    let error = world.run().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    assert!(error.to_string().contains("a"), "{error}");
    assert!(matches!(error, Error::Plan(_)));

    world.say(approve(&["edited one"])).await;
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "edited succeeded");
    // What comes later comes too late, and the file keeps the plan that counts.
    world.say(approve(&["late nowhere"])).await;
    assert_eq!(world.run().await.unwrap(), end);
    let written = lock(&world.plans.0).last().cloned().unwrap();
    assert_eq!(written, plan(&["edited one"]));
    let opened = world.events.events().into_iter();
    let opened = opened.filter(|event| matches!(event, Event::GateOpened { .. }));
    assert_eq!(opened.count(), 1);
}

#[tokio::test]
async fn a_persons_plan_is_checked_before_anything_starts() {
    let mut world = World::with_plan(&["one"], &["a two", "a one"], TestAgent::new(own_file));
    let error = world.run().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    assert!(
        error.to_string().contains("unknown repository two"),
        "{error}"
    );
}

#[tokio::test]
async fn a_review_that_fails_leaves_the_change_not_reviewed() {
    let mut agent = TestAgent::new(|request| match request.task {
        AgentTask::Review { .. } => Did::Fail(PortError::new(ErrorClass::Internal, "review")),
        _ => own_file(request),
    });
    agent.capabilities.review = true;
    let mut world = World::new(&["one"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(end.repositories[0].review, None);
    let expected = "the review of one failed, so it is not reviewed: failed to review";
    assert_eq!(world.warnings(), [expected]);
}

#[tokio::test]
async fn a_review_is_given_the_change_and_is_in_the_end() {
    let mut agent = TestAgent::new(|request| match &request.task {
        AgentTask::Review {
            diff, tests_passed, ..
        } => {
            assert!(diff.contains("+by one"), "{diff}");
            assert_eq!(*tests_passed, Some(true));
            let review = Review {
                approved: true,
                comments: "fine".to_owned(),
                issues_found: Vec::new(),
                confidence: 0.5,
            };
            Did::Answer(AgentAnswer::Review { review })
        }
        _ => own_file(request),
    });
    agent.capabilities = AgentCapabilities {
        review: true,
        ..agent.capabilities
    };
    let mut world = World::new(&["one"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert!(end.repositories[0].review.as_ref().unwrap().approved);
    let body = world.pull_requests("one").await.remove(0).body;
    assert!(
        body.contains("- Review: approved (confidence 0.50)"),
        "{body}"
    );
}
