//! The recovery as a whole: which strategies are asked, in which order, and what is recorded.

mod attempt;
mod builder;
mod record;

use std::sync::Arc;

use async_trait::async_trait;
use core_types::{
    Agent, CancellationToken, Checkpoint, CheckpointId, CheckpointStore, Clock, CommandRunner,
    ErrorClass, EventSink, GitProvider, NoEvents, PlanId, PlanState, PortError, Recovery,
    RecoveryOutcome, RecoveryRequest, Repository, StepKey, StepLog, SystemClock, Timestamp,
    step::{self, Fingerprint, Step, WhenUnknown},
};

use crate::{
    ConflictResolutionStrategy, Error, ManualInterventionStrategy, Options, RecoveryContext,
    RecoveryStrategy, StrategyOutcome, TestFixRecoveryStrategy, Tried,
    checkpoint_steps::CheckpointSteps, count::Counted, retry::RetryRecoveryStrategy, step_error,
    stops_the_run,
};

pub use attempt::{AttemptEnd, Attempted, Ran, Rerun};
pub use builder::AdvancedRecoveryBuilder;

/// The stage of the checkpoint that holds a failure: its data is the [`RecoveryRequest`].
pub const FAILED: &str = "failed";

/// The stage of the checkpoint that says that a failure was recovered.
pub const RECOVERED: &str = "recovered";

/// How often an operation is begun for one unit of a budget, when the engine is killed during it.
const MAX_EXECUTIONS: u32 = 5;

/// Repairs failures by strategies, in one repository.
///
/// Strategies are asked in this order, each only if it handles the failure's
/// class and kind: those that the builder was given, retry, conflict
/// resolution, the fix of tests, and last manual intervention, which handles
/// everything. A repair that was refused goes there at once.
#[derive(Debug)]
pub struct AdvancedRecovery {
    state: Arc<dyn PlanState>,
    checkpoint: Arc<dyn CheckpointStore>,
    git: Arc<dyn Repository>,
    agent: Arc<dyn Agent>,
    forge: Option<Arc<dyn GitProvider>>,
    commands: Option<Arc<dyn CommandRunner>>,
    clock: Arc<dyn Clock>,
    /// Without it, checkpoints of the plan hold the steps.
    steps: Option<Arc<dyn StepLog>>,
    events: Arc<dyn EventSink>,
    rerun: Option<Arc<dyn Rerun>>,
    options: Options,
    retry: Arc<RetryRecoveryStrategy>,
    others: Vec<Arc<dyn RecoveryStrategy>>,
}

impl AdvancedRecovery {
    /// A recovery with the defaults of everything else.
    #[must_use]
    pub fn new(
        state: Arc<dyn PlanState>,
        checkpoint: Arc<dyn CheckpointStore>,
        git: Arc<dyn Repository>,
        agent: Arc<dyn Agent>,
    ) -> Self {
        Self::builder(state, checkpoint, git, agent).build()
    }

    /// Begins a recovery: where plans stand, the plan's checkpoints, the
    /// repository, and the agent, which its caller meters.
    #[must_use]
    pub fn builder(
        state: Arc<dyn PlanState>,
        checkpoint: Arc<dyn CheckpointStore>,
        git: Arc<dyn Repository>,
        agent: Arc<dyn Agent>,
    ) -> AdvancedRecoveryBuilder {
        AdvancedRecoveryBuilder(Self {
            state,
            checkpoint,
            git,
            agent,
            forge: None,
            commands: None,
            clock: Arc::new(SystemClock),
            steps: None,
            events: Arc::new(NoEvents),
            rerun: None,
            options: Options::default(),
            retry: Arc::default(),
            others: Vec::new(),
        })
    }

    /// Records a failure, so that [`AdvancedRecovery::attempt_recovery`] finds
    /// it. Failures that come through [`Recovery::recover`] are recorded by it.
    ///
    /// # Errors
    ///
    /// As `CheckpointStore::create`.
    pub async fn record_failure(
        &self,
        request: &RecoveryRequest,
    ) -> Result<CheckpointId, PortError> {
        let data = serde_json::to_value(request).map_err(|error| {
            PortError::new(ErrorClass::Internal, "write a failure as JSON").because(error)
        })?;
        self.checkpoint.create(&request.plan, FAILED, data).await
    }

