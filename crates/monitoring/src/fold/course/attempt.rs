//! One task, as its events tell of it.

use std::collections::BTreeMap;

use core_types::{CommitId, Failure, RepositoryName, TaskId, TaskStatus, Timestamp};

use super::lane::LaneCourse;
use crate::fold::CommandRow;

/// A task of the plan.
#[derive(Debug, Clone)]
pub(super) struct TaskCourse {
    pub(super) task: TaskId,
    pub(super) title: String,
    pub(super) repository: Option<RepositoryName>,
    pub(super) dependencies: Vec<TaskId>,
    pub(super) estimate_ms: Option<u64>,
    pub(super) status: TaskStatus,
    pub(super) attempt: u32,
    pub(super) since: Option<Timestamp>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) failure: Option<Failure>,
    pub(super) because_of: Option<TaskId>,
    /// Why it is parked or tried again, while it is.
    pub(super) waiting: Option<Waiting>,
    pub(super) lane: LaneCourse,
    pub(super) attempts: BTreeMap<u32, AttemptCourse>,
}

/// What a task waits for that has failed and is tried again.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) is_parked: bool,
    pub(super) attempt: u32,
    pub(super) message: String,
}

/// One try at it.
#[derive(Debug, Clone)]
pub(super) struct AttemptCourse {
    pub(super) executions: u32,
    pub(super) status: TaskStatus,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) commands: Vec<CommandRow>,
    pub(super) commit: Option<CommitId>,
    pub(super) files: usize,
    pub(super) merged: Option<CommitId>,
}

impl Default for AttemptCourse {
    fn default() -> Self {
        Self {
            executions: 0,
            status: TaskStatus::Running,
            started: None,
            ended: None,
            commands: Vec::new(),
            commit: None,
            files: 0,
            merged: None,
        }
    }
}

impl TaskCourse {
    pub(super) fn new(task: TaskId) -> Self {
        Self {
            title: task.to_string(),
            task,
            repository: None,
            dependencies: Vec::new(),
            estimate_ms: None,
            status: TaskStatus::Waiting,
            attempt: 0,
            since: None,
            started: None,
            ended: None,
            failure: None,
            because_of: None,
            waiting: None,
            lane: LaneCourse::default(),
            attempts: BTreeMap::new(),
        }
    }

    pub(super) fn attempt_mut(&mut self, attempt: u32) -> &mut AttemptCourse {
        self.attempts.entry(attempt).or_default()
    }

    /// Its state at a time: one that waits out a backoff has no slot and is not running.
    pub(super) fn status_at(&self, now: Timestamp) -> TaskStatus {
        if self.status != TaskStatus::Running || self.waiting.is_none() {
            return self.status;
        }
        match self.lane.waits_until(now) {
            Some(_) => TaskStatus::Waiting,
            None => TaskStatus::Ready,
        }
    }
}
