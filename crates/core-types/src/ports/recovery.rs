use std::{fmt::Debug, path::PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{CommitId, Failure, RepositoryName, RunId, Scope, Task, Timestamp};

/// A failure, and where its repair may act.
#[derive(Debug, Clone)]
pub struct RecoveryRequest {
    /// The run.
    pub run: RunId,
    /// The scope whose steps the repair may run.
    pub scope: Scope,
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// The task, where one failed.
    pub task: Option<Task>,
    /// Where.
    pub repository: RepositoryName,
    /// What the failed attempt started from.
    pub base: CommitId,
    /// What the failed attempt left, where it got so far.
    pub commit: Option<CommitId>,
    /// What went wrong.
    pub failure: Failure,
    /// Where reports and logs of the run are kept.
    pub reports: PathBuf,
}

/// What became of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
#[non_exhaustive]
pub enum RecoveryOutcome {
    /// It is repaired by this commit, which has passed the tests.
    Repaired {
        /// The commit, a descendant of the request's base.
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
        /// What was tried, for a person; may be empty.
        report: String,
    },
}

/// Repairs failures, through ports and steps of the given scope.
#[async_trait]
pub trait Recovery: Debug + Send + Sync {
    /// Tries to repair a failure. It never fails itself: what it cannot do, it hands off.
    ///
    /// # Cancel safety
    ///
    /// Its effects are steps, so a dropped call is continued by the next one.
    async fn recover(&self, request: &RecoveryRequest) -> RecoveryOutcome;
}

/// Hands everything off.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecovery;

#[async_trait]
impl Recovery for NoRecovery {
    async fn recover(&self, _: &RecoveryRequest) -> RecoveryOutcome {
        RecoveryOutcome::HandOff {
            report: String::new(),
        }
    }
}
