//! What every [`StepLog`] must do.

use std::sync::Arc;

use core_types::{
    ErrorClass, PortError, Scope, StepKey, StepLog, TaskId,
    step::{Fingerprint, Look, Step, StepState, WhenUnknown, run},
};
use serde_json::json;
use tokio::task::JoinSet;

/// Runs all cases; `make` gives an empty log each time.
///
/// # Panics
///
/// When the log breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Arc<dyn StepLog>) {
    a_step_is_new_then_begun_then_finished(&*make().await).await;
    consent_counts_for_one_execution(&*make().await).await;
    what_contradicts_the_record_is_refused(&*make().await).await;
    scope_attempt_and_name_tell_steps_apart(&*make().await).await;
    the_driver_replays_and_reconciles(&*make().await).await;
    steps_of_many_keys_run_at_once(make().await).await;
}

fn key(name: &'static str) -> StepKey {
    StepKey::new(Scope::Run, 1, name)
}

fn print(value: &str) -> Fingerprint {
    Fingerprint::new().with("input", value)
}

fn begun(value: &str, execution: u32, consent: bool) -> StepState {
    let fingerprint = print(value);
    StepState::Begun {
        fingerprint,
        execution,
        consent,
    }
}

async fn a_step_is_new_then_begun_then_finished(log: &dyn StepLog) {
    assert_eq!(log.state(&key("act")), StepState::New);
    log.begin(&key("act"), 1, &print("a")).await.expect("begin");
    assert_eq!(log.state(&key("act")), begun("a", 1, false));
    log.begin(&key("act"), 2, &print("a"))
        .await
        .expect("begin again");
    assert_eq!(log.state(&key("act")), begun("a", 2, false));
    let result = json!({"text": "grüße\n\u{1F980}", "list": [1, null, 2.5]});
    log.finish(&key("act"), 2, result.clone())
        .await
        .expect("finish");
    let finished = StepState::Finished {
        fingerprint: print("a"),
        result,
    };
    assert_eq!(
        log.state(&key("act")),
        finished,
        "results come back as they were given"
    );
}

async fn consent_counts_for_one_execution(log: &dyn StepLog) {
    log.begin(&key("act"), 1, &print("a")).await.expect("begin");
    log.consent(&key("act")).await.expect("consent");
    log.consent(&key("act")).await.expect("consent twice");
    assert_eq!(log.state(&key("act")), begun("a", 1, true));
    log.begin(&key("act"), 2, &print("a"))
        .await
        .expect("begin again");
    assert_eq!(
        log.state(&key("act")),
        begun("a", 2, false),
        "a begin uses consent up"
    );
    log.finish(&key("act"), 2, json!(1)).await.expect("finish");
    log.consent(&key("act"))
        .await
        .expect("consent that comes too late changes nothing");
    assert!(matches!(log.state(&key("act")), StepState::Finished { .. }));
}

async fn what_contradicts_the_record_is_refused(log: &dyn StepLog) {
    let class = |result: Result<(), PortError>| result.expect_err("it must be refused").class();
    let conflict = ErrorClass::Conflict;
    assert_eq!(
        class(log.finish(&key("act"), 1, json!(1)).await),
        conflict,
        "never begun"
    );
    assert_eq!(
        class(log.consent(&key("act")).await),
        ErrorClass::Validation,
        "never begun"
    );
    let skipped = log.begin(&key("act"), 2, &print("a")).await;
    assert_eq!(
        class(skipped),
        conflict,
        "executions count from 1 without gaps"
    );
    assert_eq!(log.state(&key("act")), StepState::New);

    log.begin(&key("act"), 1, &print("a")).await.expect("begin");
    let twice = log.begin(&key("act"), 1, &print("a")).await;
    assert_eq!(class(twice), conflict, "an execution begins once");
    log.begin(&key("act"), 2, &print("a"))
        .await
        .expect("begin again");
    let late = log.finish(&key("act"), 1, json!(1)).await;
    assert_eq!(
        class(late),
        conflict,
        "only the last execution finishes a step"
    );
    log.finish(&key("act"), 2, json!(2)).await.expect("finish");
    let again = log.begin(&key("act"), 3, &print("a")).await;
    assert_eq!(class(again), conflict, "a finished step stays finished");
}

async fn scope_attempt_and_name_tell_steps_apart(log: &dyn StepLog) {
    let task = |name: &str| Scope::Task(TaskId::new(name).expect("a valid task id"));
    let repository = Scope::Repository("a".parse().expect("a valid repository name"));
    let keys = [
        StepKey::new(Scope::Run, 1, "act"),
        StepKey::new(Scope::Run, 2, "act"),
        StepKey::new(Scope::Run, 1, "act-b"),
        StepKey::new(repository, 1, "act"),
        StepKey::new(task("a"), 1, "act"),
        StepKey::new(task("a-b"), 1, "act"),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(log.state(key), StepState::New, "{key} is a step of its own");
        log.begin(key, 1, &print(&index.to_string()))
            .await
            .expect("begin");
    }
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(log.state(key), begun(&index.to_string(), 1, false), "{key}");
    }
}

async fn the_driver_replays_and_reconciles(log: &dyn StepLog) {
    let step = || Step::new(key("act"), print("a"), WhenUnknown::Idempotent);
    let cut_off = || PortError::new(ErrorClass::Transient, "act");
    let first = run::<u32, _>(log, step(), |_| async { Err(cut_off()) }).await;
    assert!(first.is_err(), "a step whose act fails has no result");
    assert_eq!(log.state(&key("act")), begun("a", 1, false));
    let look = WhenUnknown::reconcile(async { Ok(Look::Acted(7)) });
    let found = run(
        log,
        Step {
            when_unknown: look,
            ..step()
        },
        |_| async { Ok(8) },
    )
    .await;
    assert_eq!(found.expect("the world knows the result"), 7);
    let replayed = run(log, step(), |_| async { Ok(9) }).await;
    assert_eq!(replayed.expect("the result is recorded"), 7);
}

async fn steps_of_many_keys_run_at_once(log: Arc<dyn StepLog>) {
    let mut steps = JoinSet::new();
    for number in 0..64_u32 {
        let log = Arc::clone(&log);
        steps.spawn(async move {
            let task = TaskId::new(format!("task-{number}")).expect("a valid task id");
            let key = StepKey::new(Scope::Task(task), 1, "act");
            let step = Step::new(key, print("a"), WhenUnknown::Idempotent);
            let result = run(&*log, step, |_| async move { Ok(number) }).await;
            assert_eq!(result.expect("the step runs"), number);
        });
    }
    while let Some(ended) = steps.join_next().await {
        ended.expect("no step panics");
    }
    for number in 0..64 {
        let task = TaskId::new(format!("task-{number}")).expect("a valid task id");
        let state = log.state(&StepKey::new(Scope::Task(task), 1, "act"));
        let expected = StepState::Finished {
            fingerprint: print("a"),
            result: json!(number),
        };
        assert_eq!(state, expected, "each step has its own result");
    }
}
