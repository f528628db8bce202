//! What a recovery records of itself: checkpoints and events, each once.

use core_types::{
    CheckpointId, CommitId, ErrorClass, Event, PortError, RecoveryRequest, StepKey, StepLog,
    StepName,
    step::{self, Fingerprint, Step, WhenUnknown},
};

use super::{AdvancedRecovery, RECOVERED};
use crate::{StrategyOutcome, step_error};

impl AdvancedRecovery {
    pub(super) async fn record_recovered(
        &self,
        request: &RecoveryRequest,
        commit: Option<&CommitId>,
    ) -> Result<CheckpointId, PortError> {
        let data = serde_json::json!({
            "scope": request.scope, "attempt": request.attempt, "commit": commit,
        });
        self.checkpoint.create(&request.plan, RECOVERED, data).await
    }

    pub(super) async fn record_recovered_once(
        &self,
        steps: &dyn StepLog,
        request: &RecoveryRequest,
        commit: &CommitId,
    ) -> Result<(), PortError> {
        let key = StepKey::new(request.scope.clone(), request.attempt, "recovery-recovered");
        let fingerprint = Fingerprint::new().with("commit", commit.as_str());
        let step = Step::new(key, fingerprint, WhenUnknown::Idempotent);
        let record = |_| self.record_recovered(request, Some(commit));
        let recorded: Result<CheckpointId, _> = step::run(steps, step, record).await;
        let recorded = recorded.map_err(|error| step_error(error, "record a recovery"));
        recorded.map(drop)
    }

    pub(super) async fn tell_began(
        &self,
        steps: &dyn StepLog,
        request: &RecoveryRequest,
        strategy: &'static str,
    ) -> Result<(), PortError> {
        let event = Event::RecoveryStarted {
            strategy: strategy.to_owned(),
            class: request.failure.class,
            round: request.attempt,
        };
        self.tell(steps, request, format!("recovery-began-{strategy}"), event)
            .await
    }

    pub(super) async fn tell_ended(
        &self,
        steps: &dyn StepLog,
        request: &RecoveryRequest,
        strategy: &'static str,
        outcome: &StrategyOutcome,
    ) -> Result<(), PortError> {
        let reason = match outcome {
            StrategyOutcome::Refused { reason, .. } | StrategyOutcome::Failed { reason, .. } => {
                reason.clone()
            }
            _ => String::new(),
        };
        let event = Event::RecoveryEnded {
            strategy: strategy.to_owned(),
            outcome: outcome.as_str().to_owned(),
            reason,
            until: match outcome {
                StrategyOutcome::Retry { at } => Some(*at),
                StrategyOutcome::Park { until } => Some(*until),
                _ => None,
            },
        };
        self.tell(steps, request, format!("recovery-ended-{strategy}"), event)
            .await
    }

    /// Emits an event once, whatever is repeated after a crash.
    async fn tell(
        &self,
        steps: &dyn StepLog,
        request: &RecoveryRequest,
        name: String,
        event: Event,
    ) -> Result<(), PortError> {
        let name = StepName::new(name).map_err(|error| {
            PortError::new(ErrorClass::Validation, "name a strategy's steps").because(error)
        })?;
        let key = StepKey {
            scope: request.scope.clone(),
            attempt: request.attempt,
            name,
        };
        let step = Step::new(key, Fingerprint::new(), WhenUnknown::Idempotent);
        let told: Result<(), _> = step::run(steps, step, |step| async move {
            self.events.emit(Some(&step), event);
            Ok(())
        })
        .await;
        told.map_err(|error| step_error(error, "record the course of a recovery"))
    }
}
