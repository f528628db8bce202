//! Where a run and its tasks stand.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stages of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The issue becomes a plan.
    Planning,
    /// Tasks run, each in its own clone, and are merged.
    Implementation,
    /// Each repository's integration head is tested.
    Testing,
    /// The agent reviews each repository's change.
    Review,
    /// The change is published and, where asked, the target branch moves.
    Landing,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 5] = [
        Self::Planning,
        Self::Implementation,
        Self::Testing,
        Self::Review,
        Self::Landing,
    ];

    /// The stage's name as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Implementation => "implementation",
            Self::Testing => "testing",
            Self::Review => "review",
            Self::Landing => "landing",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It waits for its dependencies.
    Waiting,
    /// Its dependencies have succeeded; it waits for a worker slot.
    Ready,
    /// It has a worker slot.
    Running,
    /// Its result is merged into its repository's integration branch.
    Succeeded,
    /// The agent rightly left the repository as it is.
    Unchanged,
    /// It ended with a failure.
    Failed,
    /// It was ended at its deadline.
    TimedOut,
    /// A dependency did not succeed, so it never started.
    Skipped,
    /// A person or the end of the run stopped it.
    Cancelled,
    /// A fault of ours ended it; the run went on.
    Panicked,
}

impl TaskStatus {
    /// The name as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }

    /// Whether it ended by a fault of its own: not by a dependency's, nor by somebody's word.
    #[must_use]
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Panicked)
    }

    /// Whether the task will not change its state again in this run.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Ready | Self::Running)
    }

    /// Whether dependents may start and the run may land.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Succeeded | Self::Unchanged)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
