//! Where names of tasks lead.

use core_types::{RunId, TaskId};

/// Whether there are pages to lead to: a report is one file without any.
#[derive(Debug, Clone, Copy)]
pub(in crate::dashboard) enum Links<'a> {
    /// To the pages of this run.
    Run(&'a RunId),
    /// There are none.
    None,
}

impl Links<'_> {
    /// The address of a task's page.
    pub(in crate::dashboard) fn task(self, task: &TaskId) -> Option<String> {
        match self {
            Self::Run(run) => Some(format!("/runs/{run}/tasks/{task}")),
            Self::None => None,
        }
    }

    pub(in crate::dashboard) const fn is_file(self) -> bool {
        matches!(self, Self::None)
    }
}
