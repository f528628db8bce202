use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    CancellationToken, Clock, ErrorClass, FailureKind, PortError, Recovery, RecoveryOutcome,
    RecoveryRequest, Scope, TaskStatus,
};
use engine_workflow::EndStatus;
use testkit::{FixedClock, git::Fixture};

use crate::world::{Did, TestAgent, World, lock, own_file, states, task_end, task_of, write};

type Repair = Box<dyn Fn(&RecoveryRequest) -> RecoveryOutcome + Send + Sync>;

/// A recovery that does what a function says.
pub(crate) struct TestRecovery {
    repair: Repair,
    requests: Mutex<Vec<RecoveryRequest>>,
}

impl std::fmt::Debug for TestRecovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestRecovery").finish_non_exhaustive()
    }
}

impl TestRecovery {
    pub(crate) fn requests(&self) -> Vec<RecoveryRequest> {
        lock(&self.requests).clone()
    }
}

#[async_trait]
impl Recovery for TestRecovery {
    async fn recover(
        &self,
        request: &RecoveryRequest,
        _: &CancellationToken,
    ) -> Result<RecoveryOutcome, PortError> {
        lock(&self.requests).push(request.clone());
        Ok((self.repair)(request))
    }
}

pub(crate) fn recover_with(
    world: &mut World,
    repair: impl Fn(&RecoveryRequest) -> RecoveryOutcome + Send + Sync + 'static,
) -> Arc<TestRecovery> {
    let recovery = Arc::new(TestRecovery {
        repair: Box::new(repair),
        requests: Mutex::default(),
    });
    world.aids.recovery = recovery.clone();
    recovery
}

fn hand_off() -> RecoveryOutcome {
    RecoveryOutcome::HandOff {
        report: String::new(),
    }
}

/// An agent that fails the first attempt at each task.
fn second_time_lucky() -> TestAgent {
    TestAgent::new(|request| match request.attempt {
        1 => Did::Fail(PortError::new(ErrorClass::Transient, "work")),
        _ => own_file(request),
    })
}

/// What a person or an agent would do: a commit on top of `onto` in the mirror.
fn repair_in_mirror(mirror: &std::path::Path, onto: &str, path: &str) -> core_types::CommitId {
    let clone = mirror.with_file_name("repair");
    let parent = Fixture::at(mirror);
    parent.git(&[
        "clone",
        "--quiet",
        "--no-checkout",
        ".",
        clone.to_str().expect("UTF-8"),
    ]);
    let fixture = Fixture::at(&clone);
    fixture.git(&["fetch", "--quiet", "origin", onto]);
    fixture.git(&["switch", "--quiet", "--detach", "FETCH_HEAD"]);
    let commit = fixture.file(path, "repaired\n").commit("repaired");
    parent.git(&[
        "fetch",
        "--quiet",
        clone.to_str().expect("UTF-8"),
        commit.as_str(),
    ]);
    commit
}

#[tokio::test]
async fn a_retry_is_another_attempt_which_gives_its_slot_back_meanwhile() {
    let mut world = World::with_plan(&["one"], &["a one", "b one"], second_time_lucky());
    world.settings.limits.max_workers = 1;
    let at = world.clock.now().0 + 150;
    let recovery = recover_with(&mut world, move |_| RecoveryOutcome::Retry {
        at: core_types::Timestamp(at),
    });
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded, b succeeded");
    assert_eq!(task_end(&end, "a").attempt, 2);
    let order: Vec<_> = world.agent.requests().iter().map(|it| it.attempt).collect();
    assert_eq!(order, [1, 1, 2, 2], "the only slot is free while one waits");
    let requests = lock(&recovery.requests);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].failure.class, ErrorClass::Transient);
    assert_eq!(requests[0].commit, None);
}

#[tokio::test]
async fn a_parked_run_parks_again_until_its_time_and_then_tries_again() {
    let mut world = World::with_plan(&["one"], &["a one"], second_time_lucky());
    let until = core_types::Timestamp(world.clock.now().0 + 60_000);
    let recovery = recover_with(&mut world, move |_| RecoveryOutcome::Park { until });
    for _ in 0..2 {
        let error = world.run().await.unwrap_err();
        let until = Some(until);
        assert_eq!(error.class(), ErrorClass::QuotaExhausted { until });
    }
    assert!(world.ends_said().is_empty());
    FixedClock::advance(&world.clock, Duration::from_secs(60));
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded");
    assert_eq!(lock(&recovery.requests).len(), 1, "its answer was recorded");
}

/// A child's end is its work's failure, whatever its class: the run has its own memory and time.
#[tokio::test]
async fn an_agent_that_was_killed_fails_its_task_and_stops_no_run() {
    for class in [
        ErrorClass::ResourceExhausted,
        ErrorClass::Cancelled,
        ErrorClass::BudgetExceeded,
    ] {
        let agent = TestAgent::new(move |request| match request.attempt {
            1 => Did::Fail(PortError::new(class, "work").of_child()),
            _ => own_file(request),
        });
        let mut world = World::with_plan(&["one"], &["a one"], agent);
        let now = world.clock.now();
        let recovery = recover_with(&mut world, move |_| RecoveryOutcome::Retry { at: now });
        let end = world.run().await.unwrap();
        assert_eq!(states(&end), "a succeeded");
        let requests = recovery.requests();
        assert_eq!(requests[0].failure.class, class);
        assert_eq!(requests[0].failure.kind, FailureKind::Agent);
    }
}

