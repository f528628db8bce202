use std::time::Duration;

use super::Error;

/// How long and how much a cache keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// How long a value is served after it was stored; 5 minutes by default, in which an issue
    /// seldom changes.
    pub ttl: Duration,
    /// How many entries are kept; 1,000 by default, some megabytes of issues. One more puts out the
    /// entry, old or new, that is least likely to be asked for again.
    pub max_size: u64,
    /// How long a failed [`get_or_load`](super::AsyncCache::get_or_load) is remembered. `None`, the
    /// default, remembers none, so that the next caller tries again. None is remembered for longer
    /// than [`ttl`](Self::ttl).
    pub negative_ttl: Option<Duration>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            max_size: 1000,
            negative_ttl: None,
        }
    }
}

impl CacheOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.ttl.is_zero() {
            return Err(Error::ZeroTtl { option: "ttl" });
        }
        if self.negative_ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Err(Error::ZeroTtl {
                option: "negative_ttl",
            });
        }
        if self.max_size == 0 {
            return Err(Error::NoRoom);
        }
        Ok(())
    }
}
