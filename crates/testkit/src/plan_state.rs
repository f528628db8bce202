//! What every [`PlanState`] must do.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use core_types::{PlanId, PlanState, Stage, TaskId, TaskStatus};

/// A change of a plan's state, which each implementation makes in its own way.
#[derive(Debug, Clone)]
pub enum Change {
    /// A stage is complete; stages complete in their order.
    Complete(Stage),
    /// A task has a status.
    Task(TaskId, TaskStatus),
}

/// How a subject is changed.
pub type Changing = Box<dyn Fn(PlanId, Change) -> Pin<Box<dyn Future<Output = ()>>>>;

/// A state without any plan, and how it is changed. All changes are of one plan.
pub struct Subject {
    /// The state.
    pub state: Arc<dyn PlanState>,
    /// Changes it; panics where it cannot.
    pub change: Changing,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn plan(name: &str) -> PlanId {
    PlanId::new(name).expect("a valid plan id")
}

/// Runs all cases; `make` gives a subject without any plan each time.
///
/// # Panics
///
/// When the state breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Subject) {
    an_unknown_plan_has_nothing(make().await).await;
    stages_come_in_the_order_of_their_completion(make().await).await;
    a_task_has_its_last_status(make().await).await;
}

async fn an_unknown_plan_has_nothing(subject: Subject) {
    let state = &*subject.state;
    let stages = state.completed_stages(&plan("plan-1")).await;
    assert!(stages.expect("stages").is_empty());
    let tasks = state.task_statuses(&plan("plan-1")).await;
    assert!(tasks.expect("tasks").is_empty());
}

async fn stages_come_in_the_order_of_their_completion(subject: Subject) {
    for stage in [Stage::Planning, Stage::Implementation, Stage::Testing] {
        (subject.change)(plan("plan-1"), Change::Complete(stage)).await;
    }
    (subject.change)(plan("plan-1"), Change::Complete(Stage::Testing)).await;
    let stages = subject.state.completed_stages(&plan("plan-1")).await;
    let stages = stages.expect("stages");
    assert_eq!(stages, ["planning", "implementation", "testing"]);
    let other = subject.state.completed_stages(&plan("plan")).await;
    assert!(other.expect("stages").is_empty(), "plans are told apart");
}

async fn a_task_has_its_last_status(subject: Subject) {
    let task = |name: &str| TaskId::new(name).expect("a valid task id");
    for (name, status) in [
        ("a", TaskStatus::Running),
        ("b", TaskStatus::Running),
        ("a", TaskStatus::Failed),
    ] {
        (subject.change)(plan("plan-1"), Change::Task(task(name), status)).await;
    }
    let tasks = subject.state.task_statuses(&plan("plan-1")).await;
    let tasks: Vec<_> = tasks.expect("tasks").into_iter().collect();
    let expected = [
        (task("a"), TaskStatus::Failed),
        (task("b"), TaskStatus::Running),
    ];
    assert_eq!(tasks, expected);
}
