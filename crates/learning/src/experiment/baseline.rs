//! What a task would have come to without any lesson, as far as its kind tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much one task more makes of the earlier ones, so that a better model is noticed: half of the weight is
/// gone after some 350 tasks of the same kind.
const KEPT: f64 = 0.998;

/// How many tasks of all kinds a kind without history counts as.
const PRIOR_TASKS: f64 = 4.0;

/// How many kinds are told apart; what comes later is all one.
const MAX_KINDS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Count {
    tasks: f64,
    successes: f64,
}

/// Success rates so far, by kind of task. Only what was before a task goes into its expectation, so that
/// the expectation cannot know the task's own outcome.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    all: Count,
    kinds: BTreeMap<u64, Count>,
}

impl Baseline {
    pub(super) fn expect(&self, kind: u64) -> f64 {
        let all = (self.all.successes + 1.0) / (self.all.tasks + 2.0);
        let own = self.kinds.get(&kind).copied().unwrap_or_default();
        (own.successes + PRIOR_TASKS * all) / (own.tasks + PRIOR_TASKS)
    }

    pub(super) fn add(&mut self, kind: u64, success: bool) {
        let is_known = self.kinds.contains_key(&kind) || self.kinds.len() < MAX_KINDS;
        let own = is_known.then(|| self.kinds.entry(kind).or_default());
        for count in own.into_iter().chain([&mut self.all]) {
            count.tasks = count.tasks * KEPT + 1.0;
            count.successes = count.successes * KEPT + f64::from(u8::from(success));
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
