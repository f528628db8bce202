use std::collections::BTreeMap;

use core_types::{Event, Failure, MemberState, Plan, RunId, Stage, TaskId, TaskStatus, Timestamp};
use engine_checkpoint::RunView;
use engine_workflow::{EndStatus, RunEnd};
use serde::Serialize;

use super::{
    Error, Home, Repair, RepositoryStanding, RunRecord, Surroundings, assembly::END,
    spending::planned, standing::Standings,
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

/// The state of a run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// A process holds it.
    Running,
    /// No process holds it; it can be resumed.
    Paused,
    /// It waits for a person.
    Waiting,
    /// It has ended well.
    Done,
    /// It has ended with a failure.
    Failed,
    /// Some of its repositories landed and others did not.
    Partial,
    /// A person gave it up.
    Aborted,
}

impl RunState {
    /// The state's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Aborted => "aborted",
        }
    }
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
        let journal = |source| Error::Journal {
            run: run.clone(),
            source,
        };
        let folder = home.run_folder(run).join("journal");
        let view = RunView::read_with(folder, &surroundings.journal).map_err(journal)?;
        let is_held = view.is_held().map_err(journal)?;
        Self::fold(&view, is_held)
    }

    /// Folds what a view holds.
    ///
    /// # Errors
    ///
    /// [`Error::Record`].
    pub fn fold(view: &RunView, is_held: bool) -> Result<Self, Error> {
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
        let mut folded = Folded::default();
        let mut standings = Standings::default();
        for (_, record) in view.events() {
            folded.apply(record.at, &record.event);
            standings.apply(record.step.as_ref(), &record.event);
        }
        let settings = &record.settings;
        let repositories =
            standings.repositories(settings, plan.as_ref(), |task| folded.status(task));
        let state = state(is_held, folded.is_stopped, end.as_ref());
        let is_live = matches!(state, RunState::Running | RunState::Paused);
        let mut tasks = plan
            .map(|plan| folded.tasks(&plan, is_held))
            .unwrap_or_default();
        for task in &mut tasks {
            wait_for_repositories(task, &repositories);
        }
        Ok(Self {
            run,
            title: record.settings.issue.title.clone(),
            repositories,
            repairs: standings.repairs(),
            created: view.header().created,
            state,
            stage: folded.stage,
            tasks,
            end: if is_live { None } else { end },
            warnings: folded.warnings,
        })
    }
}

/// A task whose repository waits for others waits for them, too.
fn wait_for_repositories(task: &mut TaskState, repositories: &[RepositoryStanding]) {
    let own = repositories
        .iter()
        .find(|it| it.repository.as_str() == task.repository);
    let Some(MemberState::Waiting { on }) = own.map(|it| &it.state) else {
        return;
    };
    if on.is_empty() || !matches!(task.status, TaskStatus::Waiting | TaskStatus::Ready) {
        return;
    }
    let waits = on
        .iter()
        .map(|wait| format!("{} ({})", wait.repository, wait.reason.as_str()));
    let own = std::mem::take(&mut task.waits_for);
    let own = (task.status == TaskStatus::Waiting && !own.is_empty()).then_some(own);
    task.status = TaskStatus::Waiting;
    task.waits_for = waits.chain(own).collect::<Vec<_>>().join(", ");
}

fn state(is_held: bool, is_stopped: bool, end: Option<&RunEnd>) -> RunState {
    if is_held && !is_stopped {
        return RunState::Running;
    }
    match end.map(|end| end.status) {
        _ if !is_stopped => RunState::Paused,
        None => RunState::Paused,
        Some(EndStatus::Done) => RunState::Done,
        Some(EndStatus::Failed) => RunState::Failed,
        Some(EndStatus::Partial) => RunState::Partial,
        Some(EndStatus::Aborted) => RunState::Aborted,
        Some(EndStatus::AtGate(_) | EndStatus::NeedsPerson) => RunState::Waiting,
    }
}

#[derive(Debug, Default)]
struct Folded {
    stage: Option<Stage>,
    /// Whether the last session came to an end of its own.
    is_stopped: bool,
    changes: BTreeMap<TaskId, Change>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Change {
    status: TaskStatus,
    attempt: u32,
    since: Timestamp,
    failure: Option<Failure>,
    because_of: Option<TaskId>,
}

impl Folded {
    fn apply(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::RunStarted { .. } => self.is_stopped = false,
            Event::RunEnded { .. } | Event::RunPaused { .. } => self.is_stopped = true,
            Event::StageStarted { stage } => self.stage = Some(*stage),
            Event::Warning { message } => self.warnings.push(message.clone()),
            Event::TaskChanged {
                task,
                status,
                attempt,
                failure,
                because_of,
            } => {
                let change = Change {
                    status: *status,
                    attempt: *attempt,
                    since: at,
                    failure: failure.clone(),
                    because_of: because_of.clone(),
                };
                self.changes.insert(task.clone(), change);
            }
            _ => {}
        }
    }

    fn status(&self, task: &TaskId) -> TaskStatus {
        self.changes
            .get(task)
            .map_or(TaskStatus::Waiting, |change| change.status)
    }

    fn tasks(&self, plan: &Plan, is_held: bool) -> Vec<TaskState> {
        let tasks = plan.tasks.iter().map(|task| {
            let open: Vec<_> = task
                .dependencies
                .iter()
                .filter(|id| !self.status(id).is_good())
                .collect();
            let change = self.changes.get(&task.id);
            let status = match self.status(&task.id) {
                TaskStatus::Waiting if open.is_empty() => TaskStatus::Ready,
                status => status,
            };
            let waits_for = match status {
                TaskStatus::Ready if is_held => "a worker slot".to_owned(),
                TaskStatus::Ready => "the run to be resumed".to_owned(),
                TaskStatus::Running if !is_held => "the run to be resumed".to_owned(),
                TaskStatus::Waiting => {
                    let names: Vec<_> = open
                        .iter()
                        .map(|id| format!("{id} ({})", self.status(id)))
                        .collect();
                    names.join(", ")
                }
                TaskStatus::Skipped => change
                    .and_then(|change| change.because_of.as_ref())
                    .map(|id| format!("{id} did not succeed"))
                    .unwrap_or_default(),
                _ => String::new(),
            };
            TaskState {
                task: task.id.clone(),
                title: task.title.clone(),
                description: task.description.clone(),
                repository: task.repository.to_string(),
                status,
                attempt: change.map_or(0, |change| change.attempt),
                since: change.map(|change| change.since),
                failure: change.and_then(|change| change.failure.clone()),
                waits_for,
            }
        });
        tasks.collect()
    }
}
