//! What follows from what a run's events told.

use core_types::{ErrorClass, MemberState, RepositoryName, TaskId, TaskStatus, Timestamp, Wait};

use super::{
    attempt::TaskCourse,
    repository::{RepositoryCourse, is_over},
    told::{Course, Stop},
};
use crate::fold::RunState;

impl Course {
    pub(super) fn position(&self, task: &TaskId) -> Option<usize> {
        self.task_idx.get(task).copied()
    }

    pub(super) fn repository_position(&self, name: &RepositoryName) -> Option<usize> {
        self.repository_idx.get(name).copied()
    }

    pub(super) fn dependents(&self, task: &TaskId) -> &[usize] {
        self.dependents.get(task).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_free(&self, task: &TaskCourse) -> bool {
        self.open_dependencies(task).next().is_none() && self.open_waits(task).is_empty()
    }

    /// The dependencies that have not succeeded.
    pub(super) fn open_dependencies<'a>(
        &'a self,
        task: &'a TaskCourse,
    ) -> impl Iterator<Item = &'a TaskCourse> {
        let known = task.dependencies.iter().filter_map(|id| {
            let idx = self.task_idx.get(id)?;
            Some(&self.tasks[*idx])
        });
        known.filter(|dependency| !dependency.status.is_good())
    }

    /// For which repositories its own still waits.
    pub(super) fn open_waits(&self, task: &TaskCourse) -> Vec<(Wait, &'static str)> {
        let own = task.repository.as_ref();
        let own = own.and_then(|name| self.repository_idx.get(name));
        let Some(&own) = own else {
            return Vec::new();
        };
        self.waits_of(&self.repositories[own])
    }

    /// For which others a repository that has not started still waits, and how they stand.
    pub(super) fn waits_of(&self, repository: &RepositoryCourse) -> Vec<(Wait, &'static str)> {
        let waits = repository.waits.iter().filter_map(|wait| {
            let state = self.repository_state(&wait.repository)?;
            (!is_over(wait.reason, &state)).then(|| (wait.clone(), state.as_str()))
        });
        waits.collect()
    }

    pub(super) fn repository_state(&self, name: &RepositoryName) -> Option<MemberState> {
        let idx = self.repository_idx.get(name)?;
        let is_planned = self.plan.is_some();
        Some(self.repositories[*idx].state(is_planned, String::new))
    }

    /// Where a repository stands, with all words.
    pub(super) fn member_state(&self, repository: &RepositoryCourse) -> MemberState {
        let state = repository.state(self.plan.is_some(), || {
            let bad = self.tasks.iter().find(|task| {
                let status = task.status;
                task.repository.as_ref() == Some(&repository.repository)
                    && status.has_ended()
                    && !status.is_good()
                    && status != TaskStatus::Skipped
            });
            bad.map_or_else(String::new, |task| {
                format!("task {} {}", task.task, task.status)
            })
        });
        match state {
            MemberState::Waiting { .. } => MemberState::Waiting {
                on: self
                    .waits_of(repository)
                    .into_iter()
                    .map(|(wait, _)| wait)
                    .collect(),
            },
            state => state,
        }
    }

    /// The state of the run in one word.
    pub(super) fn state(&self, is_held: bool) -> RunState {
        match &self.stop {
            None if is_held => RunState::Running,
            None => RunState::Paused,
            Some(Stop {
                exit_code: None,
                class: None,
                ..
            }) => RunState::Waiting,
            Some(Stop {
                exit_code: None, ..
            }) => RunState::Paused,
            Some(Stop {
                exit_code: Some(0), ..
            }) => RunState::Done,
            Some(Stop {
                exit_code: Some(5), ..
            }) => RunState::Partial,
            Some(Stop {
                class: Some(ErrorClass::Cancelled),
                ..
            }) => RunState::Aborted,
            Some(_) => RunState::Failed,
        }
    }

    /// Whether a process works on it.
    pub(super) fn is_live(&self, is_held: bool) -> bool {
        is_held && self.stop.is_none()
    }

    /// The time up to which its story is told: now, or the end of its last session.
    pub(super) fn until(&self, now: Timestamp, is_held: bool) -> Timestamp {
        match &self.stop {
            Some(stop) => stop.at,
            None if is_held => now.max(self.last_at),
            None => self.last_at,
        }
    }

    /// For how long a process held the run between two times.
    pub(super) fn held_ms(&self, from: Timestamp, to: Timestamp) -> u64 {
        let spans = self.sessions.iter().map(|session| {
            let end = session.to.unwrap_or(to).min(to);
            end.0.saturating_sub(session.from.max(from).0)
        });
        spans.fold(0, u64::saturating_add)
    }
}