#[tokio::test]
async fn what_a_signal_or_code_of_a_test_means_is_told_to_recovery() {
    for (test, class) in [
        ("exit 1", ErrorClass::TestFailure),
        ("exit 75", ErrorClass::Transient),
        ("kill -9 $$", ErrorClass::ResourceExhausted),
        ("sh -c 'kill -9 $$'", ErrorClass::ResourceExhausted),
        ("kill -6 $$", ErrorClass::TestFailure),
        ("no-such-program", ErrorClass::NotFound),
    ] {
        let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
        let line = core_types::CommandLine::Shell(test.to_owned());
        world.settings.repositories[0].test_command = Some(line);
        let recovery = recover_with(&mut world, |_| hand_off());
        let end = world.run().await.unwrap();
        assert_eq!(states(&end), "a failed", "{test}");
        assert_eq!(recovery.requests()[0].failure.class, class, "{test}");
    }
}

#[tokio::test]
async fn a_quota_is_waited_for_in_planning_too() {
    let until = core_types::Timestamp(4_102_444_800_000);
    let mut agent = TestAgent::new(move |_| {
        let class = ErrorClass::QuotaExhausted { until: Some(until) };
        Did::Fail(PortError::new(class, "plan").of_child())
    });
    agent.capabilities.plan = true;
    let mut world = World::new(&["one"], agent);
    let error = world.run().await.unwrap_err();
    assert!(
        matches!(error, engine_workflow::Error::Parked { until: told } if told == until),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_handed_off_has_failed() {
    let mut world = World::with_plan(&["one"], &["a one"], second_time_lucky());
    let recovery = recover_with(&mut world, |_| hand_off());
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a failed");
    assert_eq!(world.run().await.unwrap(), end);
    assert_eq!(lock(&recovery.requests).len(), 1);
}

#[tokio::test]
async fn a_repaired_merge_conflict_succeeds_and_keeps_its_summary() {
    let agent = TestAgent::new(|request| {
        if request.attempt == 1 && task_of(request) == "b" {
            write(request, "a.txt", "by b\n");
            return Did::Work("from b");
        }
        own_file(request)
    });
    // Both start from the same commit, and b is slower: it waits for its test.
    let mut world = World::with_plan(&["one"], &["a one", "b one"], agent);
    let mirror = world.mirror("one");
    let recovery = recover_with(&mut world, move |request| {
        // Whichever came second: replayed on top of the other.
        let commit = repair_in_mirror(&mirror, "refs/automation/run-1/integration", "repaired.txt");
        assert!(matches!(
            request.failure.kind,
            FailureKind::MergeConflict { .. }
        ));
        RecoveryOutcome::Repaired { commit }
    });
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded, b succeeded");
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(world.files("one", "main"), "README a.txt repaired.txt");
    assert_eq!(task_end(&end, "b").summary, "from b");
    let requests = lock(&recovery.requests);
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].commit.is_some(),
        "it is told what the attempt left"
    );
    assert!(matches!(requests[0].scope, Scope::Task(_)));
}

/// The tests pass for each task alone, and fail for both.
fn together_broken() -> World {
    let mut world = World::with_plan(&["one"], &["a one", "b one"], TestAgent::new(own_file));
    let line = "! test -e a.txt -a -e b.txt -a ! -e repaired.txt";
    let command = core_types::CommandLine::Shell(line.to_owned());
    world.settings.repositories[0].test_command = Some(command);
    world
}

#[tokio::test]
async fn a_repository_whose_combined_tests_fail_fails_or_is_repaired() {
    let mut world = together_broken();
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded, b succeeded");
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(end.repositories[0].tested, Some(false));
    assert!(world.pull_requests("one").await.is_empty());

    let mut world = together_broken();
    let mirror = world.mirror("one");
    let recovery = recover_with(&mut world, move |request| {
        let head = request.commit.as_ref().expect("the head that was tested");
        let commit = repair_in_mirror(&mirror, head.as_str(), "repaired.txt");
        RecoveryOutcome::Repaired { commit }
    });
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(
        end.repositories[0].tested,
        Some(true),
        "what was repaired is tested"
    );
    assert_eq!(
        world.files("one", "main"),
        "README a.txt b.txt repaired.txt"
    );
    assert!(matches!(
        lock(&recovery.requests)[0].scope,
        Scope::Repository(_)
    ));
    assert_eq!(world.run().await.unwrap(), end);
}

#[tokio::test]
async fn a_repository_can_be_tested_again_or_parked() {
    let mut world = together_broken();
    let now = world.clock.now();
    recover_with(&mut world, move |request| match request.attempt {
        1 | 2 => RecoveryOutcome::Retry { at: now },
        3 => RecoveryOutcome::Park {
            until: core_types::Timestamp(now.0 + 1),
        },
        _ => hand_off(),
    });
    let error = world.run().await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::QuotaExhausted { .. }));
    world.clock.advance(Duration::from_millis(1));
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    let tests = world.events.events().into_iter();
    let tests = tests.filter(|event| matches!(event, core_types::Event::RepositoryTested { .. }));
    assert_eq!(tests.count(), 4);
    assert_eq!(task_end(&end, "a").status, TaskStatus::Succeeded);
}

#[tokio::test]
async fn a_repair_that_fails_again_in_testing_is_not_repaired_for_ever() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    // The task passes, the whole never does.
    let count = world.run_folder().with_file_name("count");
    let line = format!("echo x >> {0}; test $(wc -l < {0}) -lt 2", count.display());
    world.settings.repositories[0].test_command = Some(core_types::CommandLine::Shell(line));
    let recovery = recover_with(&mut world, |request| RecoveryOutcome::Repaired {
        commit: request.head.clone(),
    });
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(lock(&recovery.requests).len(), 2);
    assert_eq!(world.run().await.unwrap(), end, "replayed alike");
}
