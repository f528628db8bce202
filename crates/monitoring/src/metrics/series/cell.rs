//! What a series counts with.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use core_types::Usd;
use serde::{Deserialize, Serialize};

use super::native::Native;

/// A number that only grows while the process lives. A clone counts on.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        // Nothing is read in the order of these writes.
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// What is counted by now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An amount of money that only grows, exact to the pico-dollar. A clone counts on.
#[derive(Debug, Clone, Default)]
pub struct Dollars(pub(in crate::metrics) Counter);

impl Dollars {
    /// Adds an amount.
    pub fn add(&self, amount: Usd) {
        self.0.add(amount.pico());
    }

    /// The sum by now.
    #[must_use]
    pub fn get(&self) -> Usd {
        Usd::from_pico(self.0.get())
    }
}

/// A number that goes up and down. A clone is the same number.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// How durations are spread: in the buckets of its family, and in exponential ones beside them, which
/// have no upper end. A clone observes on.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Mutex<State>>);

/// What a histogram has observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Exact, so that it is the same in whatever order: Prometheus takes the least fall for a new beginning.
    pub(crate) sum: Duration,
    pub(crate) count: u64,
    /// Upper bounds, the last one infinite, with the observations in this bucket alone.
    #[serde(with = "finite")]
    pub(crate) buckets: Box<[(f64, u64)]>,
    pub(crate) native: Native,
}

impl Histogram {
    pub(crate) fn new(bounds: &[f64]) -> Self {
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        Self(Arc::new(Mutex::new(State {
            sum: Duration::ZERO,
            count: 0,
            buckets: bounds.map(|bound| (bound, 0)).collect(),
            native: Native::default(),
        })))
    }

    /// Observes a duration, in seconds.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let mut state = self.lock();
        state.sum = state.sum.saturating_add(duration);
        state.count += 1;
        let bucket = state.buckets.partition_point(|(bound, _)| *bound < seconds);
        // The last bound is infinite, so that there is always one.
        if let Some((_, n)) = state.buckets.get_mut(bucket) {
            *n += 1;
        }
        state.native.observe(seconds);
    }

    /// Observes what another one of its family has observed.
    pub(crate) fn add(&self, other: &State) {
        let mut state = self.lock();
        state.sum = state.sum.saturating_add(other.sum);
        state.count += other.count;
        for (bound, n) in &other.buckets {
            // Where an older version had other bounds, the next one up holds them.
            let bucket = state.buckets.partition_point(|(own, _)| own < bound);
            if let Some((_, own)) = state.buckets.get_mut(bucket) {
                *own += n;
            }
        }
        state.native.add(&other.native);
    }

    /// How many durations were observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Buckets in JSON, which has no infinity: the last bound is left out.
mod finite {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    type Bucket = (Option<f64>, u64);

    pub(super) fn serialize<S: Serializer>(
        buckets: &[(f64, u64)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let finite = |bound: &f64| Some(*bound).filter(|it| it.is_finite());
        let buckets: Vec<Bucket> = buckets.iter().map(|(it, n)| (finite(it), *n)).collect();
        buckets.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<[(f64, u64)]>, D::Error> {
        let buckets = Vec::<Bucket>::deserialize(deserializer)?.into_iter();
        let infinite = |it: Option<f64>| it.unwrap_or(f64::INFINITY);
        Ok(buckets.map(|(it, n)| (infinite(it), n)).collect())
    }
}