    /// Tries to recover a plan from its last recorded failure that was not
    /// recovered yet. What can be tried again is tried again here, if the builder
    /// was given a [`Rerun`]; otherwise the answer says when it may be.
    ///
    /// # Errors
    ///
    /// `NotFound` (nothing is left to recover), `Validation` (the checkpoint
    /// holds no failure), and what stops a run: see [`Recovery::recover`].
    ///
    /// # Cancel safety
    ///
    /// What was done is recorded; the next call goes on with it.
    pub async fn attempt_recovery(&self, plan: &PlanId) -> Result<Attempted, Error> {
        let (failure, mut request) = self.last_failure(plan).await?;
        let cancel = CancellationToken::new();
        let mut tried = Vec::new();
        let mut is_recorded = true;
        loop {
            let outcome = self
                .pursue(&request, &cancel, &mut tried, is_recorded)
                .await?;
            let end = match (outcome, &self.rerun) {
                (RecoveryOutcome::Retry { at }, Some(rerun)) => {
                    self.wait_until(at).await;
                    match self.again(&**rerun, &request, &cancel).await? {
                        Ran::Succeeded { commit } => {
                            self.record_recovered(&request, commit.as_ref()).await?;
                            AttemptEnd::Reran { commit }
                        }
                        Ran::Failed { failure } => {
                            request.failure = failure;
                            request.attempt += 1;
                            is_recorded = false;
                            continue;
                        }
                    }
                }
                (RecoveryOutcome::Repaired { commit }, _) => AttemptEnd::Repaired { commit },
                (RecoveryOutcome::Retry { at }, None) => AttemptEnd::Retry { at },
                (RecoveryOutcome::Park { until }, _) => AttemptEnd::Park { until },
                (RecoveryOutcome::HandOff { report }, _) => AttemptEnd::HandedOff { report },
                (_, _) => AttemptEnd::HandedOff {
                    report: String::new(),
                },
            };
            return Ok(Attempted {
                failure,
                request,
                tried,
                end,
            });
        }
    }

    /// The last failure of a plan that no recovery followed, and whose task has not ended well since.
    pub(crate) async fn last_failure(
        &self,
        plan: &PlanId,
    ) -> Result<(CheckpointId, RecoveryRequest), Error> {
        let none = || Error::NoFailure { plan: plan.clone() };
        let checkpoints = self.checkpoint.list(plan).await?;
        let mut ends = checkpoints
            .into_iter()
            .filter(|it| matches!(it.stage.as_str(), FAILED | RECOVERED));
        let last = ends.next_back().filter(|it| it.stage == FAILED);
        let Checkpoint { id, data, .. } = last.ok_or_else(none)?;
        let request: RecoveryRequest =
            serde_json::from_value(data).map_err(|source| Error::Unreadable {
                checkpoint: id.clone(),
                source,
            })?;
        if let Some(task) = &request.task {
            let tasks = self.state.task_statuses(plan).await?;
            if tasks.get(&task.id).is_some_and(|status| status.is_good()) {
                return Err(none());
            }
        }
        Ok((id, request))
    }

