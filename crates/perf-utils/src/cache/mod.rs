//! A cache with typed keys, a time to live, and one call for concurrent misses.

mod error;
mod flight;
mod kept;
mod options;
mod stats;
mod store;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use self::kept::Share;
pub use self::{error::Error, options::CacheOptions, stats::CacheStats, store::AsyncCache};
