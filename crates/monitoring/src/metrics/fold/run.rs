//! One run, as far as metrics need to know it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use core_types::{
    ErrorClass, Event, EventRecord, OperationId, RepositoryName, Scope, Stage, StepRef, TaskId,
    TaskStatus, Timestamp, TokenUsage, Usd, Wait,
};

use super::words;
use crate::fold::{Network, component, task_type};
use crate::metrics::{
    Status,
    families::Families,
    series::{Counter, Histogram},
};

/// The model of what no account tells of.
const UNKNOWN: &str = "unknown";

/// What of a run is needed to tell what its next event means.
#[derive(Debug)]
pub(super) struct Run {
    /// Whether a process holds it; `true` until somebody says otherwise.
    pub(super) is_held: bool,
    pub(super) last_event: Timestamp,
    /// Whether it waits for a person to open a gate.
    pub(super) is_at_gate: bool,
    /// When its tasks should be done, by the plan's estimates and as long as a process holds it.
    pub(super) due: Option<Timestamp>,
    /// The last moment at which it is known to have been held.
    held_until: Timestamp,
    is_started: bool,
    is_planned: bool,
    /// The stage it is in, and since when; a failed one has ended until the run goes on in it.
    stage: Option<(Stage, Timestamp)>,
    has_stage_ended: bool,
    tasks: HashMap<TaskId, Task>,
    /// For which others each repository waits.
    waits: HashMap<RepositoryName, Vec<Wait>>,
    /// When a repair began, by what it repairs and the strategy.
    repairs: HashMap<(Scope, String), Timestamp>,
    /// The failure that was counted last, until the next attempt.
    failures: HashMap<Scope, &'static str>,
    set_aside: HashMap<OperationId, Reserved>,
    /// The steps whose tokens are counted without an account.
    counted: HashSet<StepRef>,
}

/// Money that is set aside.
#[derive(Debug)]
struct Reserved {
    component: &'static str,
    step: Option<StepRef>,
}

#[derive(Debug)]
struct Task {
    task_type: &'static str,
    repository: Option<RepositoryName>,
    dependencies: Vec<TaskId>,
    estimate: Option<Duration>,
    status: TaskStatus,
    /// Since when it could run.
    ready: Option<Timestamp>,
    /// When its first attempt began.
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// Whether lessons were in its prompt; `None` if that was not a question.
    lessons: Option<bool>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            is_held: true,
            last_event: Timestamp(0),
            is_at_gate: false,
            due: None,
            held_until: Timestamp(0),
            is_started: false,
            is_planned: false,
            stage: None,
            has_stage_ended: false,
            tasks: HashMap::new(),
            waits: HashMap::new(),
            repairs: HashMap::new(),
            failures: HashMap::new(),
            set_aside: HashMap::new(),
            counted: HashSet::new(),
        }
    }
}

impl Run {
    /// Whether it has started and neither ended nor paused, and a process holds it.
    pub(super) fn is_under_way(&self) -> bool {
        self.is_started && self.is_held
    }

