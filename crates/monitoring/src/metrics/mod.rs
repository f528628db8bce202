//! Counters, gauges and histograms, and how Prometheus gets them.
//!
//! [`Metrics`] holds all [families](catalogue) of the engine. [`MetricsCollector`] has the calls of the
//! system before, as static functions over the one `Metrics` of the process.
//!
//! # Example
//!
//! ```
//! use monitoring::metrics::{MetricsCollector, measure_duration};
//! # struct Issue;
//! # #[derive(Debug)]
//! # struct Error;
//!
//! // Automatic measurement with an attribute
//! #[measure_duration("planning")]
//! async fn execute_planning(issue: Issue) -> Result<(), Error> {
//!     // Planning logic
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! execute_planning(Issue).await?;
//!
//! // Manual metrics
//! MetricsCollector::record_workflow_execution("planning", "success");
//! MetricsCollector::record_api_call("gitea", "create_issue", "success");
//! MetricsCollector::update_active_workflows(5);
//!
//! // Track actual costs
//! MetricsCollector::update_estimated_cost("implementation", 35.50);
//! MetricsCollector::record_token_usage("claude-sonnet-4.5", "planning", 15000);
//!
//! let text = MetricsCollector::get_metrics();
//! for line in [
//!     r#"automation_workflow_executions_total{stage="planning",status="success"} 2"#,
//!     r#"automation_workflow_executions_total{stage="planning",status="failed"} 0"#,
//!     r#"automation_workflow_duration_seconds_count{stage="planning"} 1"#,
//!     r#"automation_api_calls_total{provider="gitea",method="create_issue",status="success"} 1"#,
//!     r#"automation_api_calls_total{provider="gitea",method="create_issue",status="error"} 0"#,
//!     "automation_active_workflows 5.0",
//!     r#"automation_estimated_cost_dollars{component="implementation"} 35.5"#,
//!     r#"automation_token_usage_total{model="claude-sonnet-4.5",operation="planning"} 15000"#,
//! ] {
//!     assert!(text.lines().any(|found| found == line), "{line}\n{text}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - A *family* has a name, a kind and labels; a *series* of it is one combination of values. What can
//!   be enumerated is there from the start, as 0: a stage that only ever fails has a ratio of 0, not none.
//! - Each label has a bound on its values, and each family one on its series. What comes after them, and
//!   what may not stand in a label (control characters, more than 128 bytes), counts as [`OTHER`] and in
//!   `automation_series_overflow_total{family}`. A series is never removed.
//! - Counters live as long as the process, as Prometheus expects. [`EventFold`] counts what journals of
//!   runs tell; after a restart it counts the same events again from the start, and a
//!   [`Tally`] stands for those of a run that was removed. What is under way now,
//!   [`Metrics::show_runs`] takes from the summaries that pages show.
//! - [`Format`] is what a scraper gets, chosen by its `Accept` header.

mod calls;
pub mod catalogue;
mod collector;
mod encode;
mod families;
mod fold;
mod measure;
mod reference;
mod series;
mod show;
#[doc(hidden)]
pub mod support;
mod tally;

pub use ::macros::{measure_api_call, measure_duration, measure_task};

pub use self::{
    calls::{Metrics, Options, Status},
    collector::MetricsCollector,
    encode::Format,
    fold::EventFold,
    reference::reference,
    series::{Counter, Dollars, Gauge, Histogram, OTHER},
    tally::Tally,
};
