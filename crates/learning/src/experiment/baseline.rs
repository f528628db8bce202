//! What a task would have come to without any lesson, as far as its kind tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much one task more makes of the earlier ones, so that a better model is noticed: half of the weight is
/// gone after some 350 tasks of the same kind.
const KEPT: f64 = 0.998;

/// How many tasks of all kinds a kind without history counts as.
const PRIOR_TASKS: f64 = 10.0;

/// How many kinds are told apart; what comes later is all one.
const MAX_KINDS: usize = 1_000;

/// How much evidence the slope of complexity starts from, as that of no slope.
const PRIOR_SLOPE: f64 = 2.0;

/// What is known of a task before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) kind: u64,
    /// How hard it looks, where somebody said so.
    pub(crate) complexity: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Count {
    tasks: f64,
    successes: f64,
    /// Sum over tasks whose complexity is known, and how many these are.
    complexity: f64,
    n_complexity: f64,
}

/// Success rates so far, by kind of task, and how they fall with complexity. Only what was before a task goes
/// into its expectation, so that the expectation cannot know the task's own outcome.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    all: Count,
    kinds: BTreeMap<u64, Count>,
    /// Sums of products and squares of what complexity and outcome differ from their kind's means by.
    products: f64,
    squares: f64,
}

impl Baseline {
    pub(super) fn expect(&self, known: Known) -> f64 {
        let rate = self.rate(known.kind);
        let slope = self.products / (self.squares + PRIOR_SLOPE);
        let differs = known
            .complexity
            .map_or(0.0, |it| it - self.mean_complexity());
        (rate + slope * differs).clamp(0.0, 1.0)
    }

    fn rate(&self, kind: u64) -> f64 {
        let all = (self.all.successes + 1.0) / (self.all.tasks + 2.0);
        let own = self.kinds.get(&kind).copied().unwrap_or_default();
        (own.successes + PRIOR_TASKS * all) / (own.tasks + PRIOR_TASKS)
    }

    fn mean_complexity(&self) -> f64 {
        (self.all.complexity + 0.5) / (self.all.n_complexity + 1.0)
    }

    pub(super) fn add(&mut self, known: Known, success: bool) {
        let outcome = f64::from(u8::from(success));
        if let Some(complexity) = known.complexity {
            let differs = complexity - self.mean_complexity();
            self.products = self.products * KEPT + differs * (outcome - self.rate(known.kind));
            self.squares = self.squares * KEPT + differs * differs;
        }
        let is_known = self.kinds.contains_key(&known.kind) || self.kinds.len() < MAX_KINDS;
        let own = is_known.then(|| self.kinds.entry(known.kind).or_default());
        for count in own.into_iter().chain([&mut self.all]) {
            count.tasks = count.tasks * KEPT + 1.0;
            count.successes = count.successes * KEPT + outcome;
            if let Some(complexity) = known.complexity {
                count.complexity = count.complexity * KEPT + complexity;
                count.n_complexity = count.n_complexity * KEPT + 1.0;
            }
        }
    }
}

/// The kind of a task, from what is known of it beforehand.
pub(crate) fn stratum(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    // 48 bits, so that JSON readers that know no 64-bit integers keep it.
    hash.finalize()
        .iter()
        .take(6)
        .fold(0, |all, byte| (all << 8) | u64::from(*byte))
}
