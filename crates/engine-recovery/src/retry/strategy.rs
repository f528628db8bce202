//! The strategy that has an operation tried again.

use std::sync::Arc;

use async_trait::async_trait;
use core_types::{ErrorClass, FailureKind, PortError, RecoveryRequest};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::{
    Breakers, Decision, Exhausted, budget,
    decision::decide,
    watch::{host_of_agent, is_down},
};
use crate::{RecoveryContext, RecoveryStrategy, StrategyOutcome};

/// Has an operation tried again: at once, then after 2 s, 4 s and so on.
///
/// It answers [`StrategyOutcome::Retry`] with the time; whoever runs the
/// operation waits until then. A unit of the budgets of operation, task and run
/// is recorded before it answers. A limit that ends later than is sat out
/// ([`RetryOptions::max_wait`](crate::RetryOptions::max_wait)), and any quota,
/// parks the run and costs no unit.
#[derive(Debug, Default)]
pub struct RetryRecoveryStrategy {
    breakers: Arc<Breakers>,
    /// Held while a unit is taken: several tasks of a run may ask for the same one.
    taking: Mutex<()>,
}

impl RetryRecoveryStrategy {
    /// A strategy that asks these breakers.
    #[must_use]
    pub fn new(breakers: Arc<Breakers>) -> Self {
        Self {
            breakers,
            taking: Mutex::default(),
        }
    }
}

#[async_trait]
impl RecoveryStrategy for RetryRecoveryStrategy {
    fn name(&self) -> &'static str {
        "retry"
    }

    fn handles(&self, request: &RecoveryRequest) -> bool {
        let failure = &request.failure;
        let is_of_a_call = !matches!(
            failure.kind,
            FailureKind::KilledTooOften { .. }
                | FailureKind::NoChange
                | FailureKind::NestedRepository { .. }
                | FailureKind::MergeConflict { .. }
                | FailureKind::Panic
        );
        let is_child = matches!(
            failure.kind,
            FailureKind::Agent | FailureKind::Setup | FailureKind::Tests { .. }
        );
        match failure.class {
            ErrorClass::Transient
            | ErrorClass::RateLimited { .. }
            | ErrorClass::QuotaExhausted { .. }
            | ErrorClass::Timeout => is_of_a_call,
            // Of ours it pauses the run; a child that the kernel ended may be started again once.
            ErrorClass::ResourceExhausted => is_child,
            _ => false,
        }
    }

    async fn recover(
        &self,
        request: &RecoveryRequest,
        context: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError> {
        let _one_at_a_time = self.taking.lock().await;
        if let Some(unit) = budget::taken(context.steps, request)? {
            return Ok(StrategyOutcome::Retry { at: unit.at });
        }
        let now = context.clock.now();
        let class = request.failure.class;
        let host = match request.failure.kind {
            FailureKind::Agent => host_of_agent(context.agent.name()),
            _ => format!("repository:{}", request.repository),
        };
        if is_down(class) && !self.breakers.is_watched(&host) {
            self.breakers.failed(&host, now);
        }
        let options = &context.options.retry;
        let spent = budget::spent(context.steps, request);
        let decided = |admission| {
            decide(
                class,
                spent,
                admission,
                now,
                draw(request, options.seed),
                options,
            )
        };
        // A probe is not given out to a retry that no budget pays.
        let mut decision = decided(super::Admission::Go);
        if matches!(decision, Decision::Retry { .. }) {
            decision = decided(self.breakers.admit(&host, now));
        }
        Ok(match decision {
            Decision::Retry { at } => {
                let unit = budget::take(context.steps, request, at).await?;
                StrategyOutcome::Retry { at: unit.at }
            }
            Decision::Park { until } => StrategyOutcome::Park { until },
            Decision::Exhausted(which) => {
                let (whose, limit) = match which {
                    Exhausted::Operation => ("operation's", spent.operation),
                    Exhausted::Task => ("task's", options.per_task),
                    Exhausted::Run => ("run's", options.per_run),
                };
                StrategyOutcome::Failed {
                    reason: format!("the {whose} budget of {limit} retries is used up"),
                    tried: vec![format!(
                        "tried again {} times for this operation, {} for the task, {} in the run",
                        spent.operation, spent.task, spent.run
                    )],
                }
            }
            Decision::Permanent => StrategyOutcome::NotHandled,
        })
    }
}

/// Chance from 0 up to 1, the same for the same attempt of a run.
fn draw(request: &RecoveryRequest, seed: u64) -> f64 {
    let key = budget::unit_key(request, request.attempt).operation(&request.run);
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(key.as_str())
        .finalize();
    let bits = digest
        .iter()
        .take(4)
        .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
