use core_types::TaskStatus;
use serde::{Deserialize, Serialize};

/// What came of an execution, as tests and merges measured it, never as an agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the attempt ended.
    pub status: TaskStatus,
    /// Whether the repository's tests passed on its result; `None` where none ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<bool>,
    /// Whether its result was merged; `None` while that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<bool>,
    /// Whether it was reverted later.
    #[serde(default)]
    pub reverted: bool,
    /// Whether it deleted, skipped or weakened tests: then passing them proves nothing.
    #[serde(default)]
    pub tests_weakened: bool,
}

impl Outcome {
    /// An attempt whose end is all that is known of it.
    #[must_use]
    pub const fn of(status: TaskStatus) -> Self {
        Self {
            status,
            tests: None,
            merged: None,
            reverted: false,
            tests_weakened: false,
        }
    }

    /// An attempt whose result the tests ran on.
    #[must_use]
    pub const fn tested(passed: bool) -> Self {
        let status = if passed {
            TaskStatus::Succeeded
        } else {
            TaskStatus::Failed
        };
        Self {
            tests: Some(passed),
            ..Self::of(status)
        }
    }

    /// Whether it ended well, as far as is known now.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.is_good()
            && self.tests != Some(false)
            && self.merged != Some(false)
            && !self.reverted
            && !self.tests_weakened
    }

    /// Whether that was measured: tests ran, a merge was decided, or the engine saw it fail. What a person
    /// stopped, or a fault of ours, says nothing of a lesson.
    #[must_use]
    pub const fn is_measured(&self) -> bool {
        self.tests.is_some()
            || self.merged.is_some()
            || self.reverted
            || matches!(self.status, TaskStatus::Failed | TaskStatus::TimedOut)
    }

    #[must_use]
    pub(crate) fn changed(mut self, change: &OutcomeChange) -> Self {
        self.tests = change.tests.or(self.tests);
        self.merged = change.merged.or(self.merged);
        self.reverted |= change.reverted;
        self
    }
}

/// What became known of an outcome later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomeChange {
    /// Tests that ran later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<bool>,
    /// A merge that was decided later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<bool>,
    /// It was reverted.
    #[serde(default)]
    pub reverted: bool,
}

impl OutcomeChange {
    /// It was merged, or refused.
    #[must_use]
    pub const fn merged(merged: bool) -> Self {
        Self {
            tests: None,
            merged: Some(merged),
            reverted: false,
        }
    }

    /// It was reverted.
    #[must_use]
    pub const fn reverted() -> Self {
        Self {
            tests: None,
            merged: None,
            reverted: true,
        }
    }
}
