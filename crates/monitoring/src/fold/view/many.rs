use std::collections::{BTreeMap, BTreeSet};

use core_types::{RunId, Stage, TaskId, Timestamp, TokenUsage, Usd};
use serde::Serialize;

use super::{Amounts, Eta, RunState, RunSummary, TaskCounts};
use crate::fold::{DaySpend, LessonStanding};

/// The first page: what needs a person, what runs, how it goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// At which time it is so.
    pub now: Timestamp,
    /// What of the home cannot be read, and why, beside runs: those are among `attention`.
    pub unreadable: Vec<String>,
    /// What needs a person, the most urgent first.
    pub attention: Vec<Attention>,
    /// The runs that have not ended, newest first.
    pub active: Vec<RunRow>,
    /// The runs that ended last, newest first; at most 10.
    pub recent: Vec<RunRow>,
    /// How many runs there are in all, removed ones included.
    pub total_runs: u64,
    /// How many a process holds.
    pub running: u64,
    /// How many have ended.
    pub ended: u64,
    /// How many of those ended well.
    pub succeeded: u64,
    /// `succeeded` ÷ `ended`, from 0 to 1; 0 where none has ended.
    pub success_rate: f64,
    /// How many tasks have ended, in all runs.
    pub tasks_ended: u64,
    /// Of the last 14 days with today, one each, oldest first.
    pub days: Vec<DayCount>,
    /// What all runs have spent.
    pub spent: Usd,
    /// What is set aside.
    pub reserved: Usd,
    /// What was spent today, and the limits; `None` where the ledger cannot be read.
    pub day: Option<DaySpend>,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// In which run.
    pub run: RunId,
    /// The run's title.
    pub title: String,
    /// What it is.
    pub kind: AttentionKind,
    /// One line that says what to do.
    pub message: String,
    /// Which task, where it is about one.
    pub task: Option<TaskId>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// What needs a person, the most urgent first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "gate")]
pub enum AttentionKind {
    /// A gate is to be opened.
    Gate(String),
    /// A budget is used up: raise it or give the run up.
    Budget,
    /// The run waits for a person's word.
    Person,
    /// A task was handed to a person.
    HandedOff,
    /// The process of a run was killed: resume it.
    Killed,
    /// An error stopped a run that can go on: mend its cause and resume it.
    Stopped,
    /// What is recorded of a run cannot be read.
    Unreadable,
    /// A run ended with a failure.
    Failed,
    /// Some repositories landed and others did not.
    Partial,
}

/// A run in a list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// The title of its issue.
    pub title: String,
    /// The state in one word.
    pub state: RunState,
    /// The stage it is in, or ended in.
    pub stage: Option<Stage>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When its last session ended.
    pub stopped: Option<Timestamp>,
    /// How long a process has held it.
    pub elapsed_ms: u64,
    /// When it will have ended.
    pub eta: Option<Eta>,
    /// How many tasks are in which state.
    pub counts: TaskCounts,
    /// What was settled.
    pub spent: Usd,
    /// The limit.
    pub limit: Option<Usd>,
    /// Whether the run itself is gone, and only its summary left.
    pub is_removed: bool,
}

/// The runs that began on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// The day's beginning, in UTC.
    pub day: Timestamp,
    /// How many began.
    pub begun: u64,
    /// How many of them have ended well.
    pub succeeded: u64,
    /// How many of them have ended otherwise.
    pub failed: u64,
    /// What they have spent.
    pub spent: Usd,
}

/// All runs, also those that are removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Newest first.
    pub runs: Vec<RunRow>,
    /// Every day on which a run began, newest first.
    pub days: Vec<DayCount>,
}

/// What was spent by all runs, and for what.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Costs {
    /// What was settled.
    pub spent: Usd,
    /// What is set aside.
    pub reserved: Usd,
    /// All tokens.
    pub usage: TokenUsage,
    /// By model.
    pub by_model: BTreeMap<String, Amounts>,
    /// By stage; repairs are `recovery`.
    pub by_component: BTreeMap<String, Amounts>,
    /// By repository; work for a run as a whole has an empty name.
    pub by_repository: BTreeMap<String, Amounts>,
    /// By run, the dearest first; those that have spent nothing are left out.
    pub by_run: Vec<RunSummary>,
    /// The runs that are gone, of which only the summary is left.
    pub removed: BTreeSet<RunId>,
    /// By the day on which a run began, newest first.
    pub days: Vec<DayCount>,
    /// What was spent today, and the limits; `None` where the ledger cannot be read.
    pub day: Option<DaySpend>,
}

/// What is learnt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Learning {
    /// The lessons, as the feedback of the home has them; promoted ones first.
    pub lessons: Vec<LessonStanding>,
    /// How many prompts of all runs got which arm.
    pub arms: Vec<Arm>,
}

/// What chance decided for prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// The arm's name.
    pub arm: String,
    /// How many prompts.
    pub prompts: u64,
}
