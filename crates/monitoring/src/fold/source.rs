//! Where events come from, and where a person's words go.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use core_types::{EventRecord, Gate, Message, PortError, RunId, TaskId, Timestamp, Usd};
use serde::{Deserialize, Serialize};

use super::RunSummary;
use crate::metrics::Tally;

/// What a [`Board`](super::Board) reads. All may be called at the same time, by any number of callers.
///
/// - A run's events MUST have strictly growing numbers, and once given an event MUST be given again
///   as it was.
/// - A run that was removed MUST still be listed, with its summary.
/// - Logs, changes and prompts MUST come without secrets, and otherwise as they are: who shows them
///   makes them harmless.
#[async_trait]
pub trait RunSource: Debug + Send + Sync {
    /// All runs, newest first.
    ///
    /// # Errors
    ///
    /// `Internal` where they cannot be read.
    async fn runs(&self) -> Result<Vec<RunListing>, PortError>;

    /// A run's events after a number, 0 for all; at most some thousands at a time.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no such run any more; `Internal` where it cannot be read.
    async fn events(&self, run: &RunId, after: u64) -> Result<Batch, PortError>;

    /// What a run's events have counted by the time that it was removed; `None` where that was not kept.
    ///
    /// # Errors
    ///
    /// `Internal` where it cannot be read.
    async fn tally(&self, run: &RunId) -> Result<Option<Tally>, PortError>;

    /// Lines of what agents and commands said: of one task, or of the run's planning, testing and
    /// review. `after` is where an earlier answer ended, the default the beginning; whatever files the
    /// lines are from, going on from there repeats none and leaves none out. With `after: None` the
    /// answer holds the last lines, found without reading the rest.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Validation` for a position that is none; `Internal`.
    async fn log(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<LogPosition>,
    ) -> Result<LogChunk, PortError>;

    /// What an attempt changed, as a unified diff; empty where it changed nothing.
    ///
    /// # Errors
    ///
    /// `NotFound` where it has left no commit, or that one is gone; `Internal`.
    async fn diff(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<String, PortError>;

    /// What the agent of an attempt was told.
    ///
    /// # Errors
    ///
    /// `NotFound` where nothing is kept of it; `Internal`.
    async fn prompt(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<Prompt, PortError>;

    /// What was spent today by all runs, and the limits that hold.
    ///
    /// # Errors
    ///
    /// `Internal` where the ledger cannot be read.
    async fn day(&self) -> Result<DaySpend, PortError>;

    /// The lessons, promoted ones first.
    ///
    /// # Errors
    ///
    /// `Internal` where they cannot be read.
    async fn lessons(&self) -> Result<Vec<LessonStanding>, PortError>;

    /// Tells a run what a person says; returns what comes of it, in one line. A run that no process
    /// holds takes it when it is resumed.
    ///
    /// # Errors
    ///
    /// `Validation` where the run cannot take it; `NotFound`; `Unauthorized` where this source only
    /// reads; `ResourceExhausted` where it could not be stored.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have been told or not.
    async fn command(&self, run: &RunId, command: Command) -> Result<String, PortError>;
}

/// A run in the list of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct RunListing {
    /// The run.
    pub run: RunId,
    /// Whether a process holds it.
    pub is_held: bool,
    /// Changes whenever the run has more events.
    pub mark: u64,
    /// Its summary, where one is kept: always for a run that is removed.
    pub summary: Option<RunSummary>,
    /// Whether the summary tells all that its events do.
    pub is_summary_current: bool,
    /// Whether the run itself is gone.
    pub is_removed: bool,
}

/// Some events of a run, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// With their numbers; of a step that was executed more than once, all executions.
    pub events: Vec<(u64, EventRecord)>,
    /// Whether a process holds the run.
    pub is_held: bool,
    /// Whether there are more events already.
    pub has_more: bool,
}

/// A place in a log, as its source wrote it. The default is the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogPosition(String);

impl LogPosition {
    /// A place that a source has named by this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Some lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LogChunk {
    /// Those of one file in its order, files in the order in which they were begun.
    pub lines: Vec<LogLine>,
    /// The position after the last line; what the next call begins with.
    pub next: LogPosition,
    /// Whether nothing will come any more.
    pub is_complete: bool,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// What it is from, such as `1.1/transcript.log`: attempt, execution and file.
    pub file: String,
    /// Its text as it was written, without the line's end.
    pub text: String,
}

/// What the agent of an attempt was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prompt {
    /// The attempt's execution, from 1.
    pub execution: u32,
    /// What it was told, as much as is kept of it, without secrets.
    pub request: String,
    /// The template that it was made by, and its version; `None` where that was not recorded.
    pub template: Option<String>,
}

/// What was spent on one day by all runs together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DaySpend {
    /// What was settled today.
    pub spent: Usd,
    /// What is set aside today.
    pub reserved: Usd,
    /// The day's limit.
    pub limit: Option<Usd>,
    /// All limits that hold and how much of them is used.
    pub limits: Vec<LimitStanding>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitStanding {
    /// What it limits, such as `run 12-login`.
    pub name: String,
    /// The limit; `None` where there is none.
    pub limit: Option<Usd>,
    /// What was settled.
    pub spent: Usd,
    /// What is set aside.
    pub reserved: Usd,
}

/// A lesson and what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LessonStanding {
    /// Its id.
    pub id: String,
    /// What an agent reads.
    pub text: String,
    /// What sort, such as `convention`.
    pub kind: String,
    /// Where it stands, such as `candidate`, `trial`, `promoted` or `retired`.
    pub status: String,
    /// Which repository it is for; `None` for all.
    pub repository: Option<String>,
    /// When it was found first.
    pub created: Timestamp,
    /// Of how many tasks with it the outcome is known.
    pub treated: u64,
    /// Of how many without it.
    pub control: u64,
    /// How much more often tasks succeed with it, from -1 to 1; `None` before there is enough evidence.
    pub effect: Option<f64>,
    /// What the evidence says, in one line.
    pub evidence: String,
    /// Whether its words are foreign and wait for a person.
    pub needs_approval: bool,
}

/// What a person tells a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
#[non_exhaustive]
pub enum Command {
    /// Open a gate.
    Approve {
        /// Which.
        gate: Gate,
    },
    /// Try a task that was handed off again, told what the person says.
    Answer {
        /// Which.
        task: TaskId,
        /// What the person says.
        text: String,
    },
    /// Try a task that was handed off again.
    Retry {
        /// Which.
        task: TaskId,
    },
    /// Go on without a task that was handed off, and without what depends on it.
    Skip {
        /// Which.
        task: TaskId,
    },
    /// Give the run up: nothing of it lands any more.
    Cancel,
    /// Raise the run's budget.
    Raise {
        /// To how much.
        limit: Usd,
    },
}

impl Command {
    /// The message for the run's inbox; `None` for the budget, which the ledger keeps.
    #[must_use]
    pub fn to_message(&self) -> Option<Message> {
        let scope = |task: &TaskId| core_types::Scope::Task(task.clone());
        Some(match self {
            Self::Approve { gate } => Message::Approve {
                gate: *gate,
                plan: None,
            },
            Self::Answer { task, text } => Message::Answer {
                scope: scope(task),
                text: text.clone(),
            },
            Self::Retry { task } => Message::Retry {
                scope: scope(task),
                description: None,
            },
            Self::Skip { task } => Message::Skip { task: task.clone() },
            Self::Cancel => Message::Abort,
            Self::Raise { .. } => return None,
        })
    }
}
