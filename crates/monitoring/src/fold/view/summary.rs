use std::collections::BTreeMap;

use core_types::{RepositoryName, RunId, Stage, Timestamp, TokenUsage, Usd};
use serde::{Deserialize, Serialize};

use super::{Amounts, RunState, TaskCounts};

/// What is kept of a run for good. It outlives the run, and every figure over several runs is a
/// fold of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The version of this format, now 1.
    pub v: u16,
    /// The run.
    pub run: RunId,
    /// The title of its issue.
    pub title: String,
    /// The state in one word.
    pub state: RunState,
    /// Why it stopped or how it ended, in one line.
    pub reason: String,
    /// The stage it is in, or ended in.
    pub stage: Option<Stage>,
    /// When it began; `None` before.
    pub started: Option<Timestamp>,
    /// When its last session ended; `None` while a process holds it.
    pub stopped: Option<Timestamp>,
    /// How long a process has held it.
    pub elapsed_ms: u64,
    /// How often a process has taken it.
    pub sessions: u32,
    /// How many tasks may run at a time.
    pub max_workers: usize,
    /// Its repositories, in the order in which they joined.
    pub repositories: Vec<RepositoryName>,
    /// How many tasks are in which state.
    pub counts: TaskCounts,
    /// By stage, those that were begun.
    pub stages: BTreeMap<Stage, StageFigures>,
    /// By kind of task, see [`task_type`](crate::fold::task_type).
    pub task_types: BTreeMap<String, TaskFigures>,
    /// For how long tasks held worker slots, together.
    pub task_ms: u64,
    /// How long a process has held it in the stage implementation.
    pub implementation_ms: u64,
    /// How long tasks were ready and waited for a slot, together.
    pub queued_ms: u64,
    /// Calls of forges, by provider.
    pub forges: BTreeMap<String, ForgeFigures>,
    /// What was settled.
    pub spent: Usd,
    /// What is set aside.
    pub reserved: Usd,
    /// The limit; `None` where there is none.
    pub limit: Option<Usd>,
    /// All tokens.
    pub usage: TokenUsage,
    /// Pieces of work with tokens read from a provider's cache.
    pub cache_hits: u64,
    /// Pieces of work with other input alone.
    pub cache_misses: u64,
    /// Money and tokens by model.
    pub by_model: BTreeMap<String, Amounts>,
    /// Money and tokens by stage; repairs are `recovery`.
    pub by_component: BTreeMap<String, Amounts>,
    /// Money and tokens by repository; work for the run as a whole has an empty name.
    pub by_repository: BTreeMap<String, Amounts>,
    /// Repairs, by strategy and then by outcome.
    pub recoveries: BTreeMap<String, BTreeMap<String, u64>>,
    /// How many prompts got which arm.
    pub arms: BTreeMap<String, u64>,
}

/// A stage of one run, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StageFigures {
    /// How often it ended well: another stage followed, or the run ended with 0.
    pub success: u64,
    /// How often the run ended in it otherwise.
    pub failed: u64,
    /// Held time of those that ended.
    pub ended_ms: u64,
}

/// Tasks of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskFigures {
    /// How many there are.
    pub count: u64,
    /// How many ended after they had run.
    pub ran: u64,
    /// For how long those held worker slots.
    pub ran_ms: u64,
}

/// Calls of one forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ForgeFigures {
    /// How many.
    pub calls: u64,
    /// How many failed.
    pub failed: u64,
    /// How long they took together.
    pub total_ms: u64,
}

/// Amounts over time: one a day or an hour, named by its beginning.
pub type Moments = BTreeMap<Timestamp, u64>;
