use core_types::{AgentTask, CommandLine, Event, Message, Scope, TaskId, TaskStatus};
use engine_workflow::{EndStatus, LandingMode, RepositoryState};

use crate::world::{Did, TestAgent, World, own_file, repository_name, states, task_end, write};

fn task(id: &str) -> TaskId {
    TaskId::new(id).expect("a task id")
}

fn retry(id: &str) -> Message {
    Message::Retry {
        scope: Scope::Task(task(id)),
        description: None,
    }
}

/// An agent that breaks the tests at task `bad` until it is told how to do it.
fn needs_a_hint() -> TestAgent {
    TestAgent::new(|request| {
        let AgentTask::Implement { task, .. } = &request.task else {
            panic!("only tasks are asked for");
        };
        if task.id.as_str() == "bad" && !task.description.contains("hint") {
            write(request, "bad.txt", "broken\n");
            return Did::Work("did my best");
        }
        own_file(request)
    })
}

#[tokio::test]
async fn an_answer_reaches_the_agent_and_only_what_failed_runs_again() {
    let plan = ["good one", "bad one", "after one bad", "other two"];
    let mut world = World::with_plan(&["one", "two"], &plan, needs_a_hint());
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(
        states(&end),
        "good succeeded, bad failed, after skipped (bad), other succeeded"
    );
    // Resumed without a word it stays as it is.
    assert_eq!(world.run().await.unwrap(), end);

    let scope = Scope::Task(task("bad"));
    let text = "Here is a hint.".to_owned();
    world.say(Message::Answer { scope, text }).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done, "{end:?}");
    assert_eq!(
        task_end(&end, "bad").attempt,
        2,
        "attempts are numbered through"
    );
    assert_eq!(
        world.files("one", "main"),
        "README after.txt bad.txt good.txt"
    );
    assert_eq!(world.files("two", "main"), "README other.txt");
    for (id, n_requests) in [("good", 1), ("bad", 2), ("after", 1), ("other", 1)] {
        assert_eq!(world.agent.for_task(id).len(), n_requests, "{id}");
    }
    assert_eq!(world.run().await.unwrap(), end, "and it is replayed");
}

#[tokio::test]
async fn a_retry_may_change_the_description_and_may_fail_again() {
    let mut world = World::with_plan(&["one"], &["bad one"], needs_a_hint());
    world.run().await.unwrap();
    world.say(retry("bad")).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(task_end(&end, "bad").attempt, 2);
    let description = Some("Do it as in the hint.".to_owned());
    let scope = Scope::Task(task("bad"));
    world.say(Message::Retry { scope, description }).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(task_end(&end, "bad").attempt, 3);
}

#[tokio::test]
async fn what_a_person_leaves_out_does_not_keep_the_rest_from_landing() {
    let plan = ["good one", "bad one", "after one bad"];
    let mut world = World::with_plan(&["one"], &plan, needs_a_hint());
    world.run().await.unwrap();
    world.say(Message::Skip { task: task("bad") }).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(
        states(&end),
        "good succeeded, bad cancelled, after skipped (bad)"
    );
    assert!(task_end(&end, "bad").left_out && task_end(&end, "after").left_out);
    assert_eq!(world.files("one", "main"), "README good.txt");
}

#[tokio::test]
async fn words_for_what_has_not_failed_have_no_effect_and_are_said_to_have_none() {
    let mut world = World::with_plan(&["one"], &["good one"], TestAgent::new(own_file));
    let nothing = Scope::Repository(repository_name("one"));
    world.say(retry("good")).await;
    world.say(retry("nobody")).await;
    world
        .say(Message::Retry {
            scope: nothing,
            description: None,
        })
        .await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(world.warnings().len(), 3, "{:?}", world.warnings());
    assert_eq!(world.agent.for_task("good").len(), 1);
}

