//! Exponential buckets, as Prometheus's native histograms have them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// 2³ = 8 buckets for each power of two: a bucket's end is 9 % above its start.
pub(crate) const SCHEMA: i32 = 3;
/// What is no longer counts as zero: a nanosecond.
pub(crate) const ZERO_THRESHOLD: f64 = 1e-9;

const PER_POWER: f64 = (1 << SCHEMA) as f64;

/// Observations by the index of their bucket. Durations lie between a nanosecond and 2⁶⁴ seconds, which
/// bounds the indices to 8 × (30 + 64).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Native {
    pub(crate) zero: u64,
    buckets: BTreeMap<i32, u64>,
}

impl Native {
    pub(super) fn observe(&mut self, seconds: f64) {
        if seconds <= ZERO_THRESHOLD {
            self.zero += 1;
            return;
        }
        // Bucket i holds (2^((i-1)/8), 2^(i/8)].
        let index = (seconds.log2() * PER_POWER).ceil() as i32;
        *self.buckets.entry(index).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.zero += other.zero;
        for (index, n) in &other.buckets {
            *self.buckets.entry(*index).or_default() += n;
        }
    }

    /// The buckets as Prometheus takes them: runs of neighbors as (gap to the end of the run before,
    /// length), and the difference of each bucket from the one before.
    pub(crate) fn spans_and_deltas(&self) -> (Vec<(i32, u32)>, Vec<i64>) {
        let (mut spans, mut deltas) = (Vec::<(i32, u32)>::new(), Vec::new());
        let (mut next, mut before) = (0, 0);
        for (&index, &n) in &self.buckets {
            match spans.last_mut() {
                Some((_, length)) if index == next => *length += 1,
                _ => spans.push((index - next, 1)),
            }
            next = index + 1;
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            deltas.push(n - before);
            before = n;
        }
        (spans, deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_up_to_its_end() {
        let mut native = Native::default();
        for seconds in [0.0, 1.0, 1.05, 1.09, 2.0, 4.0, 4.0] {
            native.observe(seconds);
        }
        assert_eq!(native.zero, 1);
        // Index 0 ends at 1, index 1 at 2^(1/8) = 1.09…, index 8 at 2, index 16 at 4.
        let (spans, deltas) = native.spans_and_deltas();
        assert_eq!(spans, [(0, 2), (6, 1), (7, 1)], "gaps and runs");
        assert_eq!(deltas, [1, 1, -1, 1], "1, 2, 1 and 2 observations");
    }
}
