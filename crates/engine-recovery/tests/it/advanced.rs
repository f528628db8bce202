//! Which strategies are asked, and what is recorded.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use core_types::{
    CancellationToken, CheckpointStore as _, ErrorClass, Event, Failure, FailureKind, PlanId,
    PortError, Recovery, RecoveryOutcome, RecoveryRequest, TaskStatus, Timestamp,
};
use engine_recovery::{
    AttemptEnd, Error, Options, Ran, RecoveryContext, RecoveryStrategy, Rerun, RetryOptions,
    StrategyOutcome,
};

use crate::world::{World, recover};

/// A strategy of a third party: it answers what it was given.
#[derive(Debug)]
struct Says(
    &'static str,
    fn(&RecoveryRequest) -> Result<StrategyOutcome, PortError>,
);

#[async_trait]
impl RecoveryStrategy for Says {
    fn name(&self) -> &'static str {
        self.0
    }

    fn handles(&self, request: &RecoveryRequest) -> bool {
        request.failure.class != ErrorClass::NotFound
    }

    async fn recover(
        &self,
        request: &RecoveryRequest,
        _: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError> {
        (self.1)(request)
    }
}

fn plan() -> PlanId {
    "plan-42".parse().expect("a plan id")
}

fn told(world: &World) -> Vec<String> {
    let events = world
        .events
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RecoveryStarted {
                strategy, class, ..
            } => Some(format!("{strategy} {class}")),
            Event::RecoveryEnded {
                strategy,
                outcome,
                reason,
                until: _,
            } => Some(
                format!("{strategy} {outcome} {reason}")
                    .trim_end()
                    .to_owned(),
            ),
            _ => None,
        });
    events.collect()
}

#[tokio::test]
async fn a_repair_by_a_strategy_of_ones_own_is_recorded_and_told_once() {
    let world = World::new().await;
    let repaired = |request: &RecoveryRequest| {
        let commit = request.base.clone();
        Ok(StrategyOutcome::Repaired { commit })
    };
    let recovery = world
        .recovery()
        .strategy(Arc::new(Says("own", repaired)))
        .build();
    let request = world.request("a", 1, ErrorClass::Internal, FailureKind::Other);
    for _ in 0..2 {
        let commit = world.base.clone();
        let outcome = recover(&recovery, &request).await;
        assert_eq!(outcome, RecoveryOutcome::Repaired { commit });
    }
    assert_eq!(told(&world), ["own internal", "own repaired"]);
    let stages = world.checkpoints.list(&plan()).await.unwrap();
    let stages: Vec<_> = stages.iter().map(|it| it.stage.as_str()).collect();
    assert_eq!(stages, ["failed", "recovered"]);
    let nothing_left = recovery.attempt_recovery(&plan()).await;
    assert!(matches!(nothing_left, Err(Error::NoFailure { .. })));
}

