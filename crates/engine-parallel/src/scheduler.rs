//! Starting first what everything else waits for.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use crate::{
    Error, ExecutionTask, ParallelExecutor, Results,
    executor::{graph_of, needs, resources_of},
    graph::{CriticalPath, Graph},
    machine::{Spec, simulate},
    task::Work,
};

/// What a task counts where nothing is known about any of them: then chains are measured in tasks.
const UNIT: Duration = Duration::from_secs(1);

/// Analyzes tasks and has an executor start first what the end of the whole depends on.
///
/// Durations come from earlier runs ([`Self::with_history`]), else from
/// [`ExecutionTask::estimate`], else they are the mean of the known ones. Tasks that entered as ended take
/// no time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use engine_parallel::{ExecutionTask, ParallelExecutor, TaskContext, TaskScheduler, TaskError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), engine_parallel::Error> {
/// # async fn work(_: TaskContext<()>) -> Result<(), TaskError> { Ok(()) }
/// let executor = ParallelExecutor::new(2)?;
/// let tasks = vec![
///     ExecutionTask::new("docs", work).estimate(Duration::from_secs(60)),
///     ExecutionTask::new("schema", work).estimate(Duration::from_secs(20)),
///     ExecutionTask::new("api", work).dependencies(["schema"]).estimate(Duration::from_secs(90)),
/// ];
///
/// let scheduler = TaskScheduler::new(&executor);
/// let critical_path = scheduler.critical_path(&tasks)?;
/// assert_eq!(critical_path.tasks, ["schema".into(), "api".into()]);
/// assert_eq!(scheduler.slack(&tasks)?[0], ("docs".into(), Duration::from_secs(50)));
/// assert_eq!(scheduler.predicted_makespan(&tasks)?, Duration::from_secs(110));
///
/// // Analyzes the dependency graph, identifies the critical path, prioritizes critical tasks.
/// let optimized_tasks = scheduler.optimize_execution_order(tasks)?;
/// assert_eq!(&**optimized_tasks[0].id(), "schema");
///
/// let results = scheduler.execute_with_optimization(optimized_tasks).await?;
/// assert!(results.all_succeeded());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TaskScheduler<'a> {
    executor: &'a ParallelExecutor,
    history: HashMap<Arc<str>, Duration>,
}

impl<'a> TaskScheduler<'a> {
    /// A scheduler for this executor, without history.
    pub fn new(executor: &'a ParallelExecutor) -> Self {
        Self {
            executor,
            history: HashMap::new(),
        }
    }

    /// Adds how long tasks of these ids took before; this counts more than their estimates.
    pub fn with_history(
        mut self,
        durations: impl IntoIterator<Item = (Arc<str>, Duration)>,
    ) -> Self {
        self.history.extend(durations);
        self
    }

    /// The longest chain of dependent tasks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`ParallelExecutor::execute_tasks`].
    pub fn critical_path<T>(&self, tasks: &[ExecutionTask<T>]) -> Result<CriticalPath, Error> {
        let (graph, durations) = self.analyze(tasks)?;
        Ok(graph.critical_path(|id| by_id(&graph, &durations, id)))
    }

    /// How much later each task could end without moving the end of the whole, given enough
    /// workers; in the order of the tasks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`ParallelExecutor::execute_tasks`].
    pub fn slack<T>(&self, tasks: &[ExecutionTask<T>]) -> Result<Vec<(Arc<str>, Duration)>, Error> {
        let (graph, durations) = self.analyze(tasks)?;
        Ok(graph.slack(|id| by_id(&graph, &durations, id)))
    }

    /// How long [`Self::execute_with_optimization`] would take: the executor's own decisions, with its
    /// workers, resources and the tasks' priorities, on a pretended clock.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`ParallelExecutor::execute_tasks`].
    pub fn predicted_makespan<T>(&self, tasks: &[ExecutionTask<T>]) -> Result<Duration, Error> {
        let (graph, durations) = self.analyze(tasks)?;
        let (resources, limits) = resources_of(self.executor);
        let b_levels = graph.b_levels(&durations);
        let specs = tasks.iter().zip(b_levels).map(|(task, b_level)| Spec {
            priority: task.priority,
            b_level,
            needs: needs(task, &resources),
            // A task that ended takes no time: simulated like the others, it needs no special case.
            ended: None,
        });
        Ok(simulate(
            Arc::new(graph),
            specs.collect(),
            limits,
            &durations,
        ))
    }

    /// Sorts the tasks so that each comes after its dependencies and else those with the most
    /// work behind them come first, and marks them so that any executor starts them by this rule
    /// within each priority.
    ///
    /// Priorities stay as they are. Optimizing twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`ParallelExecutor::execute_tasks`].
    pub fn optimize_execution_order<T>(
        &self,
        tasks: Vec<ExecutionTask<T>>,
    ) -> Result<Vec<ExecutionTask<T>>, Error> {
        let (graph, durations) = self.analyze(&tasks)?;
        let b_levels = graph.b_levels(&durations);
        // The depth puts dependencies first also where a task takes no time.
        let depths = graph.b_levels(&vec![UNIT; graph.len()]);
        let mut keyed: Vec<_> = b_levels.into_iter().zip(depths).zip(tasks).collect();
        keyed.sort_by(|(a, _), (b, _)| b.cmp(a));
        Ok(keyed
            .into_iter()
            .map(|((b_level, _), task)| ExecutionTask { b_level, ..task })
            .collect())
    }

    /// Optimizes the order and executes the tasks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`ParallelExecutor::execute_tasks`].
    ///
    /// # Cancel safety
    ///
    /// As for [`ParallelExecutor::execute_tasks`].
    pub async fn execute_with_optimization<T>(
        &self,
        tasks: Vec<ExecutionTask<T>>,
    ) -> Result<Results<T>, Error>
    where
        T: Send + Sync + 'static,
    {
        self.executor
            .execute_tasks(self.optimize_execution_order(tasks)?)
            .await
    }

    fn analyze<T>(&self, tasks: &[ExecutionTask<T>]) -> Result<(Graph, Vec<Duration>), Error> {
        let graph = graph_of(self.executor, tasks)?;
        let known: Vec<Option<Duration>> = tasks
            .iter()
            .map(|task| match task.work {
                Work::Ended(_) => Some(Duration::ZERO),
                Work::Todo(_) => self.history.get(&task.id).copied().or(task.estimate),
            })
            .collect();
        let todo = known
            .iter()
            .zip(tasks)
            .filter(|(_, task)| matches!(task.work, Work::Todo(_)));
        let estimates: Vec<Duration> = todo.filter_map(|(duration, _)| *duration).collect();
        let sum = estimates.iter().fold(Duration::ZERO, |sum, duration| {
            sum.saturating_add(*duration)
        });
        let mean = u32::try_from(estimates.len())
            .ok()
            .and_then(|n| sum.checked_div(n))
            .unwrap_or(UNIT);
        Ok((
            graph,
            known
                .into_iter()
                .map(|duration| duration.unwrap_or(mean))
                .collect(),
        ))
    }
}

impl fmt::Debug for TaskScheduler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskScheduler")
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

fn by_id(graph: &Graph, durations: &[Duration], id: &str) -> Duration {
    graph
        .number(id)
        .map_or(Duration::ZERO, |task| durations[task as usize])
}
