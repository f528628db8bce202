//! What is known of one lesson.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Tasks a block; a span of time is some blocks.
const BLOCK: u64 = 25;

/// Blocks kept; older ones are in the total alone.
const MAX_BLOCKS: usize = 200;

/// Where the watch on a promoted lesson gives it up: the evidence is e⁵ : 1 that its gain is gone.
const ALARM: f64 = 5.0;

/// What the watch holds a lesson to, of the gain that it was promoted with. What is promoted looked better than it
/// is, on average, since it was chosen for its looks.
const HELD_TO: f64 = 0.6;

/// How much lessons usually add or take.
const USUAL_GAIN: f64 = 0.05;

/// Sums over tasks in which chance decided whether the lesson was shown.
///
/// With the propensity e, whether it was shown a (1 or 0), the outcome y and the expectation m, a task adds
/// (a − e)(y − m) to the score. Since a was drawn, this is 0 on average for a lesson without effect, whatever
/// else made the task hard or easy, and whatever m is; a good m only makes it less noisy.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) score: f64,
    /// The score's variance if the lesson has no effect.
    pub(crate) variance: f64,
    /// By this the score of a lesson that adds 1 would grow.
    pub(crate) weight: f64,
}

impl Sum {
    pub(super) fn of(shown: bool, propensity: f64, outcome: f64, expected: f64) -> Self {
        let weight = propensity * (1.0 - propensity);
        let residual = outcome - expected;
        Self {
            score: (f64::from(u8::from(shown)) - propensity) * residual,
            variance: weight * residual * residual,
            weight,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            score: self.score + other.score,
            variance: self.variance + other.variance,
            weight: self.weight + other.weight,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            score: self.score - other.score,
            variance: self.variance - other.variance,
            weight: self.weight - other.weight,
        }
    }

    /// How many standard errors the score is above what no effect gives.
    pub(crate) fn z(self) -> f64 {
        if self.variance > 0.0 {
            self.score / self.variance.sqrt()
        } else {
            0.0
        }
    }

    /// The gain in success rate, and its standard error; nothing without any evidence.
    pub(crate) fn gain(self) -> Option<(f64, f64)> {
        (self.weight > 0.0 && self.variance > 0.0)
            .then(|| (self.score / self.weight, self.variance.sqrt() / self.weight))
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    pub(crate) shown_successes: u64,
    pub(crate) hidden: u64,
    pub(crate) hidden_successes: u64,
    pub(crate) total: Sum,
    /// The part of each outside source.
    outside: BTreeMap<u64, Sum>,
    blocks: VecDeque<Sum>,
    open: Sum,
    n_open: u64,
    /// The gain that it is held to since it was promoted; from then on it is watched.
    claim: Option<f64>,
    /// The evidence against the claim, 0 at least.
    doubt: f64,
}

impl Tally {
    pub(crate) fn tasks(&self) -> u64 {
        self.shown + self.hidden
    }

    pub(super) fn add(&mut self, sum: Sum, shown: bool, success: bool, outside: Option<u64>) {
        let (count, successes) = if shown {
            (&mut self.shown, &mut self.shown_successes)
        } else {
            (&mut self.hidden, &mut self.hidden_successes)
        };
        *count += 1;
        *successes += u64::from(success);
        self.total = self.total.plus(sum);
        if let Some(source) = outside {
            let part = self.outside.entry(source).or_default();
            *part = part.plus(sum);
        }
        self.open = self.open.plus(sum);
        self.n_open += 1;
        if let Some(claim) = self.claim {
            // Page's cumulative sum of the log-likelihood ratio of "no gain" to "the claimed gain".
            let noise = self.total.variance / self.total.weight;
            let against = claim * (claim * sum.weight / 2.0 - sum.score) / noise;
            self.doubt = (self.doubt + against).max(0.0);
        }
        if self.n_open == BLOCK {
            self.blocks.push_back(std::mem::take(&mut self.open));
            self.n_open = 0;
            if self.blocks.len() > MAX_BLOCKS {
                self.blocks.pop_front();
            }
        }
    }

    /// Puts right what was added for a task whose outcome changed.
    pub(super) fn correct(&mut self, was: Sum, is: Sum, shown: bool, outside: Option<u64>) {
        let successes = if shown {
            &mut self.shown_successes
        } else {
            &mut self.hidden_successes
        };
        *successes = if is_better(shown, was, is) {
            *successes + 1
        } else {
            successes.saturating_sub(1)
        };
        let difference = is.minus(was);
        self.total = self.total.plus(difference);
        if let Some(part) = outside.and_then(|source| self.outside.get_mut(&source)) {
            *part = part.plus(difference);
        }
        // Its block is the newest, or near enough: blocks only say where the trend goes.
        self.open = self.open.plus(difference);
    }

    /// The gain as one would bet on it: small until much speaks for more.
    pub(super) fn likely_gain(&self) -> f64 {
        self.total.gain().map_or(0.0, |(gain, error)| {
            gain * USUAL_GAIN * USUAL_GAIN / (USUAL_GAIN * USUAL_GAIN + error * error)
        })
    }

    /// The evidence as it is at its weakest when any one outside source is left out.
    pub(super) fn weakest_z(&self) -> f64 {
        self.outside
            .values()
            .map(|part| self.total.minus(*part).z())
            .fold(self.total.z(), f64::min)
    }

    /// The last `share` of its tasks.
    pub(super) fn recent(&self, share: f64) -> Sum {
        let n_blocks = (self.blocks.len() as f64 * share).ceil() as usize;
        self.blocks
            .iter()
            .rev()
            .take(n_blocks)
            .fold(self.open, |sum, block| sum.plus(*block))
    }

    pub(super) fn watch(&mut self) {
        self.claim = self.total.gain().map(|(gain, _)| gain * HELD_TO);
        self.doubt = 0.0;
    }

    /// Whether the gain that it was promoted with is gone.
    pub(crate) fn has_faded(&self) -> bool {
        self.doubt > ALARM
    }
}

fn is_better(shown: bool, was: Sum, is: Sum) -> bool {
    (is.score > was.score) == shown
}
