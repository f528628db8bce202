use std::collections::BTreeMap;

use core_types::{Failure, Plan, RunId, Stage, TaskId, TaskStatus, Timestamp};
use engine_workflow::RunEnd;
pub use monitoring::fold::RunState;
use monitoring::fold::{RunFold, RunView};
use serde::Serialize;

use super::{
    Error, Home, Repair, RepositoryStanding, RunRecord, Surroundings, assembly::END, record::view,
    spending::planned, standing,
};

/// A run as any process can see it: a fold of its events and steps.
#[derive(Debug, Clone, Serialize)]
pub struct RunStatus {
    /// The run.
    pub run: RunId,
    /// The title of its issue.
    pub title: String,
    /// When it was begun.
    pub created: Timestamp,
    /// The state in one word.
    pub state: RunState,
    /// The stage it is in, or ended in.
    pub stage: Option<Stage>,
    /// Its tasks, in the order of the plan; empty before there is one.
    pub tasks: Vec<TaskState>,
    /// Its repositories, in the order of the settings.
    pub repositories: Vec<RepositoryStanding>,
    /// What was repaired, or could not be, oldest first.
    pub repairs: Vec<Repair>,
    /// How it ended, or where it waits, when a process last ended it well.
    pub end: Option<RunEnd>,
    /// Warnings, oldest first.
    pub warnings: Vec<String>,
}

/// A task as any process can see it.
#[derive(Debug, Clone, Serialize)]
pub struct TaskState {
    /// Which task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// What the agent was asked to do, as the plan says it.
    pub description: String,
    /// Where it is done.
    pub repository: String,
    /// Its state.
    pub status: TaskStatus,
    /// The attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// When it came into its state.
    pub since: Option<Timestamp>,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// Why it is not running, in one line; empty for one that runs or has ended.
    pub waits_for: String,
}

impl RunStatus {
    /// Reads a run of a home.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`], [`Error::Record`].
    pub fn read(home: &Home, run: &RunId, surroundings: &Surroundings) -> Result<Self, Error> {
        let view = view(home, run, surroundings)?;
        Ok(Self::seen(&view, surroundings)?.0)
    }

    /// A run, and what its pages are made of.
    pub(crate) fn seen(
        view: &engine_checkpoint::RunView,
        surroundings: &Surroundings,
    ) -> Result<(Self, RunView), Error> {
        let run = &view.header().run;
        let is_held = view
            .is_held()
            .map_err(|source| Error::journal(run, source))?;
        Self::folded(view, is_held, surroundings.clock.now())
    }

    /// Folds what a view holds.
    ///
    /// # Errors
    ///
    /// [`Error::Record`].
    pub fn fold(
        view: &engine_checkpoint::RunView,
        is_held: bool,
        now: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self::folded(view, is_held, now)?.0)
    }

    fn folded(
        view: &engine_checkpoint::RunView,
        is_held: bool,
        now: Timestamp,
    ) -> Result<(Self, RunView), Error> {
        let run = view.header().run.clone();
        let record = RunRecord::of(view)?;
        let unreadable = |source| Error::Record {
            run: run.clone(),
            source,
        };
        let end = match view.run_record(END) {
            // A session that began later took its place and has not come to an end.
            None | Some(serde_json::Value::Null) => None,
            Some(value) => Some(serde_json::from_value(value.clone()).map_err(unreadable)?),
        };
        let plan = planned(view).map_err(unreadable)?;
        // The figures are those of every page and report.
        let mut fold = RunFold::new(run.clone());
        fold.extend(view.all_events().iter().cloned());
        fold.set_held(is_held);
        let shown = fold.view(now);
        let state = shown.header.state;
        let is_live = matches!(state, RunState::Running | RunState::Paused);
        let tasks = plan.as_ref().map(|plan| tasks(plan, &shown));
        let status = Self {
            run,
            title: record.settings.issue.title.clone(),
            repositories: standing::repositories(&record.settings, &shown),
            repairs: standing::repairs(&shown),
            created: view.header().created,
            state,
            stage: shown.header.stage,
            tasks: tasks.unwrap_or_default(),
            end: if is_live { None } else { end },
            warnings: shown.warnings.iter().map(|it| it.message.clone()).collect(),
        };
        Ok((status, shown))
    }
}

/// The tasks of a plan, in its order, as they are shown everywhere.
fn tasks(plan: &Plan, shown: &RunView) -> Vec<TaskState> {
    let rows: BTreeMap<_, _> = shown.tasks.iter().map(|row| (&row.task, row)).collect();
    let tasks = plan.tasks.iter().map(|task| {
        let row = rows.get(&task.id);
        TaskState {
            task: task.id.clone(),
            title: task.title.clone(),
            description: task.description.clone(),
            repository: task.repository.to_string(),
            status: row.map_or(TaskStatus::Waiting, |row| row.status),
            attempt: row.map_or(0, |row| row.attempt),
            since: row.and_then(|row| row.since),
            failure: row.and_then(|row| row.failure.clone()),
            waits_for: row.map_or_else(String::new, |row| row.waits_for.clone()),
        }
    });
    tasks.collect()
}