    pub(super) fn apply(&mut self, families: &Families, record: &EventRecord) {
        let (at, step) = (record.at, record.step.as_ref());
        self.last_event = self.last_event.max(at);
        families
            .events
            .with(&[words::of_event(&record.event)], Counter::inc);
        match &record.event {
            Event::GateReached { .. } => self.is_at_gate = true,
            Event::GateOpened { .. } => self.is_at_gate = false,
            Event::RunStarted { session, .. } => {
                self.is_at_gate = false;
                self.is_started = true;
                if let Some(due) = &mut self.due {
                    let pause = at.0.saturating_sub(self.held_until.0);
                    due.0 = due.0.saturating_add(pause);
                }
                if let Some((_, since)) = self.stage.as_mut().filter(|_| self.has_stage_ended) {
                    *since = at;
                    self.has_stage_ended = false;
                }
                if *session > 1 {
                    families.run_resumes.with(&[], Counter::inc);
                }
            }
            Event::RunPaused { class, .. } => {
                self.is_started = false;
                families.runs.with(&[words::of_pause(*class)], Counter::inc);
            }
            Event::RunEnded {
                exit_code, class, ..
            } => self.end(families, words::of_end(*exit_code, *class), at),
            Event::StageStarted { stage } => self.enter(families, *stage, at),
            Event::RepositoryJoined { repository, waits } => {
                self.waits.insert(repository.clone(), waits.clone());
            }
            Event::PlanReady { .. } => self.is_planned = true,
            Event::TaskPlanned {
                task,
                title,
                repository,
                dependencies,
                estimate,
            } => {
                if self.is_planned && self.tasks.values().all(|task| task.started.is_none()) {
                    // The plan was edited: this is the first task of the new one.
                    self.tasks.clear();
                    self.is_planned = false;
                }
                let mut planned = Task::new(task_type(title), dependencies.clone(), *estimate);
                planned.repository = Some(repository.clone());
                self.tasks.insert(task.clone(), planned);
            }
            Event::TaskChanged {
                task,
                status,
                failure,
                ..
            } => {
                let class = failure.as_ref().map(|failure| failure.class);
                self.change(families, task, *status, class, at);
            }
            Event::AgentEnded {
                agent,
                usage,
                duration,
            } => {
                families
                    .agent_duration
                    .with(&[agent], |cell| cell.observe(*duration));
                self.used(families, step, usage);
            }
            Event::CommandEnded {
                purpose, passed, ..
            } => {
                let status = if *passed {
                    Status::Success
                } else {
                    Status::Failed
                };
                families
                    .commands
                    .with(&[purpose, status.as_str()], Counter::inc);
            }
            Event::RecoveryStarted {
                strategy, class, ..
            } => {
                let scope = scope(step);
                self.fail(families, scope.clone(), *class);
                self.repairs.insert((scope, strategy.clone()), at);
            }
            Event::RecoveryEnded {
                strategy, outcome, ..
            } => self.repaired(families, scope(step), strategy, outcome, at),
            Event::SpendReserved { operation, .. } => {
                families.ledger_entries.with(&["reserved"], Counter::inc);
                let reserved = Reserved {
                    component: component(self.current_stage(), step),
                    step: step.cloned(),
                };
                self.set_aside.insert(operation.clone(), reserved);
            }
            Event::SpendSettled {
                operation,
                model,
                usage,
                amount,
            } => {
                let reserved = self.set_aside.remove(operation);
                let component = match reserved {
                    Some(reserved) => reserved.component,
                    None => component(self.current_stage(), step),
                };
                Self::settle(families, component, *amount);
                // What an agent that nobody had set money aside for has said is counted by now.
                if !step.is_some_and(|step| self.counted.contains(step)) {
                    let model = if model.is_empty() { UNKNOWN } else { model };
                    families
                        .token_usage
                        .with(&[model, component], |cell| cell.add(usage.total()));
                }
            }
            Event::LessonsServed { lessons, arm, .. } => {
                if let Scope::Task(task) = scope(step)
                    && let Some(task) = self.tasks.get_mut(&task)
                    && !(lessons.is_empty() && arm.is_empty())
                {
                    task.lessons = Some(!lessons.is_empty());
                }
            }
            Event::ForgeCalled {
                provider,
                method,
                passed,
                duration,
            } => {
                let status = if *passed {
                    Status::Success
                } else {
                    Status::Failed
                };
                let values = [provider, method, status.of_call()];
                families.api_calls.with(&values, Counter::inc);
                let observe = |cell: &Histogram| cell.observe(*duration);
                families
                    .api_call_duration
                    .with(&[provider, method], observe);
            }
            _ => {}
        }
        // A limit is raised, and a warning given, while no process holds the run, too.
        let is_beside = step.is_none()
            && matches!(
                record.event,
                Event::BudgetSet { .. } | Event::Warning { .. }
            );
        if !is_beside {
            self.held_until = at;
        }
    }

    fn current_stage(&self) -> Option<Stage> {
        self.stage.map(|(stage, _)| stage)
    }

    fn enter(&mut self, families: &Families, stage: Stage, at: Timestamp) {
        // A stage that a resumed run begins again goes on.
        if self.current_stage() == Some(stage) {
            return;
        }
        self.leave(families, Status::Success, at);
        self.stage = Some((stage, at));
        self.has_stage_ended = false;
        self.due = None;
        if stage == Stage::Implementation {
            let longest = self.longest_chain();
            self.due = longest.map(|chain| Timestamp(at.0.saturating_add(chain)));
        }
    }

    /// Counts the end of the stage it is in.
    fn leave(&mut self, families: &Families, status: Status, at: Timestamp) {
        let Some((stage, since)) = self.stage.filter(|_| !self.has_stage_ended) else {
            return;
        };
        self.has_stage_ended = true;
        let stage = stage.as_str();
        families
            .workflow_executions
            .with(&[stage, status.as_str()], Counter::inc);
        families
            .workflow_duration
            .with(&[stage], |cell| cell.observe(at.since(since)));
    }

    fn end(&mut self, families: &Families, outcome: &'static str, at: Timestamp) {
        self.is_started = false;
        families.runs.with(&[outcome], Counter::inc);
        match outcome {
            "done" => self.leave(families, Status::Success, at),
            _ => self.leave(families, Status::Failed, at),
        }
    }

    fn change(
        &mut self,
        families: &Families,
        id: &TaskId,
        status: TaskStatus,
        class: Option<ErrorClass>,
        at: Timestamp,
    ) {
        let queued_since = self.queued_since(id);
        // Runs of older versions do not tell their plan.
        let task = self
            .tasks
            .entry(id.clone())
            .or_insert_with(|| Task::new(task_type(""), Vec::new(), None));
        let before = std::mem::replace(&mut task.status, status);
        if before.has_ended() && !status.has_ended() {
            // A person opened it again.
            (task.started, task.ended) = (None, None);
        }
        match status {
            TaskStatus::Waiting => task.ready = None,
            TaskStatus::Ready => task.ready = Some(at),
            TaskStatus::Running if task.started.is_none() => {
                task.started = Some(at);
                let since = task.ready.or(queued_since);
                if let Some(since) = since {
                    families
                        .task_queue
                        .with(&[], |cell| cell.observe(at.since(since)));
                }
            }
            _ => {}
        }
        if status == TaskStatus::Running {
            self.failures.remove(&Scope::Task(id.clone()));
        }
        if status.has_ended() && !before.has_ended() {
            task.end(families, at);
            if let Some(class) = class.filter(|_| !status.is_good()) {
                self.fail(families, Scope::Task(id.clone()), class);
            }
        }
    }

