//! The calls of the system before, over the one `Metrics` of the process.

use std::sync::OnceLock;

use super::{Metrics, Status};

static METRICS: OnceLock<Metrics> = OnceLock::new();

/// The metrics of the process.
///
/// The static calls and the attributes of this crate count in them; everything else is passed in as a
/// [`Metrics`]. Each call does what the method of its name does there.
#[derive(Debug, Clone, Copy)]
pub struct MetricsCollector;

impl MetricsCollector {
    /// Makes these the metrics of the process; whether they are from now on. They are not if there were
    /// others before, by this call or by any other of this type.
    pub fn install(metrics: Metrics) -> bool {
        METRICS.set(metrics).is_ok()
    }

    /// The metrics of the process, made with default options if there were none.
    pub fn metrics() -> &'static Metrics {
        METRICS.get_or_init(Metrics::default)
    }

    /// As [`Metrics::record_workflow_execution`].
    pub fn record_workflow_execution(stage: &str, status: &str) {
        Self::metrics().record_workflow_execution(stage, status);
    }

    /// As [`Metrics::record_api_call`].
    pub fn record_api_call(provider: &str, method: &str, status: &str) {
        Self::metrics().record_api_call(provider, method, status);
    }

    /// As [`Metrics::record_task_execution`].
    pub fn record_task_execution(task_type: &str, status: &str) {
        Self::metrics().record_task_execution(task_type, status);
    }

    /// As [`Metrics::record_error`].
    pub fn record_error(error_type: &str, stage: &str) {
        Self::metrics().record_error(error_type, stage);
    }

    /// As [`Metrics::record_recovery_attempt`].
    pub fn record_recovery_attempt(recovery_type: &str, status: Status) {
        Self::metrics().record_recovery_attempt(recovery_type, status);
    }

    /// As [`Metrics::record_cache_hit`].
    pub fn record_cache_hit(cache_name: &str) {
        Self::metrics().record_cache_hit(cache_name);
    }

    /// As [`Metrics::record_cache_miss`].
    pub fn record_cache_miss(cache_name: &str) {
        Self::metrics().record_cache_miss(cache_name);
    }

    /// As [`Metrics::update_active_workflows`].
    pub fn update_active_workflows(count: usize) {
        Self::metrics().update_active_workflows(count);
    }

    /// As [`Metrics::update_estimated_cost`].
    pub fn update_estimated_cost(component: &str, usd: f64) {
        Self::metrics().update_estimated_cost(component, usd);
    }

    /// As [`Metrics::record_token_usage`].
    pub fn record_token_usage(model: &str, operation: &str, tokens: u64) {
        Self::metrics().record_token_usage(model, operation, tokens);
    }

    /// As [`Metrics::set_system_info`].
    pub fn set_system_info<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
        Self::metrics().set_system_info(labels);
    }

    /// As [`Metrics::get_metrics`].
    #[must_use]
    pub fn get_metrics() -> String {
        Self::metrics().get_metrics()
    }
}
