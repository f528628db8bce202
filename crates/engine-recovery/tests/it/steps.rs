//! The step log that a recovery keeps by itself, in the checkpoints of the plan.

use core_types::{CheckpointStore as _, ErrorClass, FailureKind, PlanId, RecoveryOutcome};

use crate::world::{World, recover};

#[tokio::test]
async fn budgets_survive_a_restart_without_a_runs_journal() {
    let world = World::new().await;
    for attempt in 1..=4 {
        let request = world.request("a", attempt, ErrorClass::Transient, FailureKind::Setup);
        // Every time a new one, over the same checkpoints.
        let outcome = recover(&world.alone().build(), &request).await;
        let is_retry = matches!(outcome, RecoveryOutcome::Retry { .. });
        assert_eq!(is_retry, attempt <= 3, "attempt {attempt}: {outcome:?}");
    }
}

#[tokio::test]
async fn runs_of_a_plan_have_budgets_of_their_own() {
    let world = World::new().await;
    for run in ["run-1", "run-2"] {
        for attempt in 1..=4 {
            let mut request =
                world.request("a", attempt, ErrorClass::Transient, FailureKind::Setup);
            request.run = run.parse().unwrap();
            let outcome = recover(&world.alone().build(), &request).await;
            let is_retry = matches!(outcome, RecoveryOutcome::Retry { .. });
            assert_eq!(is_retry, attempt <= 3, "{run} {attempt}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused() {
    let world = World::new().await;
    let plan = PlanId::new("plan-42").unwrap();
    let key = core_types::StepKey::new(core_types::Scope::Run, 1, "recovery-unit");
    let record = serde_json::json!({
        "v": 2, "run": "run-1", "key": key, "state": {"state": "consented"},
    });
    let created = world.checkpoints.create(&plan, "recovery-step", record);
    created.await.unwrap();
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Setup);
    let recovery = world.alone().build();
    let cancel = core_types::CancellationToken::new();
    let refused = core_types::Recovery::recover(&recovery, &request, &cancel).await;
    let line = refused.expect_err("it is refused").to_line();
    assert!(line.contains("version 2"), "{line}");
}