    /// Since when a task could run that nobody said to be ready: the end of its last dependency, or the
    /// start of the stage.
    fn queued_since(&self, id: &TaskId) -> Option<Timestamp> {
        let task = self.tasks.get(id)?;
        let ended = |id: &TaskId| self.tasks.get(id).and_then(|task| task.ended);
        let last = task.dependencies.iter().filter_map(ended).max();
        last.or(self.stage.map(|(_, since)| since))
    }

    /// Counts a failure, unless it is the one that was counted last: a repair is started for it, and
    /// where that does not help the task ends with it.
    fn fail(&mut self, families: &Families, scope: Scope, class: ErrorClass) {
        let class = class.as_str();
        if self.failures.insert(scope, class) == Some(class) {
            return;
        }
        let stage = self.current_stage().unwrap_or(Stage::Planning).as_str();
        families.errors.with(&[class, stage], Counter::inc);
    }

    fn repaired(
        &mut self,
        families: &Families,
        scope: Scope,
        strategy: &str,
        outcome: &str,
        at: Timestamp,
    ) {
        let success = match outcome {
            "repaired" | "retry" => "True",
            _ => "False",
        };
        families
            .recovery_attempts
            .with(&[strategy, success], Counter::inc);
        families
            .recovery_outcomes
            .with(&[strategy, outcome], Counter::inc);
        if let Some(since) = self.repairs.remove(&(scope, strategy.to_owned())) {
            let observe = |cell: &Histogram| cell.observe(at.since(since));
            families.recovery_duration.with(&[strategy], observe);
        }
    }

    fn settle(families: &Families, component: &'static str, amount: Usd) {
        families.ledger_entries.with(&["settled"], Counter::inc);
        families.spend.with(&[component], |cell| cell.add(amount));
    }

    /// Counts what an agent says it used, unless an account that says more will.
    fn used(&mut self, families: &Families, step: Option<&StepRef>, usage: &TokenUsage) {
        let of_step = |reserved: &Reserved| step.is_some() && reserved.step.as_ref() == step;
        if self.set_aside.values().any(of_step) {
            return;
        }
        self.counted.extend(step.cloned());
        let component = component(self.current_stage(), step);
        families
            .token_usage
            .with(&[UNKNOWN, component], |cell| cell.add(usage.total()));
    }

    /// How long the plan takes by its estimates, as pages draw its critical path; `None` where no task
    /// has an estimate. A task without one takes no time.
    fn longest_chain(&self) -> Option<u64> {
        if self.tasks.values().all(|task| task.estimate.is_none()) {
            return None;
        }
        let ids = self.tasks.keys().enumerate();
        let idx: HashMap<&TaskId, usize> = ids.map(|(idx, id)| (id, idx)).collect();
        let tasks = self.tasks.values().map(|task| {
            let needed = task.dependencies.iter();
            let known = needed.filter_map(|id| idx.get(id).copied());
            (task.repository.as_ref(), known.collect())
        });
        let waits = self.waits.iter().map(|(name, waits)| (name, &**waits));
        let millis = |estimate: Duration| u64::try_from(estimate.as_millis()).unwrap_or(u64::MAX);
        let estimates = self
            .tasks
            .values()
            .map(|task| task.estimate.map_or(0, millis));
        Some(Network::new(tasks, waits).longest(&estimates.collect::<Vec<_>>()))
    }
}

impl Task {
    fn new(task_type: &'static str, dependencies: Vec<TaskId>, estimate: Option<Duration>) -> Self {
        Self {
            task_type,
            repository: None,
            dependencies,
            estimate,
            status: TaskStatus::Waiting,
            ready: None,
            started: None,
            ended: None,
            lessons: None,
        }
    }

    fn end(&mut self, families: &Families, at: Timestamp) {
        self.ended = Some(at);
        let status = match self.status {
            TaskStatus::Succeeded | TaskStatus::Unchanged => Status::Success,
            TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Panicked => Status::Failed,
            // Not executed.
            TaskStatus::Skipped | TaskStatus::Cancelled => return,
            TaskStatus::Waiting | TaskStatus::Ready | TaskStatus::Running => return,
        };
        let values = [self.task_type, status.as_str()];
        families.task_executions.with(&values, Counter::inc);
        if let Some(started) = self.started {
            let observe = |cell: &Histogram| cell.observe(at.since(started));
            families.task_duration.with(&[self.task_type], observe);
        }
        if let Some(served) = self.lessons {
            let lessons = if served { "served" } else { "held_back" };
            families
                .lesson_tasks
                .with(&[lessons, status.as_str()], Counter::inc);
        }
    }
}

fn scope(step: Option<&StepRef>) -> Scope {
    step.map_or(Scope::Run, |step| step.key.scope.clone())
}
