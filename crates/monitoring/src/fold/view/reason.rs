use std::fmt;

use core_types::{RepositoryName, Stage, TaskId, TaskStatus, Timestamp, Usd, WaitReason};
use serde::Serialize;

use super::RunState;

/// Why a task is not running: every reason, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Which task.
    pub task: TaskId,
    /// Its state.
    pub status: TaskStatus,
    /// All of them hold now; empty for one that runs.
    pub reasons: Vec<Reason>,
}

/// One reason why a task is not running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
#[non_exhaustive]
pub enum Reason {
    /// It has ended.
    Ended {
        /// How.
        status: TaskStatus,
        /// Why, in one line; may be empty.
        message: String,
        /// The dependency that did not succeed, for skipped.
        because_of: Option<TaskId>,
    },
    /// The run has ended.
    RunEnded {
        /// How.
        state: RunState,
    },
    /// No process holds the run.
    NotHeld {
        /// Why the last one let go, in one line; empty where it was killed.
        message: String,
    },
    /// The run has not come to its tasks.
    Stage {
        /// Where it is; `None` before the first stage.
        stage: Option<Stage>,
    },
    /// The run waits at a gate.
    Gate {
        /// The gate's name.
        gate: String,
        /// Since when.
        since: Timestamp,
    },
    /// The run waits for a person, and not at a gate.
    Person {
        /// For what, in one line.
        message: String,
    },
    /// A dependency has not succeeded.
    Dependency {
        /// Which.
        task: TaskId,
        /// Its state.
        status: TaskStatus,
        /// Its title.
        title: String,
    },
    /// Its repository waits for another one of the change set.
    Repository {
        /// Which.
        repository: RepositoryName,
        /// Why.
        wait: WaitReason,
        /// How that one stands, as [`MemberState::as_str`](core_types::MemberState::as_str).
        state: String,
    },
    /// All worker slots are taken.
    NoFreeSlot {
        /// How many there are.
        max_workers: usize,
        /// Who has them, longest first.
        held_by: Vec<Holder>,
        /// How many other ready tasks wait for one, too.
        others_ready: usize,
    },
    /// A slot is free: the task is about to start.
    Starting,
    /// It waits before it is tried again.
    Backoff {
        /// Which attempt has failed.
        attempt: u32,
        /// Until when; `None` where the event does not tell.
        until: Option<Timestamp>,
    },
    /// It is parked, as for a provider's quota.
    Parked {
        /// Until when; `None` where the event does not tell.
        until: Option<Timestamp>,
        /// Why, in one line; may be empty.
        message: String,
    },
    /// The run's budget does not suffice.
    Budget {
        /// What was settled.
        spent: Usd,
        /// What is set aside.
        reserved: Usd,
        /// The limit; `None` where another one than the run's is reached.
        limit: Option<Usd>,
    },
}

/// A task that has a worker slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Which.
    pub task: TaskId,
    /// Since when.
    pub since: Timestamp,
}

/// One line for people.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended {
                because_of: Some(task),
                ..
            } => write!(f, "it was skipped: {task} did not succeed"),
            Self::Ended {
                status, message, ..
            } if message.is_empty() => write!(f, "it has ended: {status}"),
            Self::Ended {
                status, message, ..
            } => write!(f, "it has ended: {status}: {message}"),
            Self::RunEnded { state } => write!(f, "the run has ended: {}", state.as_str()),
            Self::NotHeld { message } if message.is_empty() => {
                write!(
                    f,
                    "no process holds the run: it was killed, and waits to be resumed"
                )
            }
            Self::NotHeld { message } => {
                write!(
                    f,
                    "no process holds the run ({message}); it waits to be resumed"
                )
            }
            Self::Stage { stage: None } => write!(f, "the run has not begun its first stage"),
            Self::Stage { stage: Some(stage) } if *stage < Stage::Implementation => {
                write!(f, "the run is in stage {stage}, before implementation")
            }
            Self::Stage { stage: Some(stage) } => {
                write!(f, "the run is in stage {stage}, after implementation")
            }
            Self::Gate { gate, since } => {
                write!(
                    f,
                    "the run waits at the gate \"{gate}\" since {since}: a person must approve"
                )
            }
            Self::Person { message } => write!(f, "the run waits for a person: {message}"),
            Self::Dependency { task, status, .. } => {
                write!(f, "it needs {task}, which is {status}")
            }
            Self::Repository {
                repository,
                wait,
                state,
            } => write!(
                f,
                "its repository waits for {repository} ({}), which is {state}",
                wait.as_str()
            ),
            Self::NoFreeSlot {
                max_workers,
                held_by,
                others_ready,
            } => {
                let names: Vec<_> = held_by.iter().map(|it| it.task.as_str()).collect();
                write!(
                    f,
                    "no worker slot is free: {} of {max_workers} are held by {}",
                    held_by.len(),
                    names.join(", ")
                )?;
                match others_ready {
                    0 => Ok(()),
                    1 => write!(f, "; 1 other task waits, too"),
                    n => write!(f, "; {n} other tasks wait, too"),
                }
            }
            Self::Starting => write!(
                f,
                "nothing: a worker slot is free, and it is about to start"
            ),
            Self::Backoff {
                attempt,
                until: Some(until),
            } => write!(
                f,
                "attempt {attempt} has failed; it is tried again at {until}"
            ),
            Self::Backoff {
                attempt,
                until: None,
            } => write!(
                f,
                "attempt {attempt} has failed; it is tried again after a pause"
            ),
            Self::Parked { until, message } => {
                write!(f, "it is parked")?;
                if let Some(until) = until {
                    write!(f, " until {until}")?;
                }
                match message.as_str() {
                    "" => Ok(()),
                    message => write!(f, ": {message}"),
                }
            }
            Self::Budget {
                spent,
                reserved,
                limit: Some(limit),
            } => write!(
                f,
                "the budget does not suffice: ${spent} spent and ${reserved} set aside of ${limit}"
            ),
            Self::Budget {
                spent,
                reserved,
                limit: None,
            } => write!(
                f,
                "a limit is reached: ${spent} spent and ${reserved} set aside by this run"
            ),
        }
    }
}
