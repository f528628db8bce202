//! What the events of a run tell, taken in one after another.

use std::collections::{BTreeMap, HashMap};

use core_types::{
    ErrorClass, Event, EventRecord, PlanId, RepositoryName, Scope, Stage, StepRef, TaskId,
    TaskStatus, Timestamp,
};

use super::{account::millis, attempt::TaskCourse, repository::RepositoryCourse};
use crate::fold::{CommandRow, ForgeFigures, RecoveryRow, SegmentKind, ServedLessons, Span, Told};

/// A run as its events tell of it so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    pub(super) title: String,
    pub(super) plan: Option<PlanId>,
    pub(super) stage: Option<Stage>,
    pub(super) stages: Vec<Span<Stage>>,
    pub(super) sessions: Vec<Span<u32>>,
    pub(super) max_workers: usize,
    pub(super) gate: Option<(String, Timestamp)>,
    /// How the last session ended, if by itself.
    pub(super) stop: Option<Stop>,
    /// The last moment at which the run is known to have been held.
    pub(super) last_at: Timestamp,
    pub(super) tasks: Vec<TaskCourse>,
    pub(super) task_idx: HashMap<TaskId, usize>,
    /// By the task that is needed.
    pub(super) dependents: HashMap<TaskId, Vec<usize>>,
    pub(super) repositories: Vec<RepositoryCourse>,
    pub(super) repository_idx: HashMap<RepositoryName, usize>,
    pub(super) recoveries: Vec<RecoveryRow>,
    pub(super) lessons: Vec<(u32, ServedLessons)>,
    pub(super) warnings: Vec<Told>,
    pub(super) forges: BTreeMap<String, ForgeFigures>,
}

/// How a session came to an end of its own.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) at: Timestamp,
    pub(super) reason: String,
    pub(super) class: Option<ErrorClass>,
    /// `None` for a pause.
    pub(super) exit_code: Option<u8>,
}

impl Course {
    /// Takes an event in. One of an execution that another one followed tells only that it was lost.
    pub(super) fn apply(&mut self, record: &EventRecord, is_current: bool) {
        let (at, step, event) = (record.at, record.step.as_ref(), &record.event);
        // Before it starts, a session tells of its limit and of what it has tidied up; and a limit is
        // raised between sessions, too.
        let is_beside =
            step.is_none() && matches!(event, Event::BudgetSet { .. } | Event::Warning { .. });
        if !matches!(event, Event::RunStarted { .. }) && !is_beside {
            self.last_at = at;
        }
        if !is_current {
            if let Event::TaskChanged {
                task,
                status: TaskStatus::Running,
                attempt,
                ..
            } = event
            {
                let task = self.task(task);
                task.lane.turn(at, SegmentKind::Lost, *attempt);
                task.attempt_mut(*attempt).started.get_or_insert(at);
            }
            return;
        }
        self.works_on(at, step, event);
        match event {
            Event::RunStarted {
                session,
                max_workers,
                title,
            } => self.begin_session(at, *session, *max_workers, title),
            Event::RunPaused { reason, class } => self.stop(Stop {
                at,
                reason: reason.clone(),
                class: *class,
                exit_code: None,
            }),
            Event::RunEnded {
                exit_code,
                summary,
                class,
            } => self.stop(Stop {
                at,
                reason: summary.clone(),
                class: *class,
                exit_code: Some(*exit_code),
            }),
            Event::StageStarted { stage } => self.enter(at, *stage),
            Event::GateReached { gate } => self.gate = Some((gate.clone(), at)),
            Event::GateOpened { .. } => self.gate = None,
            Event::Warning { message } => self.warnings.push(Told {
                at,
                message: message.clone(),
            }),
            Event::RepositoryJoined { repository, waits } => {
                self.repository(repository).waits.clone_from(waits);
            }
            Event::TaskPlanned {
                task,
                title,
                repository,
                dependencies,
                estimate,
            } => {
                for dependency in dependencies {
                    let idx = self.index(task);
                    let dependents = self.dependents.entry(dependency.clone()).or_default();
                    dependents.push(idx);
                }
                let planned = self.task(task);
                planned.title.clone_from(title);
                planned.dependencies.clone_from(dependencies);
                planned.estimate_ms = estimate.map(millis);
                planned.lane.turn(at, SegmentKind::Scheduled, 0);
                let status = planned.status;
                let before = planned.repository.replace(repository.clone());
                if before.as_ref() != Some(repository) {
                    if let Some(before) = before {
                        self.repository(&before).counts.remove(status);
                    }
                    self.repository(repository).counts.add(status);
                }
            }
            Event::PlanReady { plan, .. } => {
                self.plan = Some(plan.clone());
                (0..self.tasks.len()).for_each(|idx| self.release(at, idx));
            }
            Event::TaskChanged {
                task,
                status,
                attempt,
                failure,
                because_of,
            } => {
                let idx = self.index(task);
                let task = &mut self.tasks[idx];
                task.attempt = *attempt;
                task.since = Some(at);
                task.failure.clone_from(failure);
                task.because_of.clone_from(because_of);
                task.waiting = None;
                task.change(at, *status, step);
                self.set_status(at, idx, *status);
                if *status == TaskStatus::Waiting {
                    self.release(at, idx);
                }
            }
            Event::RecoveryStarted {
                strategy,
                class,
                round,
            } => self.begin_recovery(at, step, strategy, *class, *round),
            Event::RecoveryEnded {
                strategy,
                outcome,
                reason,
                until,
            } => self.end_recovery(at, step, strategy, outcome, reason, *until),
            Event::LessonsServed {
                lessons,
                arm,
                propensity,
            } => {
                let (task, attempt) = of_task(step).unzip();
                let served = ServedLessons {
                    at,
                    task: task.cloned(),
                    lessons: lessons.clone(),
                    arm: arm.clone(),
                    propensity: *propensity,
                };
                self.lessons.push((attempt.unwrap_or_default(), served));
            }
            Event::ForgeCalled {
                provider,
                passed,
                duration,
                ..
            } => {
                let forge = self.forges.entry(provider.clone()).or_default();
                forge.calls += 1;
                forge.failed += u64::from(!passed);
                forge.total_ms = forge.total_ms.saturating_add(millis(*duration));
            }
            Event::CommandEnded {
                repository,
                purpose,
                passed,
                duration,
            } => {
                if let Some((task, attempt)) = of_task(step) {
                    let commands = &mut self.task(task).attempt_mut(attempt).commands;
                    commands.push(CommandRow {
                        at,
                        repository: repository.clone(),
                        purpose: purpose.clone(),
                        passed: *passed,
                        duration_ms: millis(*duration),
                    });
                }
            }
            Event::ChangeCaptured { commit, files, .. } => {
                if let Some((task, attempt)) = of_task(step) {
                    let attempt = self.task(task).attempt_mut(attempt);
                    attempt.commit = Some(commit.clone());
                    attempt.files = *files;
                }
            }
            Event::TaskMerged { repository, commit } => {
                self.repository(repository).head = Some(commit.clone());
                if let Some((task, attempt)) = of_task(step) {
                    self.task(task).attempt_mut(attempt).merged = Some(commit.clone());
                }
            }
            Event::RepositoryTested {
                repository, passed, ..
            } => self.change_repository(at, repository, |it| it.tested = Some(*passed)),
            Event::RepositoryLanded {
                repository,
                branch,
                commit,
            } => self.change_repository(at, repository, |it| {
                it.landed = Some((branch.clone(), commit.clone()));
                it.not_landed = None;
            }),
            Event::RepositoryNotLanded { repository, reason } => {
                self.repository(repository).not_landed = Some(reason.clone());
            }
            Event::RepositoryReviewed { repository, review } => {
                let repository = self.repository(repository);
                repository.approved = review.as_ref().map(|review| review.approved);
                repository.review_issues = review
                    .as_ref()
                    .map_or(0, |review| review.issues_found.len());
            }
            Event::BranchPublished {
                repository, branch, ..
            } => self.repository(repository).branch = Some(branch.clone()),
            Event::PullRequestOpened { repository, number } => {
                self.repository(repository).pull_request = Some(*number);
            }
            // Money and agents are the account's.
            _ => {}
        }
    }

