//! Telling a person: one report for what failed, kept up to date.

mod command;
mod publish;
mod report;

use async_trait::async_trait;
use core_types::{PortError, RecoveryRequest, StepLog, step::StepState};

use crate::{RecoveryContext, RecoveryStrategy, StrategyOutcome};

/// Hands a failure to a person, with one report for each scope: a file in the
/// request's folder of reports, and a comment on the issue where there is a
/// forge and the issue has a number. Both are replaced when the scope fails again.
///
/// It handles every failure and is tried last.
#[derive(Debug, Clone, Copy, Default)]
pub struct ManualInterventionStrategy;

#[async_trait]
impl RecoveryStrategy for ManualInterventionStrategy {
    fn name(&self) -> &'static str {
        "manual_intervention"
    }

    fn handles(&self, _: &RecoveryRequest) -> bool {
        true
    }

    async fn recover(
        &self,
        request: &RecoveryRequest,
        context: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError> {
        let history = publish::history(request, context)?;
        let report = report::render(request, context, &history);
        publish::file(request, context, &report).await?;
        publish::comment(request, context, &report).await?;
        Ok(StrategyOutcome::HandedOff { report })
    }
}

/// Whether an attempt of the request's scope ended with a report for a person.
pub(crate) fn was_handed_off(steps: &dyn StepLog, request: &RecoveryRequest, attempt: u32) -> bool {
    let report = steps.state(&publish::report_key(request, attempt));
    matches!(report, StepState::Finished { .. })
}
