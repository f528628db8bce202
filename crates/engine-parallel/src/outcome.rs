//! How tasks ended.

use std::{collections::BTreeMap, error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::{MetadataValue, graph::Graph};

/// What a task's function fails with: any error, so that `?` works on all of them.
pub type TaskError = Box<dyn StdError + Send + Sync>;

/// How a task ended; every task ends in exactly one of these.
pub enum Outcome<T> {
    /// Its function returned a value.
    Succeeded(Arc<T>),
    /// Its function returned an error. `downcast_ref` gives back its type.
    Failed(Arc<dyn StdError + Send + Sync>),
    /// It ran longer than its timeout and was aborted, or ended later than it was allowed.
    TimedOut,
    /// It did not start because the run (or the task) was cancelled, or it was stopped by that.
    Cancelled,
    /// It did not start since a task that it depends on, directly or not, did not succeed.
    Skipped {
        /// The task that did not succeed: not itself skipped, and the first to end if several are
        /// to blame.
        dependency: Arc<str>,
    },
    /// Its function panicked, with this message.
    Panicked(String),
}

impl<T> Outcome<T> {
    /// A success with this value.
    pub fn succeeded(output: T) -> Self {
        Self::Succeeded(Arc::new(output))
    }

    /// A failure with this error.
    pub fn failed(error: impl Into<TaskError>) -> Self {
        Self::Failed(Arc::from(error.into()))
    }

    /// Whether it is [`Outcome::Succeeded`].
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded(_))
    }

    /// The value of a success.
    pub fn output(&self) -> Option<&Arc<T>> {
        match self {
            Self::Succeeded(output) => Some(output),
            Self::Failed(_)
            | Self::TimedOut
            | Self::Cancelled
            | Self::Skipped { .. }
            | Self::Panicked(_) => None,
        }
    }
}

// By hand, since a derive would ask for `T: Clone` and `T: Debug`.
impl<T> Clone for Outcome<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Succeeded(output) => Self::Succeeded(Arc::clone(output)),
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::TimedOut => Self::TimedOut,
            Self::Cancelled => Self::Cancelled,
            Self::Skipped { dependency } => Self::Skipped {
                dependency: Arc::clone(dependency),
            },
            Self::Panicked(message) => Self::Panicked(message.clone()),
        }
    }
}

impl<T> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded(_) => f.write_str("Succeeded(_)"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Skipped { dependency } => f
                .debug_struct("Skipped")
                .field("dependency", dependency)
                .finish(),
            Self::Panicked(message) => f.debug_tuple("Panicked").field(message).finish(),
        }
    }
}

/// The text after "the task …": `succeeded`, `failed: <error>`, `skipped, since <id> did not succeed`.
impl<T> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded(_) => f.write_str("succeeded"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Skipped { dependency } => {
                write!(f, "skipped, since {dependency} did not succeed")
            }
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}

/// The report of one task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskReport<T> {
    /// How it ended.
    pub outcome: Outcome<T>,
    /// From its start to its end on the monotonic clock, pauses included; zero if it never started
    /// in this run.
    pub duration: Duration,
    /// The notes given with the task.
    pub metadata: BTreeMap<String, MetadataValue>,
}

/// The reports of all tasks of an execution, in the order of submission.
#[derive(Debug)]
pub struct Results<T> {
    graph: Arc<Graph>,
    reports: Vec<TaskReport<T>>,
}

impl<T> Results<T> {
    pub(crate) fn new(graph: Arc<Graph>, reports: Vec<TaskReport<T>>) -> Self {
        Self { graph, reports }
    }

    /// The report of a task; none for an unknown id.
    pub fn get(&self, id: &str) -> Option<&TaskReport<T>> {
        self.graph
            .number(id)
            .map(|task| &self.reports[task as usize])
    }

    /// The value of a task that succeeded.
    pub fn output(&self, id: &str) -> Option<&Arc<T>> {
        self.get(id)?.outcome.output()
    }

    /// All ids with their reports, in the order of submission.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &TaskReport<T>)> {
        self.graph.ids().iter().zip(&self.reports)
    }

    /// Whether every task succeeded; true for none.
    pub fn all_succeeded(&self) -> bool {
        self.reports
            .iter()
            .all(|report| report.outcome.is_success())
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Whether there were no tasks.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }
}
