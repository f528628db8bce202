//! Calls made rarely, cheaply and within limits: caching with one call for concurrent misses, an HTTP
//! connection pool, batches of forge calls, and one rate governor for each account.
//!
//! # Example
//!
//! ```
//! use perf_utils::cached;
//! # use core_types::{GitProvider, Issue, NewIssue, OperationId, PortError};
//! # use std::sync::LazyLock;
//! # static GIT: LazyLock<testkit::MemoryForge> = LazyLock::new(testkit::MemoryForge::default);
//!
//! #[cached(ttl_seconds = 600)] // Cache for 10 minutes
//! async fn get_issue(issue_number: u64) -> Result<Issue, PortError> {
//!     GIT.get_issue(issue_number).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issue = NewIssue { title: "Add login".into(), ..NewIssue::default() };
//! # GIT.create_issue(&OperationId::new("example")?, issue).await?;
//! assert_eq!(get_issue(1).await?.title, "Add login"); // asks the forge
//! assert_eq!(get_issue(1).await?.title, "Add login"); // does not
//!
//! // Get cache statistics
//! let stats = get_issue::cache().get_stats();
//! println!("Hit rate: {:.1}%", stats.hit_rate() * 100.0);
//! assert_eq!((stats.hits, stats.misses), (1, 1));
//!
//! // Clear cache when needed
//! get_issue::cache().clear();
//! assert_eq!(get_issue::cache().get_stats().entries, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - [`AsyncCache`] keeps values by typed keys. An entry is *fresh* until its time to live has passed;
//!   a lookup is a *hit* or a *miss*. Calls under way are *flights*: all who miss one key sit in one.
//! - [`cached`] gives a free async function such a cache; the tuple of its arguments, owned, is the
//!   key. `name::cache()` is the cache of the function `name`. What an attribute does not say comes from
//!   the process's defaults, [`set_cache_defaults`].
//! - [`HttpConnectionPool`] sends requests to one server. A connection is *in use* or *idle*; a request
//!   without one *waits*.
//! - [`RateGovernor`] gives *permits* for calls, and learns from their answers.
//! - [`BatchOperations`] sends many mutations of a forge; each *item* has an operation id.
//!
//! # Guarantees
//!
//! - Cache: of any number of concurrent misses of one key, one calls. Neither a panic nor a dropped
//!   caller leaves others waiting: the next one calls. A value that was begun before a `delete`,
//!   `clear` or `set` is never stored after it. An `Err` is not kept unless a negative time to live is
//!   set. Keys are compared by value, never by a printed form.
//! - Pool: never more than `max_connections`; a connection that becomes free goes to whoever waited
//!   longest before it counts as idle; no path, redirect or header leads to another server; nothing is
//!   sent twice; credentials are in no debug output; no task is spawned.
//! - Governor: in no stretch of time more calls than any of its quotas; mutations as far apart as it
//!   says; no call before a time that the host named; callers of a kind in their order.
//! - Batch: exactly one result for each item, in order, whatever fails; a re-run sends only what the
//!   forge does not know.
//!
//! # What a status means
//!
//! | answer | class |
//! |---|---|
//! | 429; 403 with `Retry-After`, with no calls remaining, or in the words of a secondary limit | `RateLimited`, with the time |
//! | 503 with `Retry-After` | `RateLimited`, of a mutation `UnknownOutcome` |
//! | 408, 425 | `Transient` |
//! | 500, 502, 503, 504 and other 5xx | `Transient`, of a mutation `UnknownOutcome` |
//! | 401, 403 | `Unauthorized` |
//! | 404, 410 | `NotFound` |
//! | 409, 412 | `Conflict` |
//! | all other 3xx and 4xx, 501, 505 | `Validation` |
//! | no connection | `Transient` |
//! | a timeout, a broken connection | `Transient`, of a mutation that was sent `UnknownOutcome` |
//! | a certificate that is not trusted | `Validation` |
//!
//! # Limits
//!
//! - A full cache may refuse a new entry that is less likely to be asked for than those it has.
//! - A cached function must not call itself with the same arguments: it would wait for itself.
//! - `#[cached]` serves no methods, generic functions or arguments that it cannot own; each is a
//!   compile error that says what to do.
//! - HTTP/1.1 only: on one connection HTTP/2 was slower here. Bodies are read whole, up to a limit.
//! - A governor knows the calls of its process alone; of others it hears by the host's answers.
//! - Nothing here retries; that is recovery's.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `http` (default) | [`http`], with hyper and rustls |

pub mod batch;
pub mod cache;
mod cached;
pub mod governor;
#[cfg(feature = "http")]
pub mod http;

pub use ::macros::cached;

#[doc(hidden)]
pub use self::cached::support;
#[cfg(feature = "http")]
pub use self::http::HttpConnectionPool;
pub use self::{
    batch::{BatchItem, BatchOperations, BatchOptions, IssueUpdate},
    cache::{AsyncCache, CacheOptions, CacheStats},
    cached::set_cache_defaults,
    governor::RateGovernor,
};
