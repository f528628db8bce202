//! Folds of a run's events: what every page, endpoint and report shows.
//!
//! [`RunFold`] takes the events of one run, one after another, and gives its [`RunView`], a
//! [`TaskView`], an [`Explanation`] of why a task does not run, and the [`RunSummary`] that
//! outlives the run. [`Board`] keeps the folds of all runs of a [`RunSource`] current, and gives
//! what is shown of them together. Nothing here looks at a clock, a disk or a process: the time is
//! an argument, everything else an event.
//!
//! # The model
//!
//! - Of a step that was executed more than once, as after a kill, the last execution counts, for
//!   states and durations. Money and tokens of every execution count: they were spent.
//! - *Held time* is the time in which a process held the run: from each `RunStarted` to the end of
//!   that session, or to its last event where it was killed. Durations are held time.
//! - Amounts are [`Usd`](core_types::Usd), in JSON a string; times are [`Timestamp`](core_types::Timestamp)s
//!   in milliseconds; `…_ms` are milliseconds.

mod board;
mod bodies;
mod classify;
mod course;
mod layout;
mod many;
#[cfg(any(test, feature = "testkit"))]
mod memory;
mod source;
#[cfg(test)]
mod tests;
mod view;

pub use board::{Board, Change};
pub use bodies::{
    ApiCalls, CacheStats, CostsBody, HourCount, ParallelExecution, PerformanceBody, ProviderCalls,
    StageCount, StatusCounts, SummaryBody, TasksBody, TokenFigures, TypeFigures, WorkflowsBody,
};
pub use classify::{COMPONENTS, TASK_TYPES, component, task_type};
pub(crate) use course::Network;
pub use course::RunFold;
pub use layout::layout;
pub use many::Known;
#[cfg(any(test, feature = "testkit"))]
pub use memory::MemorySource;
pub use source::{
    Batch, Command, DaySpend, LessonStanding, LimitStanding, LogChunk, LogLine, LogPosition,
    Prompt, RunListing, RunSource,
};
pub use view::*;
