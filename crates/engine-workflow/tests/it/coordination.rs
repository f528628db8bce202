use std::collections::{BTreeMap, BTreeSet};

use core_types::{
    AgentAnswer, AgentTask, ChangeSet, CommandLine, Coordination, ErrorClass, Event, Gate, Member,
    Message, OperationId, PortError, RecoveryOutcome, TaskStatus, Trigger, TriggerWhen, Wait,
    WaitReason,
};
use engine_workflow::{EndStatus, LandingMode, RepositoryState};

use crate::recovery::recover_with;
use crate::world::{Did, TestAgent, World, own_file, repository_name, states, task_of, write};

/// A member that waits for others: `b after a` or `c on a,b` (all) or `c any a,b`.
fn member(line: &str) -> Member {
    let mut words = line.split_whitespace();
    let repository = repository_name(words.next().expect("a name"));
    let how = words.next();
    let names: Vec<_> = words
        .next()
        .into_iter()
        .flat_map(|names| names.split(','))
        .map(repository_name)
        .collect();
    let (mut after, mut trigger) = (Vec::new(), None);
    match how {
        Some("after") => {
            let reason = WaitReason::Dependency;
            after.extend(
                names
                    .into_iter()
                    .map(|repository| Wait { repository, reason }),
            );
        }
        Some("on") => {
            let when = TriggerWhen::All;
            trigger = Some(Trigger { on: names, when });
        }
        Some("any") => {
            let when = TriggerWhen::Any;
            trigger = Some(Trigger { on: names, when });
        }
        other => assert_eq!(other, None),
    }
    Member {
        repository,
        write: true,
        after,
        trigger,
        deploy: None,
    }
}

fn change_set(members: &[&str]) -> ChangeSet {
    ChangeSet {
        id: OperationId::new("run-1:change-set").expect("an operation id"),
        workflow: Some("all-of-it".to_owned()),
        coordination: Coordination::Parallel,
        members: members.iter().map(|line| member(line)).collect(),
        test_command: None,
        context: [("feature_flag".to_owned(), "new".to_owned())].into(),
    }
}

fn world(members: &[&str], tasks: &[&str], agent: TestAgent) -> World {
    let names: Vec<_> = members
        .iter()
        .map(|line| line.split_whitespace().next().expect("a name"))
        .collect();
    let mut world = World::with_plan(&names, tasks, agent);
    world.settings.change_set = Some(change_set(members));
    world
}

/// An agent that breaks the tests of tasks whose name begins with `bad`.
fn bad_breaks() -> TestAgent {
    TestAgent::new(|request| {
        let task = task_of(request);
        if task.starts_with("bad") {
            write(request, &format!("{task}.txt"), "broken\n");
            return Did::Work("broke it");
        }
        own_file(request)
    })
}

/// The order in which tasks began.
fn begun(world: &World) -> Vec<String> {
    let requests = world.agent.requests();
    requests.iter().map(|it| task_of(it).to_owned()).collect()
}

#[tokio::test]
async fn a_repository_starts_when_those_it_depends_on_have_succeeded() {
    let members = ["a", "b after a", "c after b"];
    let plan = ["c1 c", "b1 b", "a1 a", "a2 a"];
    let mut world = world(&members, &plan, TestAgent::new(own_file));
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    let begun = begun(&world);
    assert_eq!(&begun[2..], ["b1", "c1"], "{begun:?}");
    assert_eq!(world.run().await.unwrap(), end, "replayed alike");
}

#[tokio::test]
async fn a_failed_repository_stops_what_depends_on_it_and_nothing_else() {
    let members = ["a", "b after a", "c after b", "d"];
    let plan = ["bad a", "b1 b", "c1 c", "d1 d"];
    let mut world = world(&members, &plan, bad_breaks());
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(
        states(&end),
        "bad failed, b1 skipped (bad), c1 skipped (bad), d1 succeeded"
    );
}

#[tokio::test]
async fn a_triggered_repository_starts_once_when_all_have_passed_their_tests() {
    let members = ["a", "b", "c on a,b"];
    let mut world = world(&members, &["a1 a", "b1 b"], TestAgent::new(own_file));
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(states(&end), "a1 succeeded, b1 succeeded, c succeeded");
    assert_eq!(begun(&world).last().map(String::as_str), Some("c"));
    let events = world.events.events();
    let is_tested = |event: &Event| {
        matches!(
            event,
            Event::RepositoryTested {
                passed: Some(true),
                ..
            }
        )
    };
    let tested = events.iter().filter(|event| is_tested(event)).count();
    assert_eq!(
        tested, 3,
        "each head is tested once, before or in its stage"
    );
    assert_eq!(world.files("c", "main"), "README c.txt");
}