#[tokio::test]
async fn a_strategy_that_does_not_help_is_followed_by_the_next() {
    let world = World::new().await;
    let failed = |_: &RecoveryRequest| {
        Ok(StrategyOutcome::Failed {
            reason: "it is beyond me".to_owned(),
            tried: vec!["this".to_owned(), "that".to_owned()],
        })
    };
    let broke = |_: &RecoveryRequest| {
        Err(PortError::new(ErrorClass::Internal, "use a tool").because("it is broken"))
    };
    let silent = |_: &RecoveryRequest| Ok(StrategyOutcome::NotHandled);
    let recovery = world
        .recovery()
        .strategy(Arc::new(Says("first", failed)))
        .strategy(Arc::new(Says("second", broke)))
        .strategy(Arc::new(Says("third", silent)))
        .build();
    let request = world.request("a", 1, ErrorClass::Internal, FailureKind::Other);
    let outcome = recover(&recovery, &request).await;
    let RecoveryOutcome::HandOff { report } = outcome else {
        panic!("{outcome:?}");
    };
    for line in [
        "- `first`: it is beyond me\n- `first`: this\n- `first`: that\n",
        "- `second`: failed to use a tool: it is broken\n",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert_eq!(
        told(&world),
        [
            "first internal",
            "first failed it is beyond me",
            "second internal",
            "second failed failed to use a tool: it is broken",
            "third internal",
            "third not_handled",
            "manual_intervention internal",
            "manual_intervention handed_off",
        ]
    );
}

#[tokio::test]
async fn a_refused_repair_goes_to_a_person_at_once() {
    let world = World::new().await;
    let refused = |_: &RecoveryRequest| {
        Ok(StrategyOutcome::Refused {
            reason: "a test was deleted".to_owned(),
            evidence: vec!["tests/a.rs:3 fn adds".to_owned()],
        })
    };
    let recovery = world
        .recovery()
        .strategy(Arc::new(Says("own", refused)))
        .build();
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Agent);
    let outcome = recover(&recovery, &request).await;
    let RecoveryOutcome::HandOff { report } = outcome else {
        panic!("{outcome:?}: no retry follows");
    };
    let lines =
        "- `own`: the repair was refused: a test was deleted\n- `own`: tests/a.rs:3 fn adds\n";
    assert!(report.contains(lines), "{report}");
}

#[tokio::test]
async fn what_stops_the_run_stops_the_recovery() {
    let world = World::new().await;
    let stops = |request: &RecoveryRequest| Err(PortError::new(request.failure.class, "act"));
    for class in [
        ErrorClass::Cancelled,
        ErrorClass::BudgetExceeded,
        ErrorClass::ResourceExhausted,
        ErrorClass::UnknownOutcome,
    ] {
        let recovery = world
            .recovery()
            .strategy(Arc::new(Says("own", stops)))
            .build();
        let request = world.request("a", 1, class, FailureKind::Other);
        let cancel = CancellationToken::new();
        let stopped = recovery.recover(&request, &cancel).await;
        assert_eq!(stopped.expect_err("it stops").class(), class);
    }
    let recovery = world.recovery().build();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let request = world.request("b", 1, ErrorClass::Internal, FailureKind::Other);
    let stopped = recovery.recover(&request, &cancel).await;
    assert_eq!(
        stopped.expect_err("it stops").class(),
        ErrorClass::Cancelled
    );
}

#[tokio::test]
async fn only_a_recorded_failure_is_recovered() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let none = recovery.attempt_recovery(&plan()).await;
    assert_eq!(
        none.expect_err("nothing failed").class(),
        ErrorClass::NotFound
    );
    // The newest checkpoint is no failure, however new it is.
    let create = async |stage: &'static str| {
        let data = serde_json::json!({"current_task": "task-3"});
        let created = world.checkpoints.create(&plan(), stage, data).await;
        created.expect("a checkpoint")
    };
    create("implementation").await;
    assert!(recovery.attempt_recovery(&plan()).await.is_err());
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Setup);
    let failure = recovery.record_failure(&request).await.unwrap();
    create("testing").await;
    let attempted = recovery.attempt_recovery(&plan()).await.unwrap();
    assert_eq!(attempted.failure, failure);
    assert!(!attempted.is_successful(), "nobody made it again");
    assert_eq!(attempted.end, AttemptEnd::Retry { at: world.now() });

    create("failed").await;
    let unreadable = recovery.attempt_recovery(&plan()).await;
    assert!(
        matches!(&unreadable, Err(Error::Unreadable { .. })),
        "{unreadable:?}"
    );
}

#[tokio::test]
async fn a_task_that_ended_well_since_is_not_recovered() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Setup);
    recovery.record_failure(&request).await.unwrap();
    let task = "a".parse().unwrap();
    world.state.set(&plan(), &task, TaskStatus::Failed);
    assert!(recovery.attempt_recovery(&plan()).await.is_ok());
    world.state.set(&plan(), &task, TaskStatus::Succeeded);
    let none = recovery.attempt_recovery(&plan()).await;
    assert!(matches!(none, Err(Error::NoFailure { .. })));
}

