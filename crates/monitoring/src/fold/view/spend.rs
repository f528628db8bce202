use std::collections::BTreeMap;

use core_types::{TaskId, Timestamp, TokenUsage, Usd};
use serde::{Deserialize, Serialize};

/// What a run has spent, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Spend {
    /// What was settled.
    pub spent: Usd,
    /// What is set aside for calls that go on, or were killed.
    pub reserved: Usd,
    /// The limit in force; `None` where there is none.
    pub limit: Option<Usd>,
    /// All tokens.
    pub usage: TokenUsage,
    /// How many calls of agents were begun.
    pub calls: u64,
    /// How many of them read tokens from a provider's cache.
    pub cache_hits: u64,
    /// How many had other input alone.
    pub cache_misses: u64,
    /// By model; the name is empty where none was named.
    pub by_model: BTreeMap<String, Amounts>,
    /// By stage; repairs are `recovery`.
    pub by_component: BTreeMap<String, Amounts>,
    /// By repository; work for the run as a whole has an empty name.
    pub by_repository: BTreeMap<String, Amounts>,
    /// By task; work for none is left out.
    pub by_task: BTreeMap<TaskId, Amounts>,
    /// How it grew: one point after each settlement, reservation or limit, oldest first.
    pub course: Vec<SpendPoint>,
}

/// Money and tokens of some calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amounts {
    /// How many.
    pub calls: u64,
    /// What they have cost.
    pub spent: Usd,
    /// Their tokens.
    pub usage: TokenUsage,
}

impl Amounts {
    /// Adds others to them.
    pub fn add(&mut self, more: &Self) {
        self.calls += more.calls;
        self.spent = self.spent.saturating_add(more.spent);
        self.usage = self.usage.plus(&more.usage);
    }
}

/// Where the account stood at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SpendPoint {
    /// When.
    pub at: Timestamp,
    /// Settled until then.
    pub spent: Usd,
    /// Set aside then.
    pub reserved: Usd,
    /// The limit then.
    pub limit: Option<Usd>,
}

/// One piece of work of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Call {
    /// The agent's name; empty where only the account tells of the call.
    pub agent: String,
    /// The model; may be empty.
    pub model: String,
    /// The step's name, such as `agent`.
    pub step: String,
    /// The execution of that step, from 1.
    pub execution: u32,
    /// When it began.
    pub started: Option<Timestamp>,
    /// How long it took; `None` while it goes on, and where it was killed.
    pub duration_ms: Option<u64>,
    /// Its tokens.
    pub usage: TokenUsage,
    /// What it has cost; `None` before it is settled.
    pub spent: Option<Usd>,
    /// What is set aside for it.
    pub reserved: Usd,
}
