//! One task to its end: its attempts, and what recovery makes of their failures.

use std::{collections::BTreeMap, sync::Arc};

use core_types::{
    DependencyResult, ErrorClass, Event, Failure, RecoveryOutcome, RecoveryRequest, Scope, StepKey,
    Task, TaskId, TaskStatus, step::Fingerprint,
};
use engine_parallel::TaskContext;

use crate::{
    Error,
    attempt::{Bad, Good, attempt_once},
    end::TaskEnd,
    merge::{Merged, merge},
    run::Run,
};

/// The key of the step that holds a task's end.
pub(crate) fn end_key(task: &Task) -> StepKey {
    StepKey::new(Scope::Task(task.id.clone()), 1, "end")
}

/// Runs a task to its end, recorded.
///
/// While it waits for a retry, it gives its worker slot back.
pub(crate) async fn run_task(
    run: Arc<Run>,
    task: Task,
    dependencies: Vec<DependencyResult>,
    context: &mut TaskContext<TaskEnd>,
) -> Result<TaskEnd, Error> {
    let mut attempt = 1;
    let attempted = loop {
        run.check_paused()?;
        let bad = match Box::pin(attempt_once(&run, &task, attempt, &dependencies)).await? {
            Ok(good) => break Ok(good),
            Err(bad) => bad,
        };
        match recover(&run, &task, attempt, &bad).await? {
            RecoveryOutcome::Repaired { commit } => {
                let merged = merge(&run, &task, attempt, &commit, "merge-repaired").await?;
                break match merged {
                    Merged::Into(_) => Ok(Good {
                        status: TaskStatus::Succeeded,
                        commit: Some(commit),
                        summary: bad.summary,
                    }),
                    Merged::Failed(failure) => Err(Bad {
                        commit: Some(commit),
                        failure,
                        ..bad
                    }),
                };
            }
            RecoveryOutcome::Retry { at } => context.pause(run.wait_until(at)).await,
            RecoveryOutcome::Park { until } => run.check_parked(until)?,
            _ => break Err(bad),
        }
        attempt += 1;
    };
    let (status, commit, summary, failure) = match attempted {
        Ok(good) => (good.status, good.commit, good.summary, None),
        Err(bad) => (
            failed_status(&bad.failure),
            bad.commit,
            bad.summary,
            Some(bad.failure),
        ),
    };
    let end = TaskEnd {
        task: task.id.clone(),
        status,
        attempt,
        commit,
        summary,
        failure,
        because_of: None,
    };
    record(&run, &task, end).await
}

fn failed_status(failure: &Failure) -> TaskStatus {
    match failure.class {
        ErrorClass::Timeout => TaskStatus::TimedOut,
        _ => TaskStatus::Failed,
    }
}

async fn recover(
    run: &Run,
    task: &Task,
    attempt: u32,
    bad: &Bad,
) -> Result<RecoveryOutcome, Error> {
    let key = StepKey::new(Scope::Task(task.id.clone()), attempt, "recover");
    let fingerprint = Fingerprint::new().with_json("failure", &bad.failure.kind);
    let outcome = run.step(key, fingerprint, |_| async move {
        let request = RecoveryRequest {
            run: run.settings.run.clone(),
            scope: Scope::Task(task.id.clone()),
            attempt,
            task: Some(task.clone()),
            repository: task.repository.clone(),
            base: bad.base.clone(),
            commit: bad.commit.clone(),
            failure: bad.failure.clone(),
            reports: run.scratch("reports"),
        };
        Ok(run.ports.aids.recovery.recover(&request).await)
    });
    Ok(outcome.await?)
}

/// Records a task's end; the last step of every task.
pub(crate) async fn record(run: &Run, task: &Task, end: TaskEnd) -> Result<TaskEnd, Error> {
    let ended = run.step(end_key(task), Fingerprint::new(), |step| async move {
        let event = Event::TaskChanged {
            task: end.task.clone(),
            status: end.status,
            attempt: end.attempt,
            failure: end.failure.clone(),
            because_of: end.because_of.clone(),
        };
        run.emit(Some(&step), event);
        Ok(end)
    });
    Ok(ended.await?)
}

/// What the ended dependencies of a task hand to it, in the task's order.
pub(crate) fn dependency_results(
    task: &Task,
    tasks: &BTreeMap<TaskId, Task>,
    ended: impl Fn(&TaskId) -> Option<TaskEnd>,
) -> Vec<DependencyResult> {
    let results = task.dependencies.iter().filter_map(|id| {
        let (dependency, end) = (tasks.get(id)?, ended(id)?);
        Some(DependencyResult {
            task: id.clone(),
            title: dependency.title.clone(),
            repository: dependency.repository.clone(),
            commit: end.commit,
            summary: end.summary,
        })
    });
    results.collect()
}
