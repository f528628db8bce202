use core_types::{
    BranchName, CommitId, IssueNumber, IssueState, OperationId, PullRequestState, RepositoryName,
    Timestamp,
};
use journal::Kind;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The one kind of record in a forge's journal.
pub(super) const CHANGE: Kind = Kind(1);

/// The newest version: 2 added the change of a comment.
const VERSION: u16 = 2;

/// A mutation that was made, as it is stored: one JSON object.
///
/// An older program refuses a journal with a newer `v`; a newer one reads all
/// older ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChangeRecord {
    /// The version of this format.
    v: u16,
    pub(super) repository: RepositoryName,
    pub(super) operation: OperationId,
    /// When it was made; order is the journal's.
    pub(super) at: Timestamp,
    pub(super) change: Change,
}

/// What was changed. Numbers and ids are decided before they are stored, so
/// that reading never decides anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(super) enum Change {
    CreateIssue {
        number: IssueNumber,
        title: String,
        body: String,
        labels: Vec<String>,
        author: String,
    },
    UpdateIssue {
        number: IssueNumber,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        labels: Option<Vec<String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<StateRecord>,
    },
    CreateComment {
        id: u64,
        issue: IssueNumber,
        body: String,
        author: String,
    },
    /// Since version 2.
    UpdateComment { id: u64, body: String },
    CreatePullRequest {
        number: IssueNumber,
        title: String,
        body: String,
        head: BranchName,
        base: BranchName,
        head_commit: CommitId,
    },
    UpdatePullRequest {
        number: IssueNumber,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head_commit: Option<CommitId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<StateRecord>,
    },
}

/// The state of an issue, which is never merged, or of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StateRecord {
    Open,
    Closed,
    Merged,
}

impl ChangeRecord {
    pub(super) fn new(
        repository: RepositoryName,
        operation: OperationId,
        at: Timestamp,
        change: Change,
    ) -> Self {
        // The lowest version that has the change, so that an older program reads what it can.
        let v = match change {
            Change::UpdateComment { .. } => VERSION,
            _ => 1,
        };
        Self {
            v,
            repository,
            operation,
            at,
            change,
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(serde_json::to_vec(self)?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        /// The part that all versions share.
        #[derive(Deserialize)]
        struct Versioned {
            v: u16,
        }
        let Versioned { v } = serde_json::from_slice(bytes)?;
        if v > VERSION {
            return Err(Error::NewerRecord {
                found: v,
                supported: VERSION,
            });
        }
        Ok(serde_json::from_slice(bytes)?)
    }
}

impl From<IssueState> for StateRecord {
    fn from(state: IssueState) -> Self {
        match state {
            IssueState::Open => Self::Open,
            IssueState::Closed => Self::Closed,
        }
    }
}

impl From<StateRecord> for IssueState {
    fn from(state: StateRecord) -> Self {
        match state {
            StateRecord::Open => Self::Open,
            StateRecord::Closed | StateRecord::Merged => Self::Closed,
        }
    }
}

impl From<PullRequestState> for StateRecord {
    fn from(state: PullRequestState) -> Self {
        match state {
            PullRequestState::Open => Self::Open,
            PullRequestState::Closed => Self::Closed,
            PullRequestState::Merged => Self::Merged,
        }
    }
}

impl From<StateRecord> for PullRequestState {
    fn from(state: StateRecord) -> Self {
        match state {
            StateRecord::Open => Self::Open,
            StateRecord::Closed => Self::Closed,
            StateRecord::Merged => Self::Merged,
        }
    }
}
