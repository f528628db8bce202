//! How far a repository of the run has come.

use core_types::{BranchName, CommitId, IssueNumber, RepositoryName, Review};

use crate::{
    end::{RepositoryEnd, RepositoryState},
    verify::Verdict,
};

/// How far a repository of the run has come.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) name: RepositoryName,
    pub(crate) target: BranchName,
    pub(crate) base: CommitId,
    pub(crate) head: CommitId,
    /// Why it may not land: its tasks or tests have failed.
    pub(crate) failed: Option<String>,
    pub(crate) verified: Option<Verdict>,
    pub(crate) review: Option<Review>,
    pub(crate) pull_request: Option<IssueNumber>,
}

impl Progress {
    pub(crate) fn has_changed(&self) -> bool {
        self.base != self.head
    }

    /// Whether it goes on to the next stage.
    pub(crate) fn goes_on(&self) -> bool {
        self.has_changed() && self.failed.is_none()
    }

    /// Its end, where no landing has said otherwise.
    pub(crate) fn end(&self) -> RepositoryEnd {
        let state = match &self.failed {
            Some(reason) => RepositoryState::Failed {
                reason: reason.clone(),
            },
            None if !self.has_changed() => RepositoryState::Unchanged,
            None => RepositoryState::Published,
        };
        self.end_as(state)
    }

    pub(crate) fn end_as(&self, state: RepositoryState) -> RepositoryEnd {
        RepositoryEnd {
            repository: self.name.clone(),
            base: self.base.clone(),
            head: self.head.clone(),
            tested: self.verified.as_ref().and_then(Verdict::passed),
            review: self.review.clone(),
            pull_request: self.pull_request,
            deployed: None,
            state,
        }
    }
}