    async fn wait_until(&self, at: Timestamp) {
        let wait = at.since(self.clock.now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Makes the operation again, recorded.
    async fn again(
        &self,
        rerun: &dyn Rerun,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
    ) -> Result<Ran, PortError> {
        let steps = self.steps_of(request).await?;
        let key = StepKey::new(request.scope.clone(), request.attempt, "recovery-again");
        let step = Step::new(key, Fingerprint::new(), WhenUnknown::Idempotent);
        let ran = step::run(&*steps, step.at_most(MAX_EXECUTIONS), |_| {
            rerun.rerun(request, cancel)
        });
        let ran = ran.await;
        ran.map_err(|error| step_error(error, "make a failed operation again"))
    }

    async fn steps_of(&self, request: &RecoveryRequest) -> Result<Arc<dyn StepLog>, PortError> {
        if let Some(steps) = &self.steps {
            return Ok(Arc::clone(steps));
        }
        let store = Arc::clone(&self.checkpoint);
        let steps = CheckpointSteps::load(store, &request.plan, &request.run).await?;
        Ok(Arc::new(steps))
    }

    /// Asks the strategies, one after another.
    async fn pursue(
        &self,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
        tried: &mut Vec<Tried>,
        is_recorded: bool,
    ) -> Result<RecoveryOutcome, PortError> {
        let steps = self.steps_of(request).await?;
        if !is_recorded {
            let key = StepKey::new(request.scope.clone(), request.attempt, "recovery-failed");
            let step = Step::new(key, Fingerprint::new(), WhenUnknown::Idempotent);
            let recorded: Result<CheckpointId, _> =
                step::run(&*steps, step, |_| self.record_failure(request)).await;
            recorded.map_err(|error| step_error(error, "record a failure"))?;
        }
        let agent = Counted::new(&*self.agent);
        let first = tried.len();
        let mut is_refused = false;
        for strategy in self.strategies() {
            let is_last = strategy.name() == ManualInterventionStrategy.name();
            if (is_refused && !is_last) || !strategy.handles(request) {
                continue;
            }
            if cancel.is_cancelled() {
                let error = PortError::new(ErrorClass::Cancelled, "recover from a failure");
                return Err(error);
            }
            self.tell_began(&*steps, request, strategy.name()).await?;
            let context = RecoveryContext {
                state: &*self.state,
                checkpoint: &*self.checkpoint,
                git: &*self.git,
                agent: &agent,
                commands: self.commands.as_deref(),
                forge: self.forge.as_deref(),
                steps: &*steps,
                events: &*self.events,
                clock: &*self.clock,
                options: &self.options,
                cancel,
                earlier: &tried[first..],
                spent: agent.spent(),
            };
            let outcome = match Box::pin(strategy.recover(request, &context)).await {
                Ok(outcome) => outcome,
                Err(error) if stops_the_run(error.class()) => return Err(error),
                Err(error) => StrategyOutcome::Failed {
                    reason: error.to_line(),
                    tried: Vec::new(),
                },
            };
            self.tell_ended(&*steps, request, strategy.name(), &outcome)
                .await?;
            let recovered = match &outcome {
                StrategyOutcome::Repaired { commit } => {
                    self.record_recovered_once(&*steps, request, commit).await?;
                    let commit = commit.clone();
                    Some(RecoveryOutcome::Repaired { commit })
                }
                StrategyOutcome::Retry { at } => Some(RecoveryOutcome::Retry { at: *at }),
                StrategyOutcome::Park { until } => Some(RecoveryOutcome::Park { until: *until }),
                StrategyOutcome::HandedOff { report } => {
                    let report = report.clone();
                    Some(RecoveryOutcome::HandOff { report })
                }
                StrategyOutcome::Refused { .. } => {
                    is_refused = true;
                    None
                }
                StrategyOutcome::Failed { .. } | StrategyOutcome::NotHandled => None,
            };
            let strategy = strategy.name();
            tried.push(Tried { strategy, outcome });
            if let Some(outcome) = recovered {
                return Ok(outcome);
            }
        }
        // Even the report could not be written; what is known stands in the failure.
        Ok(RecoveryOutcome::HandOff {
            report: String::new(),
        })
    }

    fn strategies(&self) -> Vec<Arc<dyn RecoveryStrategy>> {
        let mut strategies = self.others.clone();
        strategies.push(Arc::clone(&self.retry) as _);
        strategies.push(Arc::new(ConflictResolutionStrategy));
        strategies.push(Arc::new(TestFixRecoveryStrategy));
        strategies.push(Arc::new(ManualInterventionStrategy));
        strategies
    }

    pub(crate) fn retry(&self) -> Arc<RetryRecoveryStrategy> {
        Arc::clone(&self.retry)
    }

    pub(crate) fn with_retry(mut self, retry: Arc<RetryRecoveryStrategy>) -> Self {
        self.retry = retry;
        self
    }
}

#[async_trait]
impl Recovery for AdvancedRecovery {
    async fn recover(
        &self,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
    ) -> Result<RecoveryOutcome, PortError> {
        self.pursue(request, cancel, &mut Vec::new(), false).await
    }
}
