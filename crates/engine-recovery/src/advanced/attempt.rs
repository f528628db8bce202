//! Making an operation again, and what an attempt at a recovery says.

use async_trait::async_trait;
use core_types::{
    CancellationToken, CheckpointId, CommitId, Failure, PortError, RecoveryRequest, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::Tried;

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
