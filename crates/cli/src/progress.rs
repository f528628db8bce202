//! A run as it happens: a line an event, and on a terminal a last line with what runs now.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use facade::{
    assemble::Observer,
    core_types::{Event, Reference, Scope, StepRef, TaskId, TaskStatus},
};

use crate::output::{Output, count, duration, one_line};

/// Prints events as they happen.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Output,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    n_tasks: usize,
    n_ended: usize,
    running: BTreeMap<TaskId, Instant>,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            began: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// Draws the last line anew; called a few times a second on a terminal.
    pub(crate) fn tick(&self) {
        if !self.output.is_terminal() {
            return;
        }
        let state = self.state();
        if state.running.is_empty() {
            return self.output.redraw("");
        }
        let running: Vec<_> = state
            .running
            .iter()
            .map(|(task, since)| format!("{task} {}", duration(since.elapsed())))
            .collect();
        let line = format!(
            "  {}  {}/{} tasks  running: {}",
            duration(self.began.elapsed()),
            state.n_ended,
            state.n_tasks,
            running.join(", ")
        );
        drop(state);
        self.output.redraw(&one_line(&line, 100));
    }

    /// Clears the last line.
    pub(crate) fn finish(&self) {
        if self.output.is_terminal() {
            self.output.redraw("");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, text: &str) {
        self.finish();
        let elapsed = duration(self.began.elapsed());
        self.output.progress(format!("{elapsed:>6}  {text}"));
    }
}

impl Observer for Progress {
    fn observe(&self, step: Option<&StepRef>, event: &Event) {
        self.state().apply(event);
        if let Some(text) = line(step, event) {
            self.print(&text);
        }
    }
}

impl State {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::PlanReady { tasks, .. } => self.n_tasks = *tasks,
            Event::TaskChanged {
                task,
                status: TaskStatus::Running,
                ..
            } => {
                self.running.insert(task.clone(), Instant::now());
            }
            Event::TaskChanged { task, status, .. } if status.has_ended() => {
                self.running.remove(task);
                self.n_ended += 1;
            }
            _ => {}
        }
    }
}

/// What a person wants to see of an event, if anything.
fn line(step: Option<&StepRef>, event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted {
            session,
            max_workers,
            title: _,
        } => {
            let again = if *session > 1 {
                format!(", session {session}")
            } else {
                String::new()
            };
            let workers = count(*max_workers, "worker");
            format!("run        started with {workers}{again}")
        }
        Event::StageStarted { stage } => format!("stage      {stage}"),
        Event::PlanReady { tasks, .. } => format!("plan       {}", count(*tasks, "task")),
        Event::GateReached { gate } => format!("gate       waits for a person: {gate}"),
        Event::GateOpened { gate } => format!("gate       opened: {gate}"),
        Event::TaskChanged {
            task,
            status,
            attempt,
            failure,
            because_of,
        } => {
            let mut text = format!("task       {task}: {status}");
            if *attempt > 1 {
                text.push_str(&format!(" (attempt {attempt})"));
            }
            if let Some(failure) = failure {
                text.push_str(&format!(": {}", one_line(&failure.message, 200)));
            }
            if let Some(dependency) = because_of {
                text.push_str(&format!(": {dependency} did not succeed"));
            }
            text
        }
        Event::CommandEnded {
            repository,
            purpose,
            passed,
            duration: took,
        } => {
            let who = match step.map(|step| &step.key.scope) {
                Some(Scope::Task(task)) => format!("{task}: "),
                _ => format!("{repository}: "),
            };
            let passed = if *passed { "passed" } else { "failed" };
            format!("{purpose:<9}  {who}{passed} in {}", duration(*took))
        }
        Event::RepositoryTested {
            repository,
            passed: None,
            ..
        } => {
            format!("test       {repository}: not verified, it has no test command")
        }
        Event::RecoveryEnded {
            strategy,
            outcome,
            reason,
            until: _,
        } => {
            let who = match step.map(|step| &step.key.scope) {
                Some(Scope::Task(task)) => format!("{task}: "),
                Some(Scope::Repository(name)) => format!("{name}: "),
                _ => String::new(),
            };
            let reason = one_line(reason, 200);
            let colon = if reason.is_empty() { "" } else { ": " };
            format!(
                "repair     {who}{}: {}{colon}{reason}",
                strategy.replace('_', " "),
                crate::end::outcome(outcome)
            )
        }
        Event::ChangeSetTested { message, .. } => format!("test       {message}"),
        Event::RepositoryReviewed { repository, review } => match review {
            Some(review) => {
                let verdict = if review.approved {
                    "approved"
                } else {
                    "not approved"
                };
                format!("review     {repository}: {verdict}")
            }
            None => format!("review     {repository}: not reviewed"),
        },
        Event::BranchPublished {
            repository, branch, ..
        } => {
            format!("publish    {repository}: branch {branch}")
        }
        Event::PullRequestOpened { repository, number } => {
            let reference = Reference(*number);
            format!("propose    {repository}: pull request {repository}{reference}")
        }
        Event::RepositoryLanded {
            repository,
            branch,
            commit,
        } => {
            format!("land       {repository}: {branch} is at {}", commit.short())
        }
        Event::RepositoryNotLanded { repository, reason } => {
            format!("land       {repository}: {reason}")
        }
        Event::Warning { message } => format!("warning    {message}"),
        _ => return None,
    })
}