/// An operation that fails so often, and remembers when it was made.
#[derive(Debug)]
struct Operation {
    failures: u32,
    class: ErrorClass,
    attempts: Mutex<Vec<u32>>,
}

impl Operation {
    fn new(failures: u32, class: ErrorClass) -> Arc<Self> {
        let attempts = Mutex::default();
        Arc::new(Self {
            failures,
            class,
            attempts,
        })
    }
}

#[async_trait]
impl Rerun for Operation {
    async fn rerun(
        &self,
        request: &RecoveryRequest,
        _: &CancellationToken,
    ) -> Result<Ran, PortError> {
        let mut attempts = self.attempts.lock().expect("no test panics");
        attempts.push(request.attempt);
        if attempts.len() > self.failures as usize {
            return Ok(Ran::Succeeded { commit: None });
        }
        let failure = Failure::new(self.class, FailureKind::Setup, "again");
        Ok(Ran::Failed { failure })
    }
}

async fn attempt(failures: u32, class: ErrorClass) -> (Vec<u32>, bool, AttemptEnd) {
    let world = World::new().await;
    let operation = Operation::new(failures, class);
    let options = Options {
        retry: RetryOptions {
            delay_scale: 0.0,
            ..RetryOptions::default()
        },
        ..Options::default()
    };
    let recovery = world
        .alone()
        .options(options)
        .rerun(operation.clone())
        .build();
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Setup);
    let recorded = recovery.record_failure(&request).await;
    recorded.expect("the failure is recorded");
    let attempted = recovery.attempt_recovery(&plan()).await;
    let attempted = attempted.expect("there is a failure");
    let is_successful = attempted.is_successful();
    let again = recovery.attempt_recovery(&plan()).await;
    assert_eq!(
        again.is_err(),
        is_successful,
        "what is recovered is not recovered again"
    );
    let attempts = operation.attempts.lock().expect("no test panics").clone();
    (attempts, is_successful, attempted.end)
}

#[tokio::test]
async fn an_operation_is_really_made_again() {
    let (attempts, is_successful, end) = attempt(1, ErrorClass::Transient).await;
    assert_eq!((attempts, is_successful), (vec![1, 2], true));
    assert_eq!(end, AttemptEnd::Reran { commit: None });
}

#[tokio::test]
async fn an_operation_is_made_again_as_often_as_its_budget_says() {
    let (attempts, is_successful, end) = attempt(u32::MAX, ErrorClass::Transient).await;
    assert_eq!((attempts, is_successful), (vec![1, 2, 3], false));
    assert!(matches!(end, AttemptEnd::HandedOff { .. }), "{end:?}");
}

#[tokio::test]
async fn a_failure_that_becomes_permanent_is_not_made_again() {
    let (attempts, is_successful, end) = attempt(u32::MAX, ErrorClass::Unauthorized).await;
    assert_eq!((attempts, is_successful), (vec![1], false));
    assert!(matches!(end, AttemptEnd::HandedOff { .. }), "{end:?}");
}

#[tokio::test]
async fn it_waits_before_it_makes_an_operation_again() {
    let world = World::new().await;
    tokio::time::pause();
    let operation = Operation::new(2, ErrorClass::Transient);
    let recovery = world.alone().rerun(operation).build();
    let until = Some(Timestamp(world.now().0 + 30_000));
    let request = world.request(
        "a",
        1,
        ErrorClass::RateLimited { until },
        FailureKind::Setup,
    );
    recovery.record_failure(&request).await.unwrap();
    let begin = tokio::time::Instant::now();
    let attempted = recovery.attempt_recovery(&plan()).await.unwrap();
    assert!(attempted.is_successful());
    // The limit, then the second and the third delay with their jitter.
    let waited = begin.elapsed().as_millis();
    assert!((36_000..=37_500).contains(&waited), "{waited} ms");
}

#[tokio::test]
async fn every_kind_of_failure_without_a_class_goes_to_a_person() {
    let world = World::new().await;
    testkit::neutral::recovery(&world.recovery().build()).await;
}
