//! Measuring what runs, as wrappers of futures.

use std::time::Instant;

use super::{Metrics, Status};

impl Metrics {
    /// Runs a stage, and counts its end and how long it took.
    ///
    /// # Errors
    ///
    /// The stage's own.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the stage; then nothing is counted, since nothing has ended. A panic counts as
    /// failed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use monitoring::metrics::Metrics;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::num::ParseIntError> {
    /// let metrics = Metrics::default();
    /// let plan = metrics.measure_duration("planning", async { "42".parse::<u64>() }).await?;
    /// assert_eq!(plan, 42);
    /// let counted = r#"automation_workflow_executions_total{stage="planning",status="success"} 1"#;
    /// assert!(metrics.get_metrics().contains(counted));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn measure_duration<T, E>(
        &self,
        stage: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        measured(self, Measured::Stage(stage), work).await
    }

    /// Makes a call of a service, and counts its end and how long it took.
    ///
    /// # Errors
    ///
    /// The call's own.
    ///
    /// # Cancel safety
    ///
    /// As [`measure_duration`](Self::measure_duration).
    pub async fn measure_api_call<T, E>(
        &self,
        provider: &str,
        method: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        measured(self, Measured::Call(provider, method), work).await
    }

    /// Runs a task, and counts its end and how long it took.
    ///
    /// # Errors
    ///
    /// The task's own.
    ///
    /// # Cancel safety
    ///
    /// As [`measure_duration`](Self::measure_duration).
    pub async fn measure_task<T, E>(
        &self,
        task_type: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        measured(self, Measured::Task(task_type), work).await
    }
}

async fn measured<T, E>(
    metrics: &Metrics,
    what: Measured<'_>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let measure = Measure::start(metrics, what);
    let result = work.await;
    measure.end(Status::of(&result));
    result
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measured<'a> {
    Stage(&'a str),
    Call(&'a str, &'a str),
    Task(&'a str),
}

/// A measurement that has begun.
#[derive(Debug)]
pub(super) struct Measure<'a> {
    metrics: &'a Metrics,
    what: Measured<'a>,
    start: Instant,
    has_ended: bool,
}

impl<'a> Measure<'a> {
    pub(super) fn start(metrics: &'a Metrics, what: Measured<'a>) -> Self {
        Self {
            metrics,
            what,
            start: Instant::now(),
            has_ended: false,
        }
    }

    pub(super) fn end(mut self, status: Status) {
        self.record(status);
    }

    fn record(&mut self, status: Status) {
        self.has_ended = true;
        let (metrics, duration) = (self.metrics, self.start.elapsed());
        match self.what {
            Measured::Stage(stage) => {
                metrics.record_workflow_execution(stage, status.as_str());
                metrics.observe_workflow_duration(stage, duration);
            }
            Measured::Call(provider, method) => {
                metrics.record_api_call(provider, method, status.of_call());
                metrics.observe_api_call_duration(provider, method, duration);
            }
            Measured::Task(task_type) => {
                metrics.record_task_execution(task_type, status.as_str());
                metrics.observe_task_duration(task_type, duration);
            }
        }
    }
}

impl Drop for Measure<'_> {
    fn drop(&mut self) {
        if !self.has_ended && std::thread::panicking() {
            self.record(Status::Failed);
        }
    }
}
