//! What every strategy is given, and what it answers.

use std::fmt::Debug;

use async_trait::async_trait;
use core_types::{
    Agent, CancellationToken, CheckpointStore, Clock, CommandRunner, CommitId, EventSink,
    GitProvider, PlanState, PortError, RecoveryRequest, Repository, StepLog, Timestamp, TokenUsage,
    Usd,
};

use crate::Options;

/// One way to repair a failure; others can implement it.
///
/// A strategy acts through the context's ports only, by steps of the request's
/// scope and attempt whose names begin with `recovery-`, so that a call that was
/// cut off is continued by the next one. A unit of a budget is recorded before
/// the attempt that it pays for.
#[async_trait]
pub trait RecoveryStrategy: Debug + Send + Sync {
    /// Its name in events and reports, such as `retry`.
    fn name(&self) -> &'static str;

    /// Whether it may help, by the failure's class and kind alone.
    fn handles(&self, request: &RecoveryRequest) -> bool;

    /// Tries to repair the failure.
    ///
    /// # Errors
    ///
    /// Only what stops the whole run: `Cancelled`, `BudgetExceeded`,
    /// `ResourceExhausted`, and `UnknownOutcome` for a step that needs a
    /// person's consent. Everything else is a [`StrategyOutcome`].
    ///
    /// # Cancel safety
    ///
    /// Its effects are steps, so a dropped call is continued by the next one.
    async fn recover(
        &self,
        request: &RecoveryRequest,
        context: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError>;
}

/// What a strategy works with; cheap to build.
#[derive(Debug, Clone, Copy)]
pub struct RecoveryContext<'a> {
    /// Where the plan stands.
    pub state: &'a dyn PlanState,
    /// The plan's checkpoints.
    pub checkpoint: &'a dyn CheckpointStore,
    /// The repository of the failure.
    pub git: &'a dyn Repository,
    /// The agent; it is metered by whoever passes it in.
    pub agent: &'a dyn Agent,
    /// Runs set-up and test commands, where there is somebody to run them.
    pub commands: Option<&'a dyn CommandRunner>,
    /// Where reports are commented, if anywhere.
    pub forge: Option<&'a dyn GitProvider>,
    /// The record of steps.
    pub steps: &'a dyn StepLog,
    /// Where it is told what happens.
    pub events: &'a dyn EventSink,
    /// The time of day.
    pub clock: &'a dyn Clock,
    /// The limits.
    pub options: &'a Options,
    /// What ends the recovery early.
    pub cancel: &'a CancellationToken,
    /// What strategies before this one answered, in their order.
    pub earlier: &'a [Tried],
    /// What agents reported for this repair so far, since this process has it.
    pub spent: Spending,
}

/// What agents reported of their work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// How often one was asked.
    pub requests: u32,
    /// The tokens.
    pub usage: TokenUsage,
    /// The cost, as far as it was reported.
    pub cost: Option<Usd>,
}

/// A strategy that was tried, and what it answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// Its name.
    pub strategy: &'static str,
    /// Its answer.
    pub outcome: StrategyOutcome,
}

/// What came of a strategy.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StrategyOutcome {
    /// The failure is repaired by this commit, which has passed the tests.
    Repaired {
        /// The commit.
        commit: CommitId,
    },
    /// The attempt is to be made again, not before `at`.
    Retry {
        /// The earliest time.
        at: Timestamp,
    },
    /// The run is to be parked until then.
    Park {
        /// The earliest time.
        until: Timestamp,
    },
    /// There was a repair, and it is not acceptable; no other strategy is tried but the last.
    Refused {
        /// Why, in one line.
        reason: String,
        /// What shows it, one finding a line, with path and line where there are any.
        evidence: Vec<String>,
    },
    /// It tried, and did not succeed; the next strategy is asked.
    Failed {
        /// Why, in one line.
        reason: String,
        /// What was tried, one thing a line.
        tried: Vec<String>,
    },
    /// A person must act; a report says what is known. Ends the recovery.
    HandedOff {
        /// The report, in Markdown.
        report: String,
    },
    /// It has nothing to say to this failure; the next strategy is asked.
    NotHandled,
}

impl StrategyOutcome {
    /// The outcome's name in events.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Repaired { .. } => "repaired",
            Self::Retry { .. } => "retry",
            Self::Park { .. } => "park",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::HandedOff { .. } => "handed_off",
            Self::NotHandled => "not_handled",
        }
    }
}
