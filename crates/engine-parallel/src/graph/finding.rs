//! What can be wrong with a set of tasks.

use std::sync::Arc;

/// One thing that is wrong with a set of tasks; its text reads as a line of a report.
///
/// The two findings about resources come from the executor alone, which knows the capacities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// Two or more tasks have this id; reported once for each id.
    #[error("the id `{id}` is given to more than one task")]
    DuplicateId {
        /// The id.
        id: Arc<str>,
    },
    /// A task depends on an id that no task has.
    #[error("task `{task}` depends on `{dependency}`, which is not among the tasks")]
    UnknownDependency {
        /// The task that names the dependency.
        task: Arc<str>,
        /// The id that no task has.
        dependency: Arc<str>,
    },
    /// A task depends on itself.
    #[error("task `{task}` depends on itself")]
    SelfDependency {
        /// The task.
        task: Arc<str>,
    },
    /// Tasks depend on each other in a circle.
    #[error("tasks depend on each other in a cycle: {}", .path.join(" → "))]
    Cycle {
        /// The way round: each task depends on the next, and the last is the first again.
        /// A shortest one through the first submitted task of each knot of cycles.
        path: Vec<Arc<str>>,
    },
    /// A task needs a resource that the executor was given no capacity for.
    #[error("task `{task}` needs `{resource}`, for which the executor has no capacity")]
    UnknownResource {
        /// The task.
        task: Arc<str>,
        /// The resource as the task names it.
        resource: Arc<str>,
    },
    /// A task needs more of a resource than there is at all, so it could never start.
    #[error("task `{task}` needs {needed} of `{resource}`, of which there are only {capacity}")]
    ResourceExceeded {
        /// The task.
        task: Arc<str>,
        /// The resource.
        resource: Arc<str>,
        /// Units that the task needs.
        needed: u32,
        /// Units that the executor has.
        capacity: u32,
    },
}
