use std::{collections::BTreeMap, fmt::Debug, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    CancellationToken, CommandLine, CommitId, Conversation, DependencyResult, Failure, Issue,
    PlanId, PortError, RepositoryName, RunId, Scope, Task, Timestamp,
};

/// A failure, and where its repair may act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRequest {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanId,
    /// The scope whose steps the repair may run.
    pub scope: Scope,
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// The issue that the run works on.
    pub issue: Issue,
    /// The task, where one failed.
    pub task: Option<Task>,
    /// Where.
    pub repository: RepositoryName,
    /// How a clone of it is prepared and tested.
    pub commands: RepositoryCommands,
    /// What the failed attempt started from.
    pub base: CommitId,
    /// What the failed attempt left, where it got so far.
    pub commit: Option<CommitId>,
    /// The head of the integration branch: the other side of a merge that met conflicts.
    pub head: CommitId,
    /// The tasks whose results `head` holds beside the base, oldest first.
    pub merged: Vec<DependencyResult>,
    /// What went wrong.
    pub failure: Failure,
    /// The conversation of the agent that made `commit`.
    #[serde(default)]
    pub conversation: Option<Conversation>,
    /// What the caller says about the change (`feature_flag`, …), as data.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
    /// What a person has answered to earlier hand-offs, oldest first.
    pub answers: Vec<String>,
    /// Where reports of the run are kept.
    pub reports: PathBuf,
    /// A folder for the transcripts and logs of the repair.
    pub scratch: PathBuf,
}

/// How a clone of a repository is prepared and tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryCommands {
    /// What prepares a clone; may be missing.
    pub setup: Option<CommandLine>,
    /// When the set-up is ended.
    pub setup_timeout: Duration,
    /// What verifies a clone; without it nothing is verified.
    pub test: Option<CommandLine>,
    /// When the tests are ended.
    pub test_timeout: Duration,
    /// When an agent is ended.
    pub agent_timeout: Duration,
    /// Variables that both commands see beside the allowed ones of the runner:
    /// the same that they see outside of a repair.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// What became of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
#[non_exhaustive]
pub enum RecoveryOutcome {
    /// It is repaired by this commit, which has passed the tests.
    Repaired {
        /// The commit, a descendant of the request's base. After a merge that
        /// met conflicts it holds both sides.
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
    /// It could not be repaired.
    HandOff {
        /// What was tried, for a person, in Markdown; may be empty.
        report: String,
    },
}

/// Repairs failures, through ports and steps of the given scope.
#[async_trait]
pub trait Recovery: Debug + Send + Sync {
    /// Tries to repair a failure. What it cannot do, it hands off.
    ///
    /// # Errors
    ///
    /// Only what stops the whole run: `Cancelled`, `BudgetExceeded`, `ResourceExhausted`, and
    /// `UnknownOutcome` for a step that needs a person's consent.
    ///
    /// # Cancel safety
    ///
    /// Its effects are steps, so a dropped call is continued by the next one.
    async fn recover(
        &self,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
    ) -> Result<RecoveryOutcome, PortError>;
}

/// Hands everything off.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecovery;

#[async_trait]
impl Recovery for NoRecovery {
    async fn recover(
        &self,
        _: &RecoveryRequest,
        _: &CancellationToken,
    ) -> Result<RecoveryOutcome, PortError> {
        Ok(RecoveryOutcome::HandOff {
            report: String::new(),
        })
    }
}
