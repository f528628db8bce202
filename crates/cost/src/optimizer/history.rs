//! What past tasks have cost, held against what was estimated.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{RunId, TaskId, Usd};

use super::{effort::EffortModel, estimate::Costs};
use crate::ledger::Spending;

/// Fewer past tasks than this say nothing.
const LEAST_TASKS: usize = 20;

/// Fewer runs than this do not say how much runs differ.
const LEAST_RUNS: usize = 5;

/// A past run: what was estimated for it, by the models that it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// Which.
    pub run: RunId,
    /// What was estimated for its plan.
    pub costs: Costs,
    /// Those of its tasks whose work is over. Others go on spending, and say nothing yet.
    pub ended: BTreeSet<TaskId>,
}

/// What past tasks have cost, held against what was estimated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// Expected and actual cost of the tasks of each run.
    runs: Vec<Vec<(f64, f64)>>,
}

/// What a history changes of an estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Correction {
    pub(super) factor: f64,
    pub(super) spread: Spread,
}

/// Standard deviations of the logarithm of a cost around what is estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// Of each task for itself.
    pub(super) own: f64,
    /// Of all tasks of a plan together.
    pub(super) common: f64,
}

impl From<&EffortModel> for Spread {
    fn from(effort: &EffortModel) -> Self {
        let common = effort.common_spread;
        let own = (effort.spread.powi(2) - common.powi(2)).max(0.0).sqrt();
        Self { own, common }
    }
}

impl History {
    /// From pairs of the expected and the actual cost of past tasks, run by run. What cost nothing
    /// says nothing.
    #[must_use]
    pub fn of_runs(runs: &[Vec<(Usd, Usd)>]) -> Self {
        let told = runs.iter().map(|pairs| {
            let spent = pairs
                .iter()
                .filter(|(expected, actual)| *expected > Usd::ZERO && *actual > Usd::ZERO);
            let dollars = |usd: Usd| usd.pico() as f64 / 1e12;
            spent
                .map(|(expected, actual)| (dollars(*expected), dollars(*actual)))
                .collect::<Vec<_>>()
        });
        Self {
            runs: told.filter(|pairs| !pairs.is_empty()).collect(),
        }
    }

    /// From a ledger, and what was estimated for some of its runs. Tasks that have not ended are left
    /// out, and those of which some cost is not known, or still set aside.
    #[must_use]
    pub fn of_spending(spending: &Spending, past: &[PastRun]) -> Self {
        /// `None` where some of it is not known.
        type Actual = Option<Usd>;
        let mut actual: BTreeMap<(&RunId, &TaskId), Actual> = BTreeMap::new();
        for row in &spending.rows {
            if let Some(task) = &row.scope.task {
                let sum = actual
                    .entry((&row.scope.run, task))
                    .or_insert(Some(Usd::ZERO));
                *sum = sum
                    .filter(|_| row.unknown == 0)
                    .map(|sum| sum.saturating_add(row.spent));
            }
        }
        for open in &spending.open {
            if let Some(task) = &open.scope.task {
                actual.insert((&open.scope.run, task), None);
            }
        }
        let pairs = |past: &PastRun| -> Vec<(Usd, Usd)> {
            let tasks = past.costs.tasks.iter();
            tasks
                .filter(|(task, ..)| past.ended.contains(task))
                .filter_map(|(task, _, estimate)| {
                    let actual = actual.get(&(&past.run, task)).copied().flatten()?;
                    Some((estimate.expected, actual))
                })
                .collect()
        };
        Self::of_runs(&past.iter().map(pairs).collect::<Vec<_>>())
    }

    /// How many past tasks it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Nothing with too few tasks.
    pub(super) fn correction(&self, assumed: Spread) -> Option<Correction> {
        if self.len() < LEAST_TASKS {
            return None;
        }
        let pairs = || self.runs.iter().flatten();
        let expected: f64 = pairs().map(|(expected, _)| expected).sum();
        let actual: f64 = pairs().map(|(_, actual)| actual).sum();
        Some(Correction {
            // What makes all of them together right. A mean of ratios would give small tasks, whose
            // ratios vary most, the same say as those that cost most.
            factor: actual / expected,
            spread: self.spread(assumed),
        })
    }

    /// How far tasks are from what was estimated: by runs, what they share and what each has for
    /// itself, by an analysis of variance. What is common includes how little is known of the factor.
    fn spread(&self, assumed: Spread) -> Spread {
        let ratio = |(expected, actual): &(f64, f64)| (actual / expected).ln();
        let (n, k) = (self.len() as f64, self.runs.len() as f64);
        let mean = self.runs.iter().flatten().map(ratio).sum::<f64>() / n;
        let (mut within, mut between, mut sizes) = (0.0, 0.0, 0.0);
        for run in &self.runs {
            let size = run.len() as f64;
            let of_run = run.iter().map(ratio).sum::<f64>() / size;
            within += run
                .iter()
                .map(|it| (ratio(it) - of_run).powi(2))
                .sum::<f64>();
            between += size * (of_run - mean).powi(2);
            sizes += size.powi(2);
        }
        // Where each run has a single task, all counts as common: the wider of what it may be.
        let own = if n > k { within / (n - k) } else { 0.0 };
        let common = if self.runs.len() < LEAST_RUNS {
            assumed.common.powi(2)
        } else {
            let mean_size = (n - sizes / n) / (k - 1.0);
            ((between / (k - 1.0) - own) / mean_size).max(0.0)
        };
        Spread {
            own: own.sqrt(),
            common: (common * (1.0 + 1.0 / k) + own / n).sqrt(),
        }
    }
}
