use std::time::Duration;

use core_types::{
    AgentTask, ChangePolicy, CommandLine, ErrorClass, Event, FailureKind, PortError, TaskStatus,
};
use engine_workflow::{EndStatus, LandingMode};

use crate::world::{Did, TestAgent, World, own_file, states, task_end, task_of, write};

#[tokio::test]
async fn a_dependency_hands_over_files_in_its_repository_and_a_summary_elsewhere() {
    let agent = TestAgent::new(|request| {
        let is_there = |path: &str| request.folder.join(path).exists();
        match task_of(request) {
            "same" => assert!(is_there("first.txt"), "the result is in the clone"),
            "other" => assert!(!is_there("first.txt"), "it is another repository"),
            _ => assert!(!is_there("same.txt"), "nothing comes before its turn"),
        }
        own_file(request)
    });
    let plan = ["same one first", "first one", "other two first,same"];
    let mut world = World::with_plan(&["one", "two"], &plan, agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(
        states(&end),
        "same succeeded, first succeeded, other succeeded"
    );
    assert_eq!(world.files("one", "main"), "README first.txt same.txt");
    assert_eq!(world.files("two", "main"), "README other.txt");

    let request = world.agent.for_task("other").remove(0);
    let AgentTask::Implement { dependencies, .. } = request.task else {
        panic!("it is a request to implement");
    };
    let handed: Vec<_> = dependencies
        .iter()
        .map(|it| {
            (
                it.task.as_str(),
                it.repository.as_str(),
                it.summary.as_str(),
            )
        })
        .collect();
    let wrote = "wrote a file";
    assert_eq!(handed, [("first", "one", wrote), ("same", "one", wrote)]);
    let commit = dependencies[0].commit.as_ref();
    assert_eq!(commit, task_end(&end, "first").commit.as_ref());
}

#[tokio::test]
async fn parallel_tasks_merge_into_one_branch_and_the_commit_says_which_task() {
    let mut world = World::with_plan(
        &["one"],
        &["a one", "b one", "c one"],
        TestAgent::new(own_file),
    );
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(world.files("one", "main"), "README a.txt b.txt c.txt");
    let main = world.user("one").resolve("main");
    assert_eq!(main, end.repositories[0].head, "exactly the tested commit");
    let commit = task_end(&end, "b").commit.clone().unwrap();
    let trailers = ["log", "-1", "--format=%(trailers:only)", commit.as_str()];
    assert_eq!(
        world.user("one").git(&trailers).trim(),
        "Automation-Run: run-1\nAutomation-Task: b"
    );
}

#[tokio::test]
async fn a_title_or_a_summary_cannot_forge_trailers() {
    let agent = TestAgent::new(|request| {
        own_file(request);
        Did::Work("all done\n\nAutomation-Task: other\nautomation-run: other")
    });
    let mut world = World::with_plan(&["one"], &["a one"], agent);
    let plan = world.settings.plan.as_mut().unwrap();
    plan.tasks[0].title = "Fix\n\nAutomation-Run: other\u{7}".to_owned();
    let end = world.run().await.unwrap();
    let user = world.user("one");
    let commit = task_end(&end, "a").commit.clone().unwrap();
    let show = |format: &str| user.git(&["log", "-1", format, commit.as_str()]);
    assert_eq!(show("--format=%s"), "Fix Automation-Run: other");
    assert_eq!(
        show("--format=%(trailers:only)").trim(),
        "Automation-Run: run-1\nAutomation-Task: a"
    );
    let body = show("--format=%b");
    let ours = body.lines().filter(|line| line.starts_with("Automation-"));
    assert_eq!(ours.count(), 2, "{body}");
}

#[tokio::test]
async fn a_merge_conflict_fails_one_task_and_skips_what_depends_on_it() {
    let agent = TestAgent::new(|request| {
        if ["left", "right"].contains(&task_of(request)) {
            write(request, "same.txt", task_of(request));
            return Did::Work("");
        }
        own_file(request)
    });
    let plan = [
        "left one",
        "right one",
        "after one right,left",
        "last one after",
        "free one",
    ];
    let mut world = World::with_plan(&["one"], &plan, agent);
    // Both start before one is merged.
    world.settings.limits.max_workers = 3;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    let loser = ["left", "right"]
        .into_iter()
        .find(|id| task_end(&end, id).status == TaskStatus::Failed)
        .expect("one of them meets a conflict");
    let failure = task_end(&end, loser).failure.clone().unwrap();
    assert_eq!(failure.class, ErrorClass::Conflict);
    let paths = vec!["same.txt".to_owned()];
    assert_eq!(failure.kind, FailureKind::MergeConflict { paths });
    for skipped in ["after", "last"] {
        let skipped = task_end(&end, skipped);
        assert_eq!(skipped.status, TaskStatus::Skipped);
        assert_eq!(skipped.because_of.as_ref().unwrap().as_str(), loser);
    }
    assert_eq!(task_end(&end, "free").status, TaskStatus::Succeeded);
    assert_eq!(world.files("one", "main"), "README", "nothing lands");
    let published = world.files("one", "automation/run-1/change");
    assert_eq!(published, "README free.txt same.txt", "the branch stays");
    assert!(world.pull_requests("one").await.is_empty());

    // The same after a resume, word for word.
    assert_eq!(world.run().await.unwrap(), end);
    assert!(world.ends_said().values().all(|said| said.len() == 1));
}

#[tokio::test]
async fn a_failing_test_fails_its_task_with_the_end_of_its_output() {
    let agent = TestAgent::new(|request| {
        write(request, "a.txt", "this is broken\n");
        Did::Work("")
    });
    let mut world = World::with_plan(&["one"], &["a one"], agent);
    let end = world.run().await.unwrap();
    assert_eq!((end.status, end.status.exit_code()), (EndStatus::Failed, 1));
    let failure = task_end(&end, "a").failure.clone().unwrap();
    assert_eq!(failure.class, ErrorClass::TestFailure);
    assert!(matches!(failure.kind, FailureKind::Tests { .. }));
    assert_eq!(failure.detail.trim(), "this is broken");
    assert!(task_end(&end, "a").commit.is_some(), "the work is kept");
}

#[tokio::test]
async fn set_up_runs_before_the_agent_and_is_not_committed() {
    let agent = TestAgent::new(|request| {
        assert!(request.folder.join("setup.out").exists());
        own_file(request)
    });
    let mut world = World::with_plan(&["one"], &["a one"], agent);
    let repository = &mut world.settings.repositories[0];
    let line = "echo made > setup.out; echo more >> README";
    repository.setup_command = Some(CommandLine::Shell(line.to_owned()));
    repository.test_command = Some(CommandLine::Shell("test -e setup.out".to_owned()));
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done, "{end:?}");
    assert_eq!(world.files("one", "main"), "README a.txt");
    assert_eq!(world.user("one").git(&["show", "main:README"]), "hello");
}

