//! The tokio shell around the state machine.

mod context;
mod control;
mod drive;
mod prepare;

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub(crate) use self::prepare::{graph_of, needs, resources_of};
pub use self::{
    context::TaskContext,
    control::{Commands, Control, control},
};
use crate::{Error, ExecutionTask, Outcome, Results};

/// What an executor may be told beside its number of workers.
#[derive(Clone, Debug)]
pub struct ExecutorOptions {
    /// How long a task that was asked to stop may go on before it is aborted. Default 5 s: enough
    /// to end a child process and to write a last record.
    pub grace: Duration,
    /// How many starts of higher priority a waiting priority lets pass before one of it has its turn.
    /// Default 16: priorities still decide nearly everything, and nothing waits forever.
    pub max_bypass: u32,
    /// Units of each resource that tasks may need; default none.
    pub resources: BTreeMap<Arc<str>, u32>,
}

impl Default for ExecutorOptions {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(5),
            max_bypass: 16,
            resources: BTreeMap::new(),
        }
    }
}

/// Something that happened to a task, told as it happens.
///
/// Tasks that entered as ended cause none.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExecutionEvent<'a, T> {
    /// Its dependencies succeeded; it waits for a slot and its resources.
    Ready {
        /// The task.
        id: &'a Arc<str>,
    },
    /// It took a worker slot and starts.
    Started {
        /// The task.
        id: &'a Arc<str>,
    },
    /// It gave its slot back and waits for something.
    Paused {
        /// The task.
        id: &'a Arc<str>,
    },
    /// It has a slot again.
    Resumed {
        /// The task.
        id: &'a Arc<str>,
    },
    /// It ended; comes exactly once for each task.
    Ended {
        /// The task.
        id: &'a Arc<str>,
        /// How.
        outcome: &'a Outcome<T>,
        /// From its start, pauses included; zero if it never started.
        duration: Duration,
    },
}

/// Who is told of events: called on the executing task, so it must neither block nor panic (a
/// panic ends the execution and aborts its tasks).
pub type Observer<'a, T> = dyn Fn(&ExecutionEvent<'_, T>) + Send + Sync + 'a;

/// How one execution is watched and stopped; by default not at all.
pub struct RunOptions<'a, T> {
    /// Cancelled by somebody, it ends the execution: see [`ParallelExecutor::execute_with_cancellation`].
    pub cancellation: CancellationToken,
    /// Told of every event.
    pub on_event: Option<&'a Observer<'a, T>>,
    /// The receiving end of a [`Control`]; see [`control`].
    pub commands: Option<Commands>,
}

impl<T> Default for RunOptions<'_, T> {
    fn default() -> Self {
        Self {
            cancellation: CancellationToken::new(),
            on_event: None,
            commands: None,
        }
    }
}

impl<T> fmt::Debug for RunOptions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("cancellation", &self.cancellation)
            .finish_non_exhaustive()
    }
}

/// Executes graphs of tasks with at most so many running at a time.
///
/// # Examples
///
/// ```
/// # use engine_parallel::{Error, ParallelExecutor};
/// // Configure the worker pool.
/// let executor = ParallelExecutor::new(5)?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParallelExecutor {
    max_workers: NonZeroUsize,
    options: ExecutorOptions,
}

impl ParallelExecutor {
    /// An executor with so many worker slots and the default options.
    ///
    /// # Errors
    ///
    /// [`Error::NoWorkers`] for zero.
    pub fn new(max_workers: usize) -> Result<Self, Error> {
        Self::with_options(max_workers, ExecutorOptions::default())
    }

    /// An executor with so many worker slots and these options.
    ///
    /// # Errors
    ///
    /// [`Error::NoWorkers`] for zero.
    pub fn with_options(max_workers: usize, options: ExecutorOptions) -> Result<Self, Error> {
        let max_workers = NonZeroUsize::new(max_workers).ok_or(Error::NoWorkers)?;
        Ok(Self {
            max_workers,
            options,
        })
    }

    /// The number of worker slots.
    pub fn max_workers(&self) -> NonZeroUsize {
        self.max_workers
    }

    /// The options.
    pub fn options(&self) -> &ExecutorOptions {
        &self.options
    }

    /// Executes the tasks and returns when each has ended.
    ///
    /// A task that fails ends what depends on it (skipped) and nothing else. Needs a tokio runtime
    /// with its timer enabled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] with everything that is wrong, before anything starts.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts all tasks that run and forgets those that ended; to stop in good
    /// order use [`Self::execute_with_cancellation`].
    ///
    /// # Examples
    ///
    /// See the [crate page](crate).
    pub async fn execute_tasks<T>(&self, tasks: Vec<ExecutionTask<T>>) -> Result<Results<T>, Error>
    where
        T: Send + Sync + 'static,
    {
        self.execute(tasks, RunOptions::default()).await
    }

    /// Executes the tasks until each has ended or `cancellation` is cancelled.
    ///
    /// Then nothing starts any more, and what runs has its own token cancelled
    /// ([`TaskContext::cancellation`]), may go on for the grace period
    /// ([`ExecutorOptions::grace`]) and is then aborted. All of them are reported: who returns a value in
    /// time has succeeded, all others are [`Outcome::Cancelled`]. The method returns when nothing
    /// is left running.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`Self::execute_tasks`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::execute_tasks`].
    pub async fn execute_with_cancellation<T>(
        &self,
        tasks: Vec<ExecutionTask<T>>,
        cancellation: &CancellationToken,
    ) -> Result<Results<T>, Error>
    where
        T: Send + Sync + 'static,
    {
        self.execute(
            tasks,
            RunOptions {
                cancellation: cancellation.clone(),
                ..RunOptions::default()
            },
        )
        .await
    }

    /// Executes the tasks, watched and steered by `options`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTasks`] as for [`Self::execute_tasks`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Self::execute_tasks`].
    ///
    /// # Examples
    ///
    /// ```
    /// use engine_parallel::{ExecutionEvent, ExecutionTask, ParallelExecutor, RunOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), engine_parallel::Error> {
    /// let ended = std::sync::Mutex::new(Vec::new());
    /// let on_event = |event: &ExecutionEvent<'_, u32>| {
    ///     if let ExecutionEvent::Ended { id, outcome, .. } = event {
    ///         ended.lock().expect("nobody panicked").push(format!("{id} {outcome}"));
    ///     }
    /// };
    /// let tasks = vec![ExecutionTask::new("answer", async |_| Ok(42))];
    /// let options = RunOptions { on_event: Some(&on_event), ..RunOptions::default() };
    /// ParallelExecutor::new(1)?.execute(tasks, options).await?;
    /// assert_eq!(*ended.lock().expect("nobody panicked"), ["answer succeeded"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute<T>(
        &self,
        tasks: Vec<ExecutionTask<T>>,
        options: RunOptions<'_, T>,
    ) -> Result<Results<T>, Error>
    where
        T: Send + Sync + 'static,
    {
        let prepared = prepare::prepare(self, tasks)?;
        Ok(drive::Run::new(prepared, options, self.options.grace)
            .drive()
            .await)
    }
}
