//! Why an execution did not begin.

use crate::graph::Finding;

/// Why an execution did not begin. Nothing was started, no function was called.
///
/// What goes wrong in a task is not an error of the execution: see [`Outcome`](crate::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The tasks do not form a graph that could be executed.
    #[error("execute the tasks: {}", list(.findings))]
    InvalidTasks {
        /// Everything that is wrong.
        findings: Vec<Finding>,
    },
    /// An executor with no worker would never end.
    #[error("make an executor: it needs at least one worker")]
    NoWorkers,
}

fn list(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
