//! Recoveries of several repositories.

use core_types::{
    ErrorClass, FailureKind, RecoveryOutcome, Scope, StepKey, StepLog as _, step::StepState,
};
use engine_recovery::{AttemptEnd, ByRepository, Error};

use crate::world::{World, recover};

#[tokio::test]
async fn a_failure_goes_to_the_recovery_of_its_repository() {
    let world = World::new().await;
    let recoveries = ["app", "web"].map(|name| (name.parse().unwrap(), world.recovery().build()));
    let recovery = ByRepository::new(recoveries);
    for (task, repository) in [("a", "app"), ("b", "web")] {
        let mut request = world.request(task, 1, ErrorClass::Transient, FailureKind::Setup);
        request.repository = repository.parse().unwrap();
        let outcome = recover(&recovery, &request).await;
        assert!(
            matches!(outcome, RecoveryOutcome::Retry { .. }),
            "{outcome:?}"
        );
    }
    let second = StepKey::new(Scope::Run, 2, "recovery-unit");
    assert_ne!(
        world.steps.state(&second),
        StepState::New,
        "one budget for the run"
    );

    let mut request = world.request("c", 1, ErrorClass::Transient, FailureKind::Setup);
    request.repository = "nowhere".parse().unwrap();
    let outcome = recover(&recovery, &request).await;
    assert!(matches!(&outcome, RecoveryOutcome::HandOff { report } if report.contains("nowhere")));
}

#[tokio::test]
async fn the_last_failure_of_a_plan_finds_its_repository() {
    let world = World::new().await;
    let recovery = ByRepository::new([("app".parse().unwrap(), world.recovery().build())]);
    let plan = "plan-42".parse().unwrap();
    let none = recovery.attempt_recovery(&plan).await;
    assert!(matches!(none, Err(Error::NoFailure { .. })));
    let alone = world.recovery().build();
    let mut request = world.request("a", 1, ErrorClass::Transient, FailureKind::Setup);
    alone.record_failure(&request).await.unwrap();
    let attempted = recovery.attempt_recovery(&plan).await.unwrap();
    assert!(matches!(attempted.end, AttemptEnd::Retry { .. }));
    request.repository = "nowhere".parse().unwrap();
    alone.record_failure(&request).await.unwrap();
    let unknown = recovery.attempt_recovery(&plan).await;
    assert!(matches!(unknown, Err(Error::UnknownRepository { .. })));
}