    /// A step of a task that tells anything has a worker slot.
    fn works_on(&mut self, at: Timestamp, step: Option<&StepRef>, event: &Event) {
        let Some((task, attempt)) = of_task(step) else {
            return;
        };
        let is_course = matches!(
            event,
            Event::TaskChanged { .. } | Event::RecoveryStarted { .. } | Event::RecoveryEnded { .. }
        );
        let Some(&idx) = self.task_idx.get(task) else {
            return;
        };
        let lane = &mut self.tasks[idx].lane;
        let waits = lane.current().is_some_and(|current| {
            matches!(
                current.kind,
                SegmentKind::Scheduled | SegmentKind::Queued | SegmentKind::Retry
            )
        });
        if !is_course && waits {
            lane.turn(at, SegmentKind::Running, attempt);
            self.tasks[idx].waiting = None;
        }
    }

    fn begin_session(&mut self, at: Timestamp, session: u32, max_workers: usize, title: &str) {
        // A process that was killed told nothing of its end.
        self.end_session(self.last_at);
        self.sessions.push(Span {
            of: session,
            from: at,
            to: None,
        });
        self.max_workers = max_workers;
        if !title.is_empty() {
            title.clone_into(&mut self.title);
        }
        self.gate = None;
        self.stop = None;
        self.last_at = at;
        if let Some(stage) = self.stages.last_mut() {
            stage.to = None;
        }
        for task in &mut self.tasks {
            task.lane.resume(at);
        }
    }

    fn end_session(&mut self, at: Timestamp) {
        if let Some(session) = self.sessions.last_mut() {
            session.to.get_or_insert(at.max(session.from));
        }
        for task in &mut self.tasks {
            task.lane.pause(at);
        }
    }

    fn stop(&mut self, stop: Stop) {
        self.end_session(stop.at);
        if let (Some(_), Some(stage)) = (stop.exit_code, self.stages.last_mut()) {
            stage.to.get_or_insert(stop.at.max(stage.from));
        }
        self.stop = Some(stop);
    }

