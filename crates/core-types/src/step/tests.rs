use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;
use serde_json::Value;

use super::*;
use crate::{ErrorClass, PortError, StepLog};

#[derive(Debug, Default)]
struct Log(Mutex<HashMap<StepKey, StepState>>);

#[async_trait]
impl StepLog for Log {
    fn state(&self, key: &StepKey) -> StepState {
        self.0
            .lock()
            .unwrap()
            .get(key)
            .cloned()
            .unwrap_or(StepState::New)
    }
    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        let fingerprint = fingerprint.clone();
        let begun = StepState::Begun {
            fingerprint,
            execution,
            consent: false,
        };
        self.0.lock().unwrap().insert(key.clone(), begun);
        Ok(())
    }
    async fn finish(&self, key: &StepKey, _: u32, result: Value) -> Result<(), PortError> {
        let mut states = self.0.lock().unwrap();
        let StepState::Begun { fingerprint, .. } = states[key].clone() else {
            panic!("not begun")
        };
        states.insert(
            key.clone(),
            StepState::Finished {
                fingerprint,
                result,
            },
        );
        Ok(())
    }
    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        if let Some(StepState::Begun { consent, .. }) = self.0.lock().unwrap().get_mut(key) {
            *consent = true;
        }
        Ok(())
    }
}

fn key() -> StepKey {
    StepKey::new(Scope::Run, 1, "act")
}

fn idempotent(input: &str) -> Step<'static, u32> {
    Step::new(
        key(),
        Fingerprint::new().with("input", input),
        WhenUnknown::Idempotent,
    )
}

fn cut_off() -> PortError {
    PortError::new(ErrorClass::Transient, "act")
}

#[tokio::test]
async fn a_finished_step_is_replayed_and_not_run_again() {
    let log = Log::default();
    let first = run(&log, idempotent("a"), |_| async { Ok(7) })
        .await
        .unwrap();
    let again = run(&log, idempotent("a"), |_| async { panic!("must not act") })
        .await
        .unwrap();
    assert_eq!((first, again), (7, 7));
}

#[tokio::test]
async fn another_input_is_named_as_a_divergence() {
    let log = Log::default();
    run(&log, idempotent("a"), |_| async { Ok(7) })
        .await
        .unwrap();
    let error = run(&log, idempotent("b"), |_| async { Ok(8) })
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    assert_eq!(
        error.to_string(),
        "step \"run: act\" differs from what is recorded: input was \"a\" and is now \"b\""
    );
}

#[tokio::test]
async fn an_interrupted_step_looks_before_it_acts_again() {
    let log = Log::default();
    run(&log, idempotent("a"), |_| async { Err(cut_off()) })
        .await
        .unwrap_err();
    let mut step = idempotent("a");
    step.when_unknown = WhenUnknown::reconcile(async { Ok(Look::Acted(9)) });
    let found = run(&log, step, |_| async { panic!("must not act") })
        .await
        .unwrap();
    assert_eq!(found, 9);
}

#[tokio::test]
async fn executions_are_counted_and_bounded() {
    let log = Log::default();
    for execution in 1..=3 {
        let seen = run(&log, idempotent("a").at_most(3), |step| async move {
            assert_eq!(step.execution, execution);
            Err(cut_off())
        });
        assert_eq!(seen.await.unwrap_err().class(), ErrorClass::Transient);
    }
    let last = run(&log, idempotent("a").at_most(3), |_| async { Ok(1) })
        .await
        .unwrap_err();
    assert!(matches!(
        last,
        StepError::TooManyExecutions { executions: 3, .. }
    ));
}

#[tokio::test]
async fn a_manual_step_runs_again_only_with_consent_and_once() {
    let log = Log::default();
    let manual = || Step::<u32>::new(key(), Fingerprint::new(), WhenUnknown::Manual);
    run(&log, manual(), |_| async { Err(cut_off()) })
        .await
        .unwrap_err();
    let asked = run(&log, manual(), |_| async { Ok(1) }).await.unwrap_err();
    assert!(matches!(asked, StepError::NeedsConsent { .. }));
    log.consent(&key()).await.unwrap();
    run(&log, manual(), |_| async { Err(cut_off()) })
        .await
        .unwrap_err();
    let again = run(&log, manual(), |_| async { Ok(1) }).await.unwrap_err();
    assert!(
        matches!(again, StepError::NeedsConsent { .. }),
        "consent counts once"
    );
}