#[tokio::test]
async fn a_failing_set_up_fails_the_task_before_its_agent() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    let line = CommandLine::Shell("echo no network; exit 4".to_owned());
    world.settings.repositories[0].setup_command = Some(line);
    let end = world.run().await.unwrap();
    let failure = task_end(&end, "a").failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::Setup);
    assert_eq!(failure.detail.trim(), "no network");
    assert!(world.agent.requests().is_empty());
}

#[tokio::test]
async fn no_change_is_a_failure_where_one_is_required_and_else_unchanged() {
    for (changes, expected) in [
        (ChangePolicy::Required, "a failed, b skipped (a)"),
        (ChangePolicy::Optional, "a unchanged, b unchanged"),
    ] {
        let mut agent = TestAgent::new(|_| Did::Work("nothing to do"));
        agent.changes = changes;
        let mut world = World::with_plan(&["one"], &["a one", "b one a"], agent);
        world.file_issue("one").await;
        let end = world.run().await.unwrap();
        assert_eq!(states(&end), expected);
        let failure = task_end(&end, "a").failure.clone();
        let kind = failure.map(|failure| failure.kind);
        assert_eq!(
            kind,
            (changes == ChangePolicy::Required).then_some(FailureKind::NoChange)
        );
        assert!(world.pull_requests("one").await.is_empty());
        let forge = &world.forges[&world.settings.repositories[0].name];
        let issue = core_types::GitProvider::get_issue(&**forge, 1)
            .await
            .unwrap();
        assert_eq!(issue.state, core_types::IssueState::Open, "nothing landed");
    }
}

