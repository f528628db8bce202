use core_types::{CommitId, Failure, RepositoryName, TaskId, TaskStatus, Timestamp};
use serde::Serialize;

use super::{Call, Explanation, Lane, RecoveryRow, ServedLessons, TaskRow};

/// Everything that a page shows of one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskView {
    /// As in the list of tasks.
    pub row: TaskRow,
    /// Why it is not running.
    pub explanation: Explanation,
    /// Its row of the timeline.
    pub lane: Lane,
    /// What depends on it, in the order of the plan.
    pub dependents: Vec<TaskId>,
    /// Its attempts, first to last.
    pub attempts: Vec<AttemptView>,
}

/// One try at a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttemptView {
    /// Its number, from 1.
    pub attempt: u32,
    /// How often it was begun: more than once after kills.
    pub executions: u32,
    /// How it stands or ended: an attempt that another one follows has failed.
    pub status: TaskStatus,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// The work of agents, repairs included, in order; also of executions that were killed.
    pub calls: Vec<Call>,
    /// Set-up and test commands, in order.
    pub commands: Vec<CommandRow>,
    /// The commit that the agent left.
    pub commit: Option<CommitId>,
    /// How many files it changed.
    pub files: usize,
    /// The head of the integration branch after its merge.
    pub merged: Option<CommitId>,
    /// Why it did not succeed; of the last attempt alone.
    pub failure: Option<Failure>,
    /// What was done about its failure.
    pub recoveries: Vec<RecoveryRow>,
    /// The lessons that its prompt got.
    pub lessons: Vec<ServedLessons>,
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandRow {
    /// When it ended.
    pub at: Timestamp,
    /// Where.
    pub repository: RepositoryName,
    /// `setup` or `test`.
    pub purpose: String,
    /// Whether it exited with 0.
    pub passed: bool,
    /// How long it took.
    pub duration_ms: u64,
}
