//! The calls that change the families.

use std::{sync::Arc, time::Duration};

use core_types::{Stage, Timestamp, Usd};

use super::{catalogue, families::Families, series::Counter};

/// How much there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// With so many series a family makes no others but those of [`OTHER`](super::OTHER). Those that are
    /// there from the start count; those that the last one brings with it (the failure beside a
    /// success) are made, too. 100: a family with more needs another design, say Prometheus's guides.
    pub max_series: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_series: 100 }
    }
}

/// How a stage, task or call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should; `success`.
    Success,
    /// Not; `failed`, of a call `error`.
    Failed,
}

impl Status {
    /// Of a result.
    #[must_use]
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() {
            Self::Success
        } else {
            Self::Failed
        }
    }

    /// The label's value for stages and tasks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        catalogue::ENDS[self as usize]
    }

    /// The label's value for calls.
    #[must_use]
    pub const fn of_call(self) -> &'static str {
        catalogue::CALL_ENDS[self as usize]
    }
}

/// All families of metrics of the engine.
///
/// The calls of the seed have its names and take its texts; a value that a label has no room for counts
/// as [`OTHER`](super::OTHER). They can be made from any thread, and none of them waits for IO. A clone is
/// the same metrics.
///
/// # Examples
///
/// ```
/// use core_types::Stage;
/// use monitoring::metrics::{Format, Metrics, Status};
///
/// let metrics = Metrics::default();
/// metrics.record_cache_hit("issues");
/// // The typed path: no text is looked up.
/// metrics.workflow_executions(Stage::Planning, Status::Failed).inc();
///
/// let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
/// let format = Format::negotiate(Some(accept));
/// assert_eq!(format, Format::OpenMetrics);
/// let body = String::from_utf8(metrics.encode(format)).unwrap_or_default();
/// assert!(body.contains("automation_cache_hits_total{cache_name=\"issues\"} 1\n"));
/// assert!(body.ends_with("# EOF\n"));
/// ```
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) families: Arc<Families>,
    /// Clones of the counters of `workflow_executions`, by stage and status.
    by_stage: [[Counter; 2]; Stage::ALL.len()],
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(&Options::default())
    }
}

impl Metrics {
    /// Families with what can be enumerated at 0.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let families = Families::new(options.max_series);
        let counter = |stage: Stage, status: Status| {
            let values = [stage.as_str(), status.as_str()];
            families.workflow_executions.cell(&values)
        };
        let ends = [Status::Success, Status::Failed];
        Self {
            by_stage: Stage::ALL.map(|stage| ends.map(|status| counter(stage, status))),
            families: Arc::new(families),
        }
    }

    /// The counter of stages that ended so. Nothing is looked up.
    #[must_use]
    pub fn workflow_executions(&self, stage: Stage, status: Status) -> &Counter {
        &self.by_stage[stage as usize][status as usize]
    }

    /// Counts a stage that ended; `status` is `success` or `failed`.
    pub fn record_workflow_execution(&self, stage: &str, status: &str) {
        self.families
            .workflow_executions
            .with(&[stage, status], Counter::inc);
    }

    /// Observes how long a stage took.
    pub fn observe_workflow_duration(&self, stage: &str, duration: Duration) {
        self.families
            .workflow_duration
            .with(&[stage], |cell| cell.observe(duration));
    }

    /// Sets how many runs are under way.
    pub fn update_active_workflows(&self, count: usize) {
        self.families
            .active_workflows
            .with(&[], |cell| cell.set(count as f64));
    }

    /// Counts a call of a service; `status` is `success` or `error`.
    pub fn record_api_call(&self, provider: &str, method: &str, status: &str) {
        self.families
            .api_calls
            .with(&[provider, method, status], Counter::inc);
    }

    /// Observes how long a call took.
    pub fn observe_api_call_duration(&self, provider: &str, method: &str, duration: Duration) {
        let values = [provider, method];
        self.families
            .api_call_duration
            .with(&values, |cell| cell.observe(duration));
    }

    /// Counts a task that ended; `status` is `success` or `failed`.
    pub fn record_task_execution(&self, task_type: &str, status: &str) {
        self.families
            .task_executions
            .with(&[task_type, status], Counter::inc);
    }

    /// Observes how long a task took.
    pub fn observe_task_duration(&self, task_type: &str, duration: Duration) {
        self.families
            .task_duration
            .with(&[task_type], |cell| cell.observe(duration));
    }

    /// Counts a failure; `error_type` is the [name](core_types::ErrorClass::as_str) of its class.
    pub fn record_error(&self, error_type: &str, stage: &str) {
        self.families
            .errors
            .with(&[error_type, stage], Counter::inc);
    }

    /// Counts a repair that ended, with its strategy as type.
    pub fn record_recovery_attempt(&self, recovery_type: &str, status: Status) {
        let success = match status {
            Status::Success => "True",
            Status::Failed => "False",
        };
        self.families
            .recovery_attempts
            .with(&[recovery_type, success], Counter::inc);
    }

    /// Counts a lookup that a cache answered. Its misses are 0 from now on, and not absent.
    pub fn record_cache_hit(&self, cache_name: &str) {
        self.families.cache_misses.with(&[cache_name], |_| ());
        self.families.cache_hits.with(&[cache_name], Counter::inc);
    }

    /// Counts a lookup that a cache did not answer. Its hits are 0 from now on, and not absent.
    pub fn record_cache_miss(&self, cache_name: &str) {
        self.families.cache_hits.with(&[cache_name], |_| ());
        self.families.cache_misses.with(&[cache_name], Counter::inc);
    }

    /// Sets what a component costs, in USD.
    pub fn update_estimated_cost(&self, component: &str, usd: f64) {
        self.families
            .estimated_cost
            .with(&[component], |cell| cell.set(usd));
    }

    /// Counts tokens that a model used for an operation.
    pub fn record_token_usage(&self, model: &str, operation: &str, tokens: u64) {
        self.families
            .token_usage
            .with(&[model, operation], |cell| cell.add(tokens));
    }

    /// Sets what the system is: at most 32 names and values. A name is turned into one that a label
    /// may have.
    pub fn set_system_info<'a>(&self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.families.system_info.set(labels);
    }

    /// Sets when the prices in use were last checked.
    pub fn update_price_table(&self, checked: Timestamp) {
        self.families
            .price_table
            .with(&[], |cell| cell.set(seconds(checked)));
    }
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

/// The nearest number of dollars.
pub(super) fn usd(amount: Usd) -> f64 {
    const PICO_PER_USD: f64 = 1e12;
    amount.pico() as f64 / PICO_PER_USD
}
