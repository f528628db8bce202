//! Runs a graph of async tasks on a bounded number of workers, each reported exactly once.
//!
//! # Example
//!
//! ```
//! use engine_parallel::{ExecutionTask, ParallelExecutor, TaskContext, TaskError, TaskPriority};
//!
//! async fn create_schema(_: TaskContext<String>) -> Result<String, TaskError> {
//!     Ok("table users".into())
//! }
//!
//! async fn create_api(context: TaskContext<String>) -> Result<String, TaskError> {
//!     let schema = context.output("db-schema").ok_or("no schema")?;
//!     Ok(format!("GET /users from {schema}"))
//! }
//!
//! async fn create_tests(context: TaskContext<String>) -> Result<String, TaskError> {
//!     let api = context.output("api-endpoints").ok_or("no api")?;
//!     Ok(format!("test {api}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), engine_parallel::Error> {
//! let executor = ParallelExecutor::new(3)?;
//!
//! let tasks = vec![
//!     ExecutionTask::new("db-schema", create_schema)
//!         .priority(TaskPriority::High),
//!     ExecutionTask::new("api-endpoints", create_api)
//!         .dependencies(["db-schema"]) // Wait for schema
//!         .priority(TaskPriority::Normal),
//!     ExecutionTask::new("tests", create_tests)
//!         .dependencies(["api-endpoints"])
//!         .priority(TaskPriority::Normal),
//! ];
//!
//! let results = executor.execute_tasks(tasks).await?;
//!
//! assert!(results.all_succeeded());
//! assert_eq!(**results.output("tests").expect("it succeeded"), "test GET /users from table users");
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! A *task* is an async function with an id. It is *ready* when its dependencies have succeeded and
//! nothing holds it; *running* while it has one of the *worker slots* and its resources;
//! *paused* while it has given its slot back; and it ends in one [`Outcome`]: succeeded, failed, timed
//! out, cancelled, skipped or panicked. Decisions are made by a state machine without IO; a
//! thin shell performs them on tokio, and [`TaskScheduler::predicted_makespan`] on a pretended clock.
//!
//! # Guarantees
//!
//! - Every task is reported exactly once, whatever happens to it or to others.
//! - None starts before all its dependencies have succeeded. A task that enters as ended
//!   ([`ExecutionTask::ended`]) counts as if it had ended now.
//! - Cycles (with their path), duplicate ids, unknown dependencies, resources that could never
//!   suffice: all are found together, before anything starts.
//! - At most `max_workers` run. A ready task does not wait while a slot and all it needs are free
//!   and nobody holds it. One that waits for a resource does not keep others waiting.
//! - Nothing starves: a waiting priority lets at most [`ExecutorOptions::max_bypass`] starts of
//!   higher ones pass between two of its own (plus one for each other priority that is due).
//!   Within a priority it is first ready, first started, or, optimized, the most work behind it first.
//! - A panic ends one task. A task that runs over its timeout is never reported as succeeded.
//! - After a cancelled execution nothing is left running; dropping the future aborts every task.
//! - The same tasks, ended in the same order, start in the same order.
//! - Everything is iterative: a chain of a million tasks overflows no stack.
//!
//! # Limits
//!
//! - Aborting drops a future at its next await. A function that blocks its thread keeps its
//!   slot until it returns (it is then reported as timed out or cancelled, never as succeeded after its
//!   timeout), and so does what it moved to threads or processes of its own: those end by
//!   [`TaskContext::cancellation`] or by what they are dropped with.
//! - Outputs are kept in memory until [`Results`] is dropped.
//! - A task that needs many units of a resource may be passed over by tasks that need few.
//! - The durations on which [`TaskScheduler`] decides are as good as the estimates; list scheduling
//!   by critical path is a heuristic, not an optimum.
//! - Fewer than 2³² tasks.

mod error;
mod executor;
pub mod graph;
mod machine;
mod outcome;
mod scheduler;
mod task;

pub use self::{
    error::Error,
    executor::{
        Commands, Control, ExecutionEvent, ExecutorOptions, Observer, ParallelExecutor, RunOptions,
        TaskContext, control,
    },
    outcome::{Outcome, Results, TaskError, TaskReport},
    scheduler::TaskScheduler,
    task::{ExecutionTask, MetadataValue, TaskPriority},
};
