//! What is executed: a function with an id, and what it waits for.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use crate::{Outcome, TaskContext, TaskError};

pub(crate) type Body<T> = Pin<Box<dyn Future<Output = Result<T, TaskError>> + Send>>;
pub(crate) type Function<T> = Box<dyn FnOnce(TaskContext<T>) -> Body<T> + Send>;

/// What is served first among tasks that could start.
///
/// Not absolute: after some starts of higher priority (see
/// [`ExecutorOptions::max_bypass`](crate::ExecutorOptions::max_bypass)) a lower one has its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskPriority {
    /// 0: when nothing else waits.
    Low,
    /// 50: the default.
    #[default]
    Normal,
    /// 100.
    High,
    /// 150: before everything else.
    Critical,
}

impl TaskPriority {
    /// All priorities, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The priority as a number: 0, 50, 100 or 150.
    pub fn value(self) -> u8 {
        self as u8 * 50
    }
}

/// A note on a task; it comes back in the task's report and changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataValue {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<f64> for MetadataValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for MetadataValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for MetadataValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A task: an async function that gives a `T`, and what it waits for.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use engine_parallel::{ExecutionTask, TaskContext, TaskError};
///
/// async fn complex_operation(_: TaskContext<u32>) -> Result<u32, TaskError> {
///     Ok(42)
/// }
///
/// let task = ExecutionTask::new("long-running", complex_operation)
///     .timeout(Duration::from_secs(3600)); // 1 hour
///
/// let task = ExecutionTask::new("tracked", complex_operation)
///     .metadata("cost_estimate", 5.0)
///     .metadata("priority_reason", "blocking other tasks");
/// ```
pub struct ExecutionTask<T> {
    pub(crate) id: Arc<str>,
    pub(crate) work: Work<T>,
    pub(crate) dependencies: Vec<Arc<str>>,
    pub(crate) priority: TaskPriority,
    pub(crate) timeout: Option<Duration>,
    pub(crate) estimate: Option<Duration>,
    pub(crate) resources: BTreeMap<Arc<str>, u32>,
    pub(crate) metadata: BTreeMap<String, MetadataValue>,
    /// The longest chain of work that begins here; zero unless optimized.
    pub(crate) b_level: Duration,
}

pub(crate) enum Work<T> {
    Todo(Function<T>),
    Ended(Outcome<T>),
}

impl<T> ExecutionTask<T> {
    /// A task that runs `func`, once, when its turn has come.
    ///
    /// The future is polled on the runtime; a `func` that computes or blocks for more than about a
    /// millisecond between two awaits belongs on `spawn_blocking`, as everywhere in tokio.
    pub fn new<F, R>(id: impl Into<Arc<str>>, func: F) -> Self
    where
        F: FnOnce(TaskContext<T>) -> R + Send + 'static,
        R: Future<Output = Result<T, TaskError>> + Send + 'static,
    {
        Self::with_work(
            id.into(),
            Work::Todo(Box::new(|context| Box::pin(func(context)))),
        )
    }

    /// A task that ended in an earlier run: it enters with its outcome, does not run, causes no
    /// event, and counts for its dependents as if it had ended now.
    pub fn ended(id: impl Into<Arc<str>>, outcome: Outcome<T>) -> Self {
        Self::with_work(id.into(), Work::Ended(outcome))
    }

    fn with_work(id: Arc<str>, work: Work<T>) -> Self {
        Self {
            id,
            work,
            dependencies: Vec::new(),
            priority: TaskPriority::default(),
            timeout: None,
            estimate: None,
            resources: BTreeMap::new(),
            metadata: BTreeMap::new(),
            b_level: Duration::ZERO,
        }
    }

    /// Adds tasks that must have succeeded before this one starts; default none.
    pub fn dependencies(mut self, ids: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.dependencies.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Sets the priority; default [`TaskPriority::Normal`].
    pub fn priority(mut self, priority: TaskPriority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long the task may run before it is aborted; default without limit.
    ///
    /// The time it is paused ([`TaskContext::pause`]) does not count.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long the task is expected to run; only [`TaskScheduler`](crate::TaskScheduler) looks
    /// at it. Default: the mean of the other tasks' estimates.
    pub fn estimate(mut self, estimate: Duration) -> Self {
        self.estimate = Some(estimate);
        self
    }

    /// Adds a resource of which the task holds so many units from its start to its end, pauses
    /// included; default none.
    ///
    /// The capacity stands in [`ExecutorOptions::resources`](crate::ExecutorOptions::resources).
    pub fn resource(mut self, name: impl Into<Arc<str>>, units: u32) -> Self {
        self.resources.insert(name.into(), units);
        self
    }

    /// Adds a note that comes back in the task's report.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<MetadataValue>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// The id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The ids of the dependencies, without order or duplicates.
    pub fn dependency_ids(&self) -> HashSet<&str> {
        self.dependencies.iter().map(AsRef::as_ref).collect()
    }
}

impl<T> fmt::Debug for ExecutionTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionTask")
            .field("id", &self.id)
            .field("ended", &matches!(self.work, Work::Ended(_)))
            .field("dependencies", &self.dependencies)
            .field("priority", &self.priority)
            .field("timeout", &self.timeout)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}
