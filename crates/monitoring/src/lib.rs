//! What happens in runs, as figures: metrics for Prometheus, folds of a run's events, and a dashboard.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `dashboard` | the pages and their server, with axum, hyper and maud |

#[cfg(feature = "dashboard")]
pub mod dashboard;
pub mod fold;
pub mod metrics;