    fn enter(&mut self, at: Timestamp, stage: Stage) {
        if let Some(last) = self.stages.last_mut() {
            last.to.get_or_insert(at.max(last.from));
        }
        self.stage = Some(stage);
        self.stages.push(Span {
            of: stage,
            from: at,
            to: None,
        });
        if stage == Stage::Implementation {
            for idx in 0..self.tasks.len() {
                self.release(at, idx);
                if self.tasks[idx].status == TaskStatus::Ready {
                    self.tasks[idx].lane.turn(at, SegmentKind::Queued, 0);
                }
            }
        }
    }

    /// The index of a task; one that no plan has told of is added.
    fn index(&mut self, task: &TaskId) -> usize {
        if let Some(&idx) = self.task_idx.get(task) {
            return idx;
        }
        self.tasks.push(TaskCourse::new(task.clone()));
        let idx = self.tasks.len() - 1;
        self.task_idx.insert(task.clone(), idx);
        idx
    }

    pub(super) fn task(&mut self, task: &TaskId) -> &mut TaskCourse {
        let idx = self.index(task);
        &mut self.tasks[idx]
    }

    fn repository(&mut self, name: &RepositoryName) -> &mut RepositoryCourse {
        let idx = self.repository_idx.get(name).copied().unwrap_or_else(|| {
            self.repositories.push(RepositoryCourse::new(name.clone()));
            self.repositories.len() - 1
        });
        self.repository_idx.insert(name.clone(), idx);
        &mut self.repositories[idx]
    }

    /// Changes a task's state, and lets what waits for it go.
    fn set_status(&mut self, at: Timestamp, idx: usize, status: TaskStatus) {
        let before = std::mem::replace(&mut self.tasks[idx].status, status);
        let task = &self.tasks[idx];
        if let Some(name) = task.repository.clone() {
            self.change_repository(at, &name, |it| {
                it.counts.remove(before);
                it.counts.add(status);
            });
        }
        if status.is_good() {
            let dependents = self.dependents(&self.tasks[idx].task).to_vec();
            for dependent in dependents {
                self.release(at, dependent);
            }
        }
    }

    /// Changes a repository, and lets the tasks of those go that wait for it.
    fn change_repository(
        &mut self,
        at: Timestamp,
        name: &RepositoryName,
        change: impl FnOnce(&mut RepositoryCourse),
    ) {
        let state = |course: &Self| course.repository_state(name).map(|it| it.as_str());
        let before = state(self);
        change(self.repository(name));
        if state(self) == before {
            return;
        }
        let waiters: Vec<_> = self
            .repositories
            .iter()
            .filter(|it| it.waits.iter().any(|wait| wait.repository == *name))
            .map(|it| it.repository.clone())
            .collect();
        for waiter in waiters {
            for idx in 0..self.tasks.len() {
                if self.tasks[idx].repository.as_ref() == Some(&waiter) {
                    self.release(at, idx);
                }
            }
        }
    }

    /// Makes a waiting task ready if nothing but a slot is missing.
    fn release(&mut self, at: Timestamp, idx: usize) {
        let task = &self.tasks[idx];
        if task.status != TaskStatus::Waiting || !self.is_free(task) {
            return;
        }
        let repository = task.repository.clone();
        let task = &mut self.tasks[idx];
        task.status = TaskStatus::Ready;
        task.since = Some(at);
        if self
            .stage
            .is_some_and(|stage| stage >= Stage::Implementation)
        {
            task.lane.turn(at, SegmentKind::Queued, 0);
        }
        if let Some(name) = repository {
            let counts = &mut self.repository(&name).counts;
            counts.remove(TaskStatus::Waiting);
            counts.add(TaskStatus::Ready);
        }
    }
}

impl TaskCourse {
    /// What a change of its state means for its attempt and its lane.
    fn change(&mut self, at: Timestamp, status: TaskStatus, step: Option<&StepRef>) {
        let attempt = self.attempt;
        match status {
            TaskStatus::Waiting => {
                self.ended = None;
                self.lane.turn(at, SegmentKind::Scheduled, 0);
            }
            TaskStatus::Ready => {
                self.ended = None;
                self.lane.turn(at, SegmentKind::Queued, attempt);
            }
            TaskStatus::Running => {
                self.ended = None;
                self.started.get_or_insert(at);
                self.lane.turn(at, SegmentKind::Running, attempt);
                let tried = self.attempt_mut(attempt);
                tried.executions = step.map_or(1, |step| step.execution);
                tried.status = status;
                tried.started.get_or_insert(at);
                tried.ended = None;
            }
            _ => {
                self.ended = Some(at);
                self.lane.close(at);
                if let Some(tried) = self.attempts.get_mut(&attempt) {
                    tried.ended = Some(at);
                    tried.status = status;
                }
            }
        }
    }
}

/// The task of a step and its attempt.
pub(super) fn of_task(step: Option<&StepRef>) -> Option<(&TaskId, u32)> {
    match step.map(|step| (&step.key.scope, step.key.attempt)) {
        Some((Scope::Task(task), attempt)) => Some((task, attempt)),
        _ => None,
    }
}
