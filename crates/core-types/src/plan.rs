//! Plans and their tasks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{PlanId, RepositoryName, TaskId};

/// What to do: tasks and their order. A plan is validated by
/// engine-workflow before anything of it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The plan's name.
    pub id: PlanId,
    /// One line for people.
    pub title: String,
    /// The tasks, in the order of the file; may be empty.
    pub tasks: Vec<Task>,
}

/// One piece of work in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Unique within the plan.
    pub id: TaskId,
    /// One line for people.
    pub title: String,
    /// What the agent is asked to do.
    pub description: String,
    /// Where it is done.
    pub repository: RepositoryName,
    /// Tasks whose results it needs; no duplicates, in the order of the file.
    pub dependencies: Vec<TaskId>,
    /// Paths expected to change, relative to the repository; may be empty.
    pub files: Vec<String>,
    /// How long the work is expected to take.
    pub estimate: Option<Duration>,
}