#[tokio::test]
async fn a_triggered_repository_may_have_nothing_to_do() {
    let agent = TestAgent::new(|request| match task_of(request) {
        "c" => Did::Work("nothing to follow up"),
        _ => own_file(request),
    });
    let mut world = world(&["a", "c on a"], &["a1 a"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(states(&end), "a1 succeeded, c unchanged");
}

#[tokio::test]
async fn one_of_any_is_enough_and_none_is_not() {
    let members = ["a", "b", "c any a,b"];
    let mut one = world(&members, &["bad a", "b1 b"], bad_breaks());
    let end = one.run().await.unwrap();
    assert_eq!(states(&end), "bad failed, b1 succeeded, c succeeded");
    assert_eq!(end.status, EndStatus::Failed, "nothing lands all the same");

    let mut none = world(&members, &["bad-a a", "bad-b b"], bad_breaks());
    let end = none.run().await.unwrap();
    assert_eq!(
        end.tasks.iter().map(|it| it.status).collect::<Vec<_>>(),
        [TaskStatus::Failed, TaskStatus::Failed, TaskStatus::Skipped]
    );
    assert_eq!(none.run().await.unwrap(), end, "replayed alike");
}

#[tokio::test]
async fn a_plan_against_the_coordination_is_refused_with_its_cycle() {
    let members = ["a", "b after a"];
    let mut world = world(&members, &["a1 a b1", "b1 b"], TestAgent::new(own_file));
    let error = world.run().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("b1") && text.contains("succeeded/a"),
        "{text}"
    );
}

#[tokio::test]
async fn combined_heads_are_tested_side_by_side_and_see_the_context() {
    for (line, status) in [
        (
            "test -f a/a1.txt && test -f b/b1.txt && echo \"$AUTOMATION_CONTEXT\" | grep -q new",
            EndStatus::Done,
        ),
        ("! test -f a/a1.txt", EndStatus::Failed),
    ] {
        let mut world = world(&["a", "b"], &["a1 a", "b1 b"], TestAgent::new(own_file));
        let change_set = world.settings.change_set.as_mut().expect("there is one");
        change_set.test_command = Some(CommandLine::Shell(line.to_owned()));
        let end = world.run().await.unwrap();
        assert_eq!(end.status, status, "{end:?}");
        let landed = end.repositories[0].state == RepositoryState::Landed;
        assert_eq!(landed, status == EndStatus::Done);
    }
}

#[tokio::test]
async fn every_request_and_every_repair_gets_the_context() {
    let mut agent = TestAgent::new(|request| match &request.task {
        AgentTask::Plan { .. } => Did::Answer(AgentAnswer::Plan {
            plan: serde_json::json!({ "tasks": [
                { "id": "a1", "title": "A", "repository": "a" },
                { "id": "b1", "title": "B", "repository": "b" },
            ] }),
        }),
        AgentTask::Review { .. } => Did::Work("no verdict"),
        _ if task_of(request) == "b1" => Did::Fail(PortError::new(ErrorClass::Internal, "work")),
        _ => own_file(request),
    });
    agent.capabilities.plan = true;
    agent.capabilities.review = true;
    let mut world = world(&["a", "b"], &[], agent);
    world.settings.plan = None;
    let recovery = recover_with(&mut world, |_| RecoveryOutcome::HandOff {
        report: String::new(),
    });
    world.settings.landing.mode = LandingMode::Each;
    world.run().await.unwrap();
    let expected = BTreeMap::from([("feature_flag".to_owned(), "new".to_owned())]);
    let mut stages = BTreeSet::new();
    for request in world.agent.requests() {
        assert_eq!(request.context, expected, "{}", request.task.stage());
        stages.insert(request.task.stage());
    }
    assert_eq!(
        Vec::from_iter(stages),
        ["implementation", "planning", "review"]
    );
    let repairs = recovery.requests();
    assert_eq!(repairs.len(), 1);
    assert_eq!(repairs[0].context, expected);
    let environment = BTreeMap::from_iter(repairs[0].commands.environment.clone());
    assert_eq!(environment["AUTOMATION_REPOSITORY"], "b");
    assert_eq!(
        environment["AUTOMATION_CONTEXT"],
        r#"{"feature_flag":"new"}"#
    );
    assert!(environment.contains_key("AUTOMATION_RUN_ID"));
}

#[tokio::test]
async fn pull_requests_name_each_other() {
    let mut world = world(&["a", "b"], &["a1 a", "b1 b"], TestAgent::new(own_file));
    world.settings.landing.land = false;
    world.run().await.unwrap();
    for name in ["a", "b"] {
        let body = world.pull_requests(name).await.remove(0).body;
        assert!(
            body.contains("| a | a#1 |") && body.contains("| b | b#1 |"),
            "{body}"
        );
        assert!(body.contains("feature_flag: new"), "{body}");
    }
}

#[tokio::test]
async fn a_deployment_runs_once_after_landing_behind_its_gate() {
    let mut world = world(&["a"], &["a1 a"], TestAgent::new(own_file));
    let log = world.run_folder().with_file_name("deployed");
    let line = format!("test -f a1.txt && echo once >> {}", log.display());
    let change_set = world.settings.change_set.as_mut().expect("there is one");
    change_set.members[0].deploy = Some(CommandLine::Shell(line));
    world.settings.approvals.deploy = true;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::AtGate(Gate::Deploy));
    assert_eq!(end.repositories[0].state, RepositoryState::Landed);
    assert!(!log.exists());
    let gate = Gate::Deploy;
    world.say(Message::Approve { gate, plan: None }).await;
    for _ in 0..2 {
        let end = world.run().await.unwrap();
        assert_eq!(end.status, EndStatus::Done);
        assert_eq!(end.repositories[0].deployed, Some(true));
        assert_eq!(
            std::fs::read_to_string(&log).expect("it was deployed"),
            "once\n"
        );
    }
}

#[tokio::test]
async fn an_agent_that_fails_transiently_does_not_complete_its_repository() {
    let agent = TestAgent::new(|request| match task_of(request) {
        "a1" => Did::Fail(PortError::new(core_types::ErrorClass::Internal, "work")),
        _ => own_file(request),
    });
    let mut world = world(&["a", "c on a"], &["a1 a"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a1 failed, c skipped (a1)");
}
