//! What limits stand on.

use std::fmt;

use core_types::{RepositoryName, RunId, SpendScope, TaskId, Timestamp, Usd};
use serde::{Deserialize, Serialize};

/// A day in UTC, counted from 1970-01-01. Shown as `2026-11-25`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Day(pub u32);

impl Day {
    /// The day of a point in time.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(u32::try_from(at.0 / 86_400_000).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Timestamp(u64::from(self.0) * 86_400_000).to_string();
        f.pad(midnight.split('T').next().unwrap_or_default())
    }
}

/// What a limit stands on: a run, a day, a repository in a day, a task of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "scope")]
pub enum Limit {
    /// One run.
    Run {
        /// Which.
        run: RunId,
    },
    /// All runs in one day.
    Day {
        /// Which.
        day: Day,
    },
    /// All work on one repository in one day.
    Repository {
        /// Which.
        repository: RepositoryName,
        /// In which day.
        day: Day,
    },
    /// All attempts at one task of a run.
    Task {
        /// Of which run.
        run: RunId,
        /// Which.
        task: TaskId,
    },
}

impl Limit {
    /// The accounts that work of a scope is charged to.
    pub(super) fn of(scope: &SpendScope, day: Day) -> impl Iterator<Item = Self> + use<> {
        let run = Some(Self::Run {
            run: scope.run.clone(),
        });
        let repository = scope
            .repository
            .clone()
            .map(|repository| Self::Repository { repository, day });
        let task = scope.task.clone().map(|task| Self::Task {
            run: scope.run.clone(),
            task,
        });
        [run, Some(Self::Day { day }), repository, task]
            .into_iter()
            .flatten()
    }

    /// The line by which a person raises it.
    #[must_use]
    pub fn raise_line(&self, to: Usd) -> String {
        let command = "automation budget raise";
        match self {
            Self::Run { run } => format!("{command} {to} --run {run}"),
            Self::Day { day } => format!("{command} {to} --day {day}"),
            Self::Repository { repository, day } => {
                format!("{command} {to} --repo {repository} --day {day}")
            }
            Self::Task { run, task } => format!("{command} {to} --run {run} --task {task}"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { run } => write!(f, "run {run}"),
            Self::Day { day } => write!(f, "day {day}"),
            Self::Repository { repository, day } => {
                write!(f, "repository {repository} on {day}")
            }
            Self::Task { run, task } => write!(f, "task {task} of run {run}"),
        }
    }
}

/// Whether a limit may be gone past by consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hardness {
    /// The share of a limit at which a run asks.
    Soft,
    /// The limit.
    Hard,
}

/// A limit that a reservation would have passed. Nothing was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetExceeded {
    /// What the limit stands on.
    pub limit: Limit,
    /// Whether it is the limit itself, or the share of it at which a run asks.
    pub hardness: Hardness,
    /// The limit itself.
    pub amount: Usd,
    /// What was to be kept: the limit, or the share of it.
    pub bound: Usd,
    /// What is spent of it.
    pub spent: Usd,
    /// What is set aside for work that has not ended, or that was killed.
    pub reserved: Usd,
    /// What was needed.
    pub asked: Usd,
}

impl BudgetExceeded {
    /// The line by which a person lets the work go on.
    #[must_use]
    pub fn raise_line(&self) -> String {
        let needed = self.spent.saturating_add(self.reserved);
        let needed = needed.saturating_add(self.asked).max(self.amount);
        // Twice the need also leaves the soft share behind, and is not asked for at every step.
        let whole_usd = needed.pico().saturating_mul(2).div_ceil(PICO_PER_USD);
        let to = Usd::from_pico(whole_usd.saturating_mul(PICO_PER_USD));
        self.limit.raise_line(to)
    }

    /// Whether room may come back by itself, once work that holds money has ended.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.reserved > Usd::ZERO && self.spent.saturating_add(self.asked) <= self.bound
    }
}

const PICO_PER_USD: u64 = 1_000_000_000_000;

impl fmt::Display for BudgetExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            limit,
            amount,
            bound,
            spent,
            reserved,
            asked,
            ..
        } = self;
        match self.hardness {
            Hardness::Hard => write!(f, "the limit of {limit}, {amount} USD, would be passed")?,
            Hardness::Soft => write!(
                f,
                "{limit} asks before it spends more than {bound} of its {amount} USD"
            )?,
        }
        write!(
            f,
            ": {spent} are spent, {reserved} set aside, {asked} needed; to go on: {}",
            self.raise_line()
        )
    }
}

impl std::error::Error for BudgetExceeded {}
