use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was made. The counters never go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that found an entry, remembered failures included.
    pub hits: u64,
    /// Lookups that found none; those that waited for another's call are among them.
    pub misses: u64,
    /// Calls of a loader.
    pub loads: u64,
    /// Entries put out for lack of room, whether or not they would have been served again.
    pub evictions: u64,
    /// Entries that a lookup would find now.
    pub entries: u64,
}

impl CacheStats {
    /// The share of lookups that found an entry, from 0 to 1; 0 where there was none.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            return 0.0;
        }
        self.hits as f64 / lookups as f64
    }
}

/// The counters behind [`CacheStats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
    pub(super) loads: Counter,
    pub(super) evictions: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add_one(&self) {
        // Counters order nothing.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
