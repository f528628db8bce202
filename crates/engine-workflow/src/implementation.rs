//! The second stage: the plan's tasks, in parallel, in the order of their dependencies.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use core_types::{
    ErrorClass, Failure, FailureKind, Plan, RepositoryName, Task, TaskId, TaskStatus,
};
use engine_parallel::{
    ExecutionTask, Outcome, ParallelExecutor, RunOptions, TaskContext, TaskScheduler,
};

use crate::{
    Error,
    completions::Completions,
    coordination::{self, NodeKind},
    end::TaskEnd,
    plan::Finding,
    planning::Bases,
    run::Run,
    task::{dependency_results, ended, record, run_task},
    testing::{self, integrated_head},
    verify::Verdict,
};

/// What a node of the graph leaves: a task's end, or nothing.
type Left = Option<TaskEnd>;

/// What tasks share while they run.
#[derive(Debug)]
struct Shared {
    run: Arc<Run>,
    bases: Bases,
    tasks: BTreeMap<TaskId, Task>,
    completions: Completions,
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
pub(crate) async fn implement(
    run: &Arc<Run>,
    plan: &Plan,
    bases: &Bases,
) -> Result<Vec<TaskEnd>, Error> {
    let nodes = coordination::nodes(plan, run.settings.change_set.as_ref());
    let graph = coordination::graph(&nodes).map_err(|findings| {
        let findings = findings.iter().map(|finding| Finding(finding.to_string()));
        Error::Plan(findings.collect())
    })?;
    let tasks = plan
        .tasks
        .iter()
        .map(|task| (task.id.clone(), task.clone()))
        .collect();
    let shared = Arc::new(Shared {
        run: run.clone(),
        bases: bases.clone(),
        tasks,
        completions: Completions::new(graph),
        stopped: Mutex::new(None),
    });
    let mut execution = Vec::with_capacity(nodes.len());
    for node in nodes {
        let dependencies = node.dependencies.clone();
        let task = match node.kind {
            NodeKind::Task(id) => {
                let Some(task) = shared.tasks.get(&id) else {
                    continue;
                };
                leave_out(run, task).await?;
                execution_task(&shared, task)?
            }
            NodeKind::Succeeded => ExecutionTask::new(node.id, |_| async { Ok(None) }),
            NodeKind::Completed(repository) => completion(&shared, node.id, repository),
            NodeKind::AnyCompleted(of) => any_completed(&shared, node.id, of),
        };
        execution.push(task.dependencies(dependencies));
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

/// The node in which a repository's integration head passes Testing. The stage
/// of that name finds it recorded.
fn completion(shared: &Arc<Shared>, id: String, repository: RepositoryName) -> ExecutionTask<Left> {
    let shared = shared.clone();
    ExecutionTask::new(id.clone(), move |mut context| async move {
        let watch = shared.completions.watch(&id);
        let tested = Box::pin(complete(&shared, &repository, &mut context)).await;
        watch.ended();
        match tested {
            Ok(Ok(())) => {
                shared.completions.complete(&repository);
                Ok(None)
            }
            Ok(Err(reason)) => {
                shared.completions.fail(&id);
                Err(reason.into())
            }
            Err(error) => Err(shared.stop(error).into()),
        }
    })
}

/// Tests a repository's integration head; the inner error says why it did not pass.
async fn complete(
    shared: &Shared,
    repository: &RepositoryName,
    context: &mut TaskContext<Left>,
) -> Result<Result<(), String>, Error> {
    let run = &shared.run;
    let Some(base) = shared.bases.get(repository) else {
        return Ok(Err(format!("{repository} is no repository of the run")));
    };
    let head = integrated_head(run, repository).await?;
    if head == *base {
        return Ok(Ok(()));
    }
    let tested = testing::test(run, repository, base, head, context).await?;
    Ok(match tested.verified {
        Verdict::Failed { failure } => Err(format!("{repository} failed its tests: {failure}")),
        Verdict::Passed | Verdict::NotVerified => Ok(()),
    })
}

/// The node that waits until one of several repositories has completed; it holds no slot meanwhile.
fn any_completed(shared: &Arc<Shared>, id: String, of: Vec<RepositoryName>) -> ExecutionTask<Left> {
    let shared = shared.clone();
    ExecutionTask::new(id.clone(), move |mut context| async move {
        let waiting = async {
            tokio::select! {
                completed = shared.completions.any(&of) => completed,
                () = shared.run.cancel.cancelled() => Err("the run was paused".to_owned()),
            }
        };
        match context.pause(waiting).await {
            Ok(()) => Ok(None),
            Err(reason) => {
                shared.completions.fail(&id);
                Err(reason.into())
            }
        }
    })
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

fn execution_task(shared: &Arc<Shared>, task: &Task) -> Result<ExecutionTask<Left>, Error> {
    let id = task.id.as_str();
    let ended = ended(&shared.run, task)?;
    if ended.as_ref().is_some_and(|end| !end.status.is_good()) {
        shared.completions.fail(id);
    }
    let execution = match ended {
        Some(end) if end.status.is_good() => {
            ExecutionTask::ended(id, Outcome::succeeded(Some(end)))
        }
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
            ExecutionTask::new(id, move |mut context: TaskContext<Left>| async move {
                let dependencies = dependency_results(&task, &shared.tasks, |id| {
                    context.output(id.as_str())?.as_ref().clone()
                });
                let (run, id) = (shared.run.clone(), task.id.clone());
                let tasks = &shared.tasks;
                let watch = shared.completions.watch(id.as_str());
                let ended = Box::pin(run_task(run, task, tasks, dependencies, &mut context)).await;
                watch.ended();
                match ended {
                    Ok(end) if end.status.is_good() => Ok(Some(end)),
                    Ok(end) => {
                        shared.completions.fail(id.as_str());
                        Err(NotGood(end).into())
                    }
                    Err(error) => Err(shared.stop(error).into()),
                }
            })
        }
    };
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
async fn end_of(run: &Run, task: &Task, outcome: &Outcome<Left>) -> Result<TaskEnd, Error> {
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
        Outcome::Succeeded(left) => {
            if let Some(end) = left.as_ref() {
                return Ok(end.clone());
            }
        }
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
            if end.because_of.is_none() {
                let message = match dependency.split_once('/') {
                    Some(("completed", repository)) => {
                        format!("repository {repository} did not pass its tests")
                    }
                    _ => "no repository that triggers it has completed".to_owned(),
                };
                end.failure = Some(Failure::new(
                    ErrorClass::Conflict,
                    FailureKind::Other,
                    message,
                ));
            }
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
