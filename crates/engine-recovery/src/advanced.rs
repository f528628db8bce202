//! The recovery as a whole: which strategies are asked, in which order, and what is recorded.

use std::sync::Arc;

use async_trait::async_trait;
use core_types::{
    Agent, CancellationToken, Checkpoint, CheckpointId, CheckpointStore, Clock, CommandRunner,
    CommitId, ErrorClass, Event, EventSink, Failure, GitProvider, NoEvents, PlanId, PlanState,
    PortError, Recovery, RecoveryOutcome, RecoveryRequest, Repository, StepKey, StepLog, StepName,
    SystemClock, Timestamp,
    step::{self, Fingerprint, Step, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ManualInterventionStrategy, Options, RecoveryContext, RecoveryStrategy, StrategyOutcome,
    Tried, checkpoint_steps::CheckpointSteps, count::Counted, retry::RetryRecoveryStrategy,
    step_error, stops_the_run,
};

/// The stage of the checkpoint that holds a failure: its data is the [`RecoveryRequest`].
pub const FAILED: &str = "failed";

/// The stage of the checkpoint that says that a failure was recovered.
pub const RECOVERED: &str = "recovered";

/// How often an operation is begun for one unit of a budget, when the engine is killed during it.
const MAX_EXECUTIONS: u32 = 5;

/// Makes a failed operation again.
///
/// Inside a run nobody needs it: the workflow makes the next attempt itself.
#[async_trait]
pub trait Rerun: std::fmt::Debug + Send + Sync {
    /// Makes the operation of the request again, once. It must not try again by itself.
    ///
    /// # Errors
    ///
    /// Only what stops the whole run; a failure of the operation is [`Ran::Failed`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call is made again.
    async fn rerun(
        &self,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
    ) -> Result<Ran, PortError>;
}

/// How an operation ended that was made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ran")]
pub enum Ran {
    /// Well.
    Succeeded {
        /// What it left, where it left something.
        commit: Option<CommitId>,
    },
    /// Not well.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What an attempt at a recovery did.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempted {
    /// The checkpoint of the failure.
    pub failure: CheckpointId,
    /// The failure as it was last: of the last attempt that was made again.
    pub request: RecoveryRequest,
    /// The strategies that were tried and their answers, in order.
    pub tried: Vec<Tried>,
    /// How it ended.
    pub end: AttemptEnd,
}

/// How an attempt at a recovery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The failure is repaired by this commit.
    Repaired {
        /// The commit.
        commit: CommitId,
    },
    /// The operation was made again and succeeded.
    Reran {
        /// What it left, where it left something.
        commit: Option<CommitId>,
    },
    /// The operation is to be made again, by whoever can, not before `at`.
    Retry {
        /// The earliest time.
        at: Timestamp,
    },
    /// Nothing is to be done before `until`.
    Park {
        /// The earliest time.
        until: Timestamp,
    },
    /// A person must act.
    HandedOff {
        /// What a person should know, in Markdown.
        report: String,
    },
}

impl Attempted {
    /// Whether the failure is gone.
    #[must_use]
    pub fn is_successful(&self) -> bool {
        matches!(
            self.end,
            AttemptEnd::Repaired { .. } | AttemptEnd::Reran { .. }
        )
    }
}

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
        // Conflict resolution and the fix of tests stand here.
        strategies.push(Arc::new(ManualInterventionStrategy));
        strategies
    }

    async fn record_recovered(
        &self,
        request: &RecoveryRequest,
        commit: Option<&CommitId>,
    ) -> Result<CheckpointId, PortError> {
        let data = serde_json::json!({
            "scope": request.scope, "attempt": request.attempt, "commit": commit,
        });
        self.checkpoint.create(&request.plan, RECOVERED, data).await
    }

    async fn record_recovered_once(
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

    async fn tell_began(
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

    async fn tell_ended(
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

/// Makes an [`AdvancedRecovery`].
#[derive(Debug)]
pub struct AdvancedRecoveryBuilder(AdvancedRecovery);

impl AdvancedRecoveryBuilder {
    /// Where reports are commented; without it they are files only.
    #[must_use]
    pub fn forge(mut self, forge: Arc<dyn GitProvider>) -> Self {
        self.0.forge = Some(forge);
        self
    }

    /// What runs set-up and test commands; without it nothing can be verified, so no repair is
    /// accepted.
    #[must_use]
    pub fn commands(mut self, commands: Arc<dyn CommandRunner>) -> Self {
        self.0.commands = Some(commands);
        self
    }

    /// The time of day; by default the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// The record of steps: inside a run, that of the run. By default they are
    /// kept as checkpoints of the plan.
    #[must_use]
    pub fn steps(mut self, steps: Arc<dyn StepLog>) -> Self {
        self.0.steps = Some(steps);
        self
    }

    /// Where it is told what happens; by default nowhere.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.0.events = events;
        self
    }

    /// The limits.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.0.options = options;
        self
    }

    /// What makes failed operations again, for use alone.
    #[must_use]
    pub fn rerun(mut self, rerun: Arc<dyn Rerun>) -> Self {
        self.0.rerun = Some(rerun);
        self
    }

    /// The strategy that tries again, with its breakers. Recoveries of one run share it.
    #[must_use]
    pub fn retry(mut self, retry: Arc<RetryRecoveryStrategy>) -> Self {
        self.0.retry = retry;
        self
    }

    /// One more strategy, asked before the built-in ones and in the order given.
    #[must_use]
    pub fn strategy(mut self, strategy: Arc<dyn RecoveryStrategy>) -> Self {
        self.0.others.push(strategy);
        self
    }

    /// The recovery.
    #[must_use]
    pub fn build(self) -> AdvancedRecovery {
        self.0
    }
}