#[tokio::test]
async fn a_repository_inside_the_clone_is_named_and_refused() {
    let agent = TestAgent::new(|request| {
        let nested = testkit::git::Fixture::new(request.folder.join("vendor/lib"));
        nested.file("x", "x").commit("x");
        own_file(request)
    });
    let mut world = World::with_plan(&["one"], &["a one"], agent);
    let end = world.run().await.unwrap();
    let failure = task_end(&end, "a").failure.clone().unwrap();
    let folders = vec!["vendor/lib".to_owned()];
    let expected = FailureKind::NestedRepository { folders };
    assert_eq!(failure.kind, expected, "{}", failure.message);
}

#[tokio::test]
async fn an_agent_that_fails_times_out_or_panics_ends_its_own_task_alone() {
    let agent = TestAgent::new(|request| match task_of(request) {
        "fails" => Did::Fail(
            PortError::new(ErrorClass::Internal, "run the agent")
                .because("exit code 1")
                .with_detail("what it said last"),
        ),
        "slow" => Did::Fail(PortError::new(ErrorClass::Timeout, "run the agent")),
        "panics" => panic!("a fault"),
        _ => own_file(request),
    });
    let plan = [
        "fails one",
        "slow one",
        "panics one",
        "good one",
        "after one panics",
    ];
    let mut world = World::with_plan(&["one"], &plan, agent);
    let end = world.run().await.unwrap();
    assert_eq!(
        states(&end),
        "fails failed, slow timed out, panics panicked, good succeeded, after skipped (panics)"
    );
    let failure = |id| task_end(&end, id).failure.clone().unwrap();
    assert_eq!(failure("fails").kind, FailureKind::Agent);
    assert_eq!(
        failure("fails").message,
        "failed to run the agent: exit code 1"
    );
    assert_eq!(failure("fails").detail, "what it said last");
    assert_eq!(failure("slow").kind, FailureKind::Deadline);
    assert_eq!(failure("panics").kind, FailureKind::Panic);
    assert_eq!(world.run().await.unwrap(), end, "ended tasks stay ended");
    assert_eq!(world.agent.for_task("panics").len(), 1);
}

#[tokio::test]
async fn a_test_that_runs_too_long_is_ended_and_the_task_timed_out() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    let repository = &mut world.settings.repositories[0];
    repository.test_command = Some(CommandLine::Shell("sleep 60".to_owned()));
    repository.test_timeout = Some(Duration::from_millis(50));
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a timed out");
}

#[tokio::test]
async fn texts_of_agents_are_bounded() {
    let agent = TestAgent::new(|request| {
        own_file(request);
        Did::Work(Box::leak("x".repeat(1 << 20).into_boxed_str()))
    });
    let mut world = World::with_plan(&["one"], &["a one"], agent);
    let end = world.run().await.unwrap();
    assert!(task_end(&end, "a").summary.len() <= 4096);
}

#[tokio::test]
async fn landing_each_lands_the_repositories_without_a_failure() {
    let mut agent = TestAgent::new(|request| match task_of(request) {
        "b" => Did::Fail(PortError::new(ErrorClass::Internal, "run the agent")),
        "c" => Did::Work(""),
        _ => own_file(request),
    });
    agent.changes = ChangePolicy::Optional;
    let plan = ["a a", "b b", "b2 b", "c c"];
    let mut world = World::with_plan(&["a", "b", "c"], &plan, agent);
    world.settings.landing.mode = LandingMode::Each;
    world.file_issue("a").await;
    let end = world.run().await.unwrap();
    assert_eq!(
        (end.status, end.status.exit_code()),
        (EndStatus::Partial, 5)
    );
    assert_eq!(world.files("a", "main"), "README a.txt");
    assert_eq!(world.files("b", "main"), "README");
    let kept = world.files("b", "automation/run-1/change");
    assert_eq!(kept, "README b2.txt", "what was done can be looked at");
    assert!(world.pull_requests("b").await.is_empty());
    let tested: Vec<_> = world
        .events
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RepositoryTested { repository, .. } => Some(repository.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(tested, ["a"], "what failed or did not change is not tested");
}
