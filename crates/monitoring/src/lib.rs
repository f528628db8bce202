//! What happens in runs, as figures: metrics for Prometheus, folds of a run's events, and a dashboard.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `dashboard` | the pages and their server, with axum, hyper and maud |
//! | `testkit` | a source of runs in memory and made-up runs, for tests of who shows them |

#[cfg(feature = "dashboard")]
pub mod dashboard;
pub mod fold;
pub mod metrics;
#[cfg(feature = "testkit")]
pub mod samples;
