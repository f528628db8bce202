//! The second stage: the plan's tasks, in parallel, in the order of their dependencies.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use core_types::{ErrorClass, Failure, FailureKind, Plan, Task, TaskId, TaskStatus};
use engine_parallel::{ExecutionTask, Outcome, ParallelExecutor, RunOptions, TaskScheduler};

use crate::{
    Error,
    end::TaskEnd,
    run::Run,
    task::{dependency_results, ended, record, run_task},
};

/// What tasks share while they run.
#[derive(Debug)]
struct Shared {
    run: Arc<Run>,
    tasks: BTreeMap<TaskId, Task>,
    /// The first error that stops the run.
    stopped: Mutex<Option<Error>>,
}

/// A task's end that is not good, as the executor's error.
#[derive(Debug)]
struct NotGood(TaskEnd);

impl fmt::Display for NotGood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} {}", self.0.task, self.0.status)
    }
}

impl std::error::Error for NotGood {}

/// Runs all tasks to their ends, and returns these in the order of the plan.
pub(crate) async fn implement(run: &Arc<Run>, plan: &Plan) -> Result<Vec<TaskEnd>, Error> {
    let tasks = plan
        .tasks
        .iter()
        .map(|task| (task.id.clone(), task.clone()))
        .collect();
    let shared = Arc::new(Shared {
        run: run.clone(),
        tasks,
        stopped: Mutex::new(None),
    });
    let mut execution = Vec::with_capacity(plan.tasks.len());
    for task in &plan.tasks {
        leave_out(run, task).await?;
        execution.push(execution_task(&shared, task)?);
    }
    let executor = ParallelExecutor::new(run.settings.limits.max_workers.max(1))?;
    let execution = TaskScheduler::new(&executor).optimize_execution_order(execution)?;
    let cancellation = run.cancel.child_token();
    let results = executor.execute(
        execution,
        RunOptions {
            cancellation,
            ..RunOptions::default()
        },
    );
    let results = results.await?;
    let stopped = shared
        .stopped
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(error) = stopped {
        return Err(error);
    }
    run.check_paused()?;
    let mut ends = Vec::with_capacity(plan.tasks.len());
    for task in &plan.tasks {
        if let Some(report) = results.get(task.id.as_str()) {
            ends.push(end_of(run, task, &report.outcome).await?);
        }
    }
    Ok(ends)
}

/// Ends a task that a person said to go on without.
async fn leave_out(run: &Run, task: &Task) -> Result<(), Error> {
    if run.reopened().is_left_out(&task.id) && ended(run, task)?.is_none() {
        let end = TaskEnd {
            task: task.id.clone(),
            status: TaskStatus::Cancelled,
            attempt: 0,
            commit: None,
            summary: String::new(),
            failure: None,
            because_of: None,
            left_out: true,
        };
        record(run, &task.id, end).await?;
    }
    Ok(())
}

fn execution_task(shared: &Arc<Shared>, task: &Task) -> Result<ExecutionTask<TaskEnd>, Error> {
    let id = task.id.as_str();
    let execution = match ended(&shared.run, task)? {
        Some(end) if end.status.is_good() => ExecutionTask::ended(id, Outcome::succeeded(end)),
        // Not as failed: what depends on it blames the task that failed first.
        Some(TaskEnd {
            status: TaskStatus::Skipped,
            because_of: Some(dependency),
            ..
        }) => {
            let dependency = dependency.as_str().into();
            ExecutionTask::ended(id, Outcome::Skipped { dependency })
        }
        Some(end) => ExecutionTask::ended(id, Outcome::failed(NotGood(end))),
        None => {
            let (shared, task) = (shared.clone(), task.clone());
            ExecutionTask::new(id, move |mut context| async move {
                let dependencies = dependency_results(&task, &shared.tasks, |id| {
                    context.output(id.as_str()).map(|end| TaskEnd::clone(end))
                });
                let run = shared.run.clone();
                match Box::pin(run_task(
                    run,
                    task,
                    &shared.tasks,
                    dependencies,
                    &mut context,
                ))
                .await
                {
                    Ok(end) if end.status.is_good() => Ok(end),
                    Ok(end) => Err(NotGood(end).into()),
                    Err(error) => Err(shared.stop(error).into()),
                }
            })
        }
    };
    let execution = execution.dependencies(task.dependencies.iter().map(TaskId::as_str));
    Ok(match task.estimate {
        Some(estimate) => execution.estimate(estimate),
        None => execution,
    })
}

impl Shared {
    /// Stops the other tasks too: what stops one, a full disk say, stops all.
    fn stop(&self, error: Error) -> String {
        let message = error.to_string();
        self.stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        self.run.cancel.cancel();
        message
    }
}

/// A task's end from what the executor says. What has not recorded its end itself is recorded here.
async fn end_of(run: &Run, task: &Task, outcome: &Outcome<TaskEnd>) -> Result<TaskEnd, Error> {
    let mut end = TaskEnd {
        task: task.id.clone(),
        status: TaskStatus::Failed,
        attempt: 0,
        commit: None,
        summary: String::new(),
        failure: None,
        because_of: None,
        left_out: false,
    };
    match outcome {
        Outcome::Succeeded(end) => return Ok(TaskEnd::clone(end)),
        Outcome::Failed(error) => {
            if let Some(NotGood(end)) = error.downcast_ref() {
                return Ok(end.clone());
            }
            let message = error.to_string();
            end.failure = Some(Failure::new(
                ErrorClass::Internal,
                FailureKind::Other,
                message,
            ));
        }
        Outcome::Skipped { dependency } => {
            end.status = TaskStatus::Skipped;
            end.because_of = TaskId::new(dependency).ok();
            let cause = end.because_of.as_ref();
            end.left_out = cause.is_some_and(|id| run.reopened().is_left_out(id));
        }
        Outcome::Panicked(message) => {
            end.status = TaskStatus::Panicked;
            let message = format!("a fault of the engine: {message}");
            end.failure = Some(Failure::new(
                ErrorClass::Internal,
                FailureKind::Panic,
                message,
            ));
        }
        Outcome::TimedOut => end.status = TaskStatus::TimedOut,
        Outcome::Cancelled => end.status = TaskStatus::Cancelled,
    }
    record(run, &task.id, end).await
}
