//! Where the repositories of a run stand towards each other.

use core_types::{
    BranchName, CommitId, IssueNumber, MemberState, RepositoryName, TaskStatus, Wait, WaitReason,
};

use crate::fold::TaskCounts;

/// A repository, as its events tell of it.
#[derive(Debug, Clone)]
pub(super) struct RepositoryCourse {
    pub(super) repository: RepositoryName,
    pub(super) waits: Vec<Wait>,
    pub(super) counts: TaskCounts,
    pub(super) head: Option<CommitId>,
    /// The result of its test; the inner `None`: not verified.
    pub(super) tested: Option<Option<bool>>,
    pub(super) approved: Option<bool>,
    pub(super) review_issues: usize,
    pub(super) branch: Option<BranchName>,
    pub(super) pull_request: Option<IssueNumber>,
    pub(super) landed: Option<(BranchName, CommitId)>,
    pub(super) not_landed: Option<String>,
}

impl RepositoryCourse {
    pub(super) fn new(repository: RepositoryName) -> Self {
        Self {
            repository,
            waits: Vec::new(),
            counts: TaskCounts::default(),
            head: None,
            tested: None,
            approved: None,
            review_issues: 0,
            branch: None,
            pull_request: None,
            landed: None,
            not_landed: None,
        }
    }

    /// Where it stands by itself; `bad` gives the words for a task that has failed.
    pub(super) fn state(&self, is_planned: bool, bad: impl FnOnce() -> String) -> MemberState {
        let waiting = MemberState::Waiting { on: Vec::new() };
        let counts = &self.counts;
        if self.landed.is_some() {
            return MemberState::Landed;
        }
        if !is_planned {
            return waiting;
        }
        if counts.failed + counts.cancelled > 0 {
            return MemberState::Failed { reason: bad() };
        }
        match self.tested {
            Some(Some(false)) => {
                return MemberState::Failed {
                    reason: "its tests failed".to_owned(),
                };
            }
            Some(_) => return MemberState::Completed,
            None => {}
        }
        if counts.unchanged == counts.total {
            return MemberState::Unchanged;
        }
        if counts.unchanged + counts.succeeded == counts.total {
            return MemberState::Succeeded;
        }
        if counts.waiting + counts.ready + counts.skipped == counts.total {
            return waiting;
        }
        MemberState::Running
    }
}

/// Whether a wait for a repository in that state is over.
pub(super) fn is_over(reason: WaitReason, state: &MemberState) -> bool {
    use MemberState as S;
    match reason {
        WaitReason::Trigger => matches!(state, S::Completed | S::Landed | S::Unchanged),
        WaitReason::Dependency | WaitReason::Sequence => {
            matches!(
                state,
                S::Succeeded | S::Completed | S::Landed | S::Unchanged
            )
        }
    }
}

impl TaskCounts {
    /// Counts a task of a state in.
    pub(super) fn add(&mut self, status: TaskStatus) {
        self.total += 1;
        *self.of(status) += 1;
    }

    /// Counts a task of a state out again.
    pub(super) fn remove(&mut self, status: TaskStatus) {
        self.total -= 1;
        *self.of(status) -= 1;
    }

    fn of(&mut self, status: TaskStatus) -> &mut usize {
        match status {
            TaskStatus::Waiting => &mut self.waiting,
            TaskStatus::Ready => &mut self.ready,
            TaskStatus::Running => &mut self.running,
            TaskStatus::Succeeded => &mut self.succeeded,
            TaskStatus::Unchanged => &mut self.unchanged,
            TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Panicked => &mut self.failed,
            TaskStatus::Skipped => &mut self.skipped,
            TaskStatus::Cancelled => &mut self.cancelled,
        }
    }
}
