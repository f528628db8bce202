use std::sync::OnceLock;

use crate::cache::{CacheOptions, Error};

/// The one place of the process's defaults. Everything else is passed in.
static DEFAULTS: OnceLock<CacheOptions> = OnceLock::new();

/// Sets what cached functions use where their attribute says nothing; of `negative_ttl` too, for
/// functions that return a `Result` whose error is `Clone`.
///
/// For the program's start, before any cached function is called: their caches keep the options
/// that they are made with.
///
/// # Errors
///
/// Options that [`AsyncCache::new`](crate::AsyncCache::new) refuses; `DefaultsInUse` at the second
/// time, or after a cached function was called.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use perf_utils::{CacheOptions, cached, set_cache_defaults};
///
/// #[cached]
/// async fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), perf_utils::cache::Error> {
/// set_cache_defaults(CacheOptions { ttl: Duration::from_secs(60), ..CacheOptions::default() })?;
/// assert_eq!(square(7).await, 49);
/// assert!(set_cache_defaults(CacheOptions::default()).is_err());
/// # Ok(())
/// # }
/// ```
pub fn set_cache_defaults(options: CacheOptions) -> Result<(), Error> {
    options.check()?;
    DEFAULTS.set(options).map_err(|_| Error::DefaultsInUse)
}

pub(super) fn cache_defaults() -> &'static CacheOptions {
    DEFAULTS.get_or_init(CacheOptions::default)
}
