//! One task to its end: its attempts, and what recovery makes of their failures.

use std::{collections::BTreeMap, sync::Arc};

use core_types::{
    DependencyResult, ErrorClass, Event, Failure, RecoveryOutcome, Scope, StepKey, Task, TaskId,
    TaskStatus,
    step::{Fingerprint, StepError, StepState},
};
use engine_parallel::TaskContext;

use crate::{
    Error,
    attempt::{Bad, Good, attempt_once},
    end::TaskEnd,
    merge::{Merged, merge},
    recovery::{self, Failed},
    run::Run,
    testing::MAX_REPAIRS,
};

/// The key of the step that holds a task's end in one of its rounds.
fn end_key(task: &TaskId, round: u32) -> StepKey {
    StepKey::new(Scope::Task(task.clone()), round, "end")
}

/// Runs a task to its end, recorded.
///
/// While it waits for a retry, it gives its worker slot back.
pub(crate) async fn run_task(
    run: Arc<Run>,
    task: Task,
    tasks: &BTreeMap<TaskId, Task>,
    dependencies: Vec<DependencyResult>,
    context: &mut TaskContext<Option<TaskEnd>>,
) -> Result<TaskEnd, Error> {
    let task = run.reopened().reworded(&task);
    let mut attempt = first_attempt(&run, &task.id)?;
    // A repair that met conflicts in its own merge is repaired again, without a new attempt.
    let mut unmerged = None;
    let mut n_repairs = 0;
    let attempted = loop {
        run.check_paused()?;
        let bad = match unmerged.take() {
            Some(bad) => bad,
            None => match Box::pin(attempt_once(&run, &task, attempt, &dependencies)).await? {
                Ok(good) => break Ok(good),
                Err(bad) => bad,
            },
        };
        // A repair that does not merge again and again is no repair; a person must look.
        if n_repairs > MAX_REPAIRS {
            break Err(bad);
        }
        match Box::pin(recover(&run, &task, tasks, attempt, &bad)).await? {
            RecoveryOutcome::Repaired { commit } => {
                n_repairs += 1;
                match merge(&run, &task, attempt, &commit, "merge-repaired").await? {
                    Merged::Into(_) => {
                        break Ok(Good {
                            status: TaskStatus::Succeeded,
                            commit: Some(commit),
                            summary: bad.summary,
                        });
                    }
                    Merged::Failed(failure) => {
                        unmerged = Some(Bad {
                            commit: Some(commit),
                            failure,
                            ..bad
                        });
                    }
                }
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
        left_out: false,
    };
    record(&run, &task.id, end).await
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
    tasks: &BTreeMap<TaskId, Task>,
    attempt: u32,
    bad: &Bad,
) -> Result<RecoveryOutcome, Error> {
    let failed = Failed {
        scope: Scope::Task(task.id.clone()),
        attempt,
        task: Some(task),
        repository: &task.repository,
        base: &bad.base,
        commit: bad.commit.as_ref(),
        failure: &bad.failure,
        conversation: bad.conversation.as_ref(),
    };
    recovery::recover(run, failed, || merged_results(run, task, tasks)).await
}

/// What the other tasks of the repository have merged so far.
fn merged_results(run: &Run, task: &Task, tasks: &BTreeMap<TaskId, Task>) -> Vec<DependencyResult> {
    let others = tasks
        .values()
        .filter(|other| other.repository == task.repository && other.id != task.id);
    let results = others.filter_map(|other| {
        let end = ended(run, other).ok().flatten()?;
        end.commit.as_ref()?;
        Some(result_of(other, end))
    });
    results.collect()
}

/// The end that was recorded of a task in its present round, by this process or an earlier one.
pub(crate) fn ended(run: &Run, task: &Task) -> Result<Option<TaskEnd>, Error> {
    ended_in(run, &task.id, run.reopened().round(&task.id))
}

/// The end that was recorded of a task in one of its rounds.
pub(crate) fn ended_in(run: &Run, task: &TaskId, round: u32) -> Result<Option<TaskEnd>, Error> {
    let key = end_key(task, round);
    let StepState::Finished { result, .. } = run.ports.steps.state(&key) else {
        return Ok(None);
    };
    let end =
        serde_json::from_value(result).map_err(|source| StepError::Unreadable { key, source })?;
    Ok(Some(end))
}

/// The number of the first attempt in a task's present round: attempts are numbered through.
fn first_attempt(run: &Run, task: &TaskId) -> Result<u32, Error> {
    let round = run.reopened().round(task);
    let mut last = 0;
    for earlier in 1..round {
        last = ended_in(run, task, earlier)?.map_or(last, |end| end.attempt.max(last));
    }
    Ok(last + 1)
}

/// Records a task's end; the last step of each of its rounds.
pub(crate) async fn record(run: &Run, task: &TaskId, end: TaskEnd) -> Result<TaskEnd, Error> {
    let key = end_key(task, run.reopened().round(task));
    let ended = run.step(key, Fingerprint::new(), |step| async move {
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
    let results = task
        .dependencies
        .iter()
        .filter_map(|id| Some(result_of(tasks.get(id)?, ended(id)?)));
    results.collect()
}

fn result_of(task: &Task, end: TaskEnd) -> DependencyResult {
    DependencyResult {
        task: task.id.clone(),
        title: task.title.clone(),
        repository: task.repository.clone(),
        commit: end.commit,
        summary: end.summary,
    }
}