#[tokio::test]
async fn where_each_lands_a_retry_lands_the_rest_and_proposes_nothing_twice() {
    let plan = ["good one", "bad two"];
    let mut world = World::with_plan(&["one", "two"], &plan, needs_a_hint());
    world.settings.landing.mode = LandingMode::Each;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Partial);
    let landed = world.user("one").git(&["rev-parse", "main"]);
    let scope = Scope::Task(task("bad"));
    let text = "hint".to_owned();
    world.say(Message::Answer { scope, text }).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done, "{end:?}");
    assert_eq!(world.user("one").git(&["rev-parse", "main"]), landed);
    assert_eq!(world.pull_requests("one").await.len(), 1);
    assert_eq!(world.pull_requests("two").await.len(), 1);
    let states: Vec<_> = end.repositories.iter().map(|it| &it.state).collect();
    assert_eq!(states, [&RepositoryState::Landed, &RepositoryState::Landed]);
}

#[tokio::test]
async fn a_repository_whose_tests_failed_is_tested_again() {
    let agent = TestAgent::new(own_file);
    let mut world = World::with_plan(&["one"], &["a one", "b one"], agent);
    // Together they fail, until somebody mends what the test looks at.
    let flag = world.run_folder().with_file_name("mended");
    let line = format!(
        "test -e {} || ! test -e a.txt || ! test -e b.txt",
        flag.display()
    );
    world.settings.repositories[0].test_command = Some(CommandLine::Shell(line));
    world.settings.limits.max_workers = 2;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    testkit::git::Fixture::at(flag.parent().expect("a folder")).file("mended", "");
    assert_eq!(world.run().await.unwrap(), end, "what is recorded stays");
    let scope = Scope::Repository(repository_name("one"));
    world
        .say(Message::Retry {
            scope,
            description: None,
        })
        .await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done, "{end:?}");
    assert_eq!(world.files("one", "main"), "README a.txt b.txt");
}

#[tokio::test]
async fn a_reopened_task_is_seen_to_wait() {
    let mut world = World::with_plan(&["one"], &["bad one"], needs_a_hint());
    world.run().await.unwrap();
    world.say(retry("bad")).await;
    world.run().await.unwrap();
    let states: Vec<_> = world
        .events
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::TaskChanged { status, .. } => Some(status),
            _ => None,
        })
        .collect();
    let round = [TaskStatus::Running, TaskStatus::Failed];
    let expected = [round.as_slice(), &[TaskStatus::Waiting], &round].concat();
    assert_eq!(states, expected);
}

#[tokio::test]
async fn a_retried_repository_starts_what_it_triggers() {
    let mut world = World::with_plan(
        &["one", "two"],
        &["a one", "b two"],
        TestAgent::new(own_file),
    );
    let one = repository_name("one");
    let member = |name: &str, trigger| core_types::Member {
        repository: repository_name(name),
        write: true,
        after: Vec::new(),
        trigger,
        deploy: None,
    };
    let trigger = core_types::Trigger {
        on: vec![one.clone()],
        when: core_types::TriggerWhen::All,
    };
    world.settings.change_set = Some(core_types::ChangeSet {
        id: core_types::OperationId::new("run-1:change-set").unwrap(),
        workflow: None,
        coordination: core_types::Coordination::Parallel,
        members: vec![member("one", None), member("two", Some(trigger))],
        test_command: None,
        context: std::collections::BTreeMap::new(),
    });
    // The whole fails where the task passed, until somebody mends what the test looks at.
    let flag = world.run_folder().with_file_name("mended");
    let count = world.run_folder().with_file_name("count");
    let line = format!(
        "echo x >> {0}; test -e {1} || test $(wc -l < {0}) -lt 2",
        count.display(),
        flag.display()
    );
    world.settings.repositories[0].test_command = Some(CommandLine::Shell(line));
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(task_end(&end, "b").status, TaskStatus::Skipped);
    testkit::git::Fixture::at(flag.parent().expect("a folder")).file("mended", "");
    let scope = Scope::Repository(one);
    world
        .say(Message::Retry {
            scope,
            description: None,
        })
        .await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done, "{end:?}");
    assert_eq!(states(&end), "a succeeded, b succeeded");
}
