//! Where a run stands, as the labels of its issue show it.

use config::automation::Labels;
use core_types::{Gate, Stage};
use engine_workflow::{EndStatus, RepositoryEnd, RepositoryState};

use crate::assemble::{RunState, RunStatus};

/// Where a run stands. `None` stands for a run that was given up: no label tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    NeedsPlanning,
    PlanReview,
    InProgress,
    CodeReview,
    MergeReady,
    Completed,
    NeedsAttention,
}

impl Phase {
    const ALL: [Self; 7] = [
        Self::NeedsPlanning,
        Self::PlanReview,
        Self::InProgress,
        Self::CodeReview,
        Self::MergeReady,
        Self::Completed,
        Self::NeedsAttention,
    ];

    /// What its events say.
    pub(super) fn of(status: &RunStatus) -> Option<Self> {
        Some(match status.state {
            RunState::Running | RunState::Paused => match status.stage {
                None | Some(Stage::Planning | Stage::Implementation | Stage::Testing) => {
                    Self::InProgress
                }
                Some(Stage::Review) => Self::CodeReview,
                Some(Stage::Landing) => Self::MergeReady,
            },
            RunState::Waiting => match status.end.as_ref().map(|end| end.status) {
                Some(EndStatus::AtGate(Gate::Plan)) => Self::PlanReview,
                Some(EndStatus::AtGate(Gate::Landing)) => Self::proposed(status),
                _ => Self::NeedsAttention,
            },
            RunState::Done if is_proposed(status) => Self::proposed(status),
            RunState::Done => Self::Completed,
            RunState::Failed | RunState::Partial => Self::NeedsAttention,
            RunState::Aborted => return None,
        })
    }

    /// A change that waits to be landed; one that a review did not approve of is to be looked at.
    fn proposed(status: &RunStatus) -> Self {
        let is_refused = |it: &RepositoryEnd| it.review.as_ref().is_some_and(|it| !it.approved);
        let end = status.end.as_ref();
        if end.is_some_and(|end| end.repositories.iter().any(is_refused)) {
            Self::CodeReview
        } else {
            Self::MergeReady
        }
    }

    pub(super) fn label(self, labels: &Labels) -> &str {
        match self {
            Self::NeedsPlanning => &labels.needs_planning,
            Self::PlanReview => &labels.plan_review,
            Self::InProgress => &labels.in_progress,
            Self::CodeReview => &labels.code_review,
            Self::MergeReady => &labels.merge_ready,
            Self::Completed => &labels.completed,
            Self::NeedsAttention => &labels.needs_attention,
        }
    }

    /// Whose label a person gives to let a run go on from here.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::PlanReview => Some(Self::InProgress),
            Self::CodeReview | Self::MergeReady => Some(Self::Completed),
            Self::NeedsPlanning | Self::InProgress | Self::Completed | Self::NeedsAttention => None,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::NeedsPlanning => "Waiting",
            Self::PlanReview => "The plan waits for you",
            Self::InProgress => "Work is under way",
            Self::CodeReview => "Review",
            Self::MergeReady => "The change is proposed",
            Self::Completed => "Done",
            Self::NeedsAttention => "This needs you",
        }
    }
}

/// Whether the change of a repository is published and waits.
fn is_proposed(status: &RunStatus) -> bool {
    let is_published = |it: &RepositoryEnd| matches!(it.state, RepositoryState::Published);
    let end = status.end.as_ref();
    end.is_some_and(|end| end.repositories.iter().any(is_published))
}

/// Whether two names are of one label: to most forges capital letters make no other one.
pub(super) fn is_same_label(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Labels to be given and to be taken away, so that an issue shows this phase and no other.
pub(super) fn changes(
    labels: &Labels,
    phase: Option<Phase>,
    has: &[String],
) -> (Vec<String>, Vec<String>) {
    let wanted = phase.map(|phase| phase.label(labels));
    let add = wanted.filter(|label| !has.iter().any(|it| is_same_label(it, label)));
    let others = Phase::ALL.iter().map(|phase| phase.label(labels));
    let others = others.filter(|label| Some(*label) != wanted);
    // As the issue has them.
    let remove = others.filter_map(|label| has.iter().find(|it| is_same_label(it, label)));
    (
        add.map(str::to_owned).into_iter().collect(),
        remove.cloned().collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_has_one_label_of_ours_and_keeps_all_others() {
        let labels = config::automation::Settings::default().labels;
        let has = ["bug", "completed", "needs-planning"].map(str::to_owned);
        let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            changes(&labels, Some(Phase::InProgress), &has),
            (
                owned(&["in-progress"]),
                owned(&["needs-planning", "completed"])
            )
        );
        assert_eq!(
            changes(&labels, Some(Phase::Completed), &has),
            (vec![], owned(&["needs-planning"]))
        );
        assert_eq!(
            changes(&labels, None, &has),
            (vec![], owned(&["needs-planning", "completed"]))
        );
        assert_eq!(changes(&labels, None, &owned(&["bug"])), (vec![], vec![]));
        // As somebody has written them.
        assert_eq!(
            changes(
                &labels,
                Some(Phase::Completed),
                &owned(&["Completed", "In-Progress"])
            ),
            (vec![], owned(&["In-Progress"]))
        );
    }
}
