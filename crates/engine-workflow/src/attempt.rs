//! One task: its attempts, each agent, verification, merge, and what recovery makes of a failure.

use std::{collections::BTreeMap, sync::Arc};

use core_types::{
    Advice, AdviceRequest, AgentAnswer, AgentRequest, AgentTask, Capture, ChangePolicy, CommitId,
    DependencyResult, ErrorClass, Event, Failure, FailureKind, Merge, PortError, RecoveryOutcome,
    RecoveryRequest, RefUpdate, Scope, SpendScope, Stage, StepKey, StepRef, Task, TaskStatus,
    Workspace,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};
use engine_parallel::TaskContext;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    end::TaskEnd,
    run::{Run, as_failure},
    verify::{Verdict, set_up, verify},
};

/// What an attempt starts from, fixed before the agent runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Prepared {
    base: CommitId,
    advice: Advice,
}

/// What the agent left, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "left")]
enum Left {
    Changed { commit: CommitId, summary: String },
    Unchanged { summary: String },
    Failed { failure: Failure },
}

/// How an attempt ended.
enum Attempted {
    Good {
        status: TaskStatus,
        commit: Option<CommitId>,
        summary: String,
    },
    Failed {
        base: CommitId,
        commit: Option<CommitId>,
        failure: Failure,
    },
}

fn key(task: &Task, attempt: u32, name: &'static str) -> StepKey {
    StepKey::new(Scope::Task(task.id.clone()), attempt, name)
}

/// The key of the step that holds a task's end.
pub(crate) fn end_key(task: &Task) -> StepKey {
    key(task, 1, "end")
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
    loop {
        let attempted = Box::pin(attempt_once(&run, &task, attempt, &dependencies)).await?;
        let (base, commit, failure) = match attempted {
            Attempted::Good {
                status,
                commit,
                summary,
            } => {
                return record_end(&run, &task, attempt, status, commit, summary, None).await;
            }
            Attempted::Failed {
                base,
                commit,
                failure,
            } => (base, commit, failure),
        };
        let outcome = recover(&run, &task, attempt, base, commit.clone(), &failure).await?;
        match outcome {
            RecoveryOutcome::Repaired { commit } => {
                let merged = merge(&run, &task, attempt, &commit, "merge-repaired").await?;
                let (status, failure) = match merged {
                    Merged::Into(_) => (TaskStatus::Succeeded, None),
                    Merged::Conflict(failure) => (TaskStatus::Failed, Some(failure)),
                };
                let commit = Some(commit);
                return record_end(&run, &task, attempt, status, commit, String::new(), failure)
                    .await;
            }
            RecoveryOutcome::Retry { at } => {
                let wait = at.since(run.ports.clock.now());
                let cancelled = run.cancel.cancelled();
                let waited = async {
                    tokio::select! { () = tokio::time::sleep(wait) => {} () = cancelled => {} }
                };
                context.pause(waited).await;
                attempt += 1;
            }
            RecoveryOutcome::Park { .. } => return Err(Error::Paused),
            _ => {
                let status = match failure.class {
                    ErrorClass::Timeout => TaskStatus::TimedOut,
                    _ => TaskStatus::Failed,
                };
                return record_end(
                    &run,
                    &task,
                    attempt,
                    status,
                    commit,
                    String::new(),
                    Some(failure),
                )
                .await;
            }
        }
    }
}

async fn attempt_once(
    run: &Run,
    task: &Task,
    attempt: u32,
    dependencies: &[DependencyResult],
) -> Result<Attempted, Error> {
    run.check_paused()?;
    let prepared = prepare(run, task, attempt).await?;
    let base = prepared.base.clone();
    let mut workspace = None;
    let left = Box::pin(agent(
        run,
        task,
        attempt,
        dependencies,
        &prepared,
        &mut workspace,
    ))
    .await?;
    let (commit, summary) = match left {
        Left::Changed { commit, summary } => (commit, summary),
        Left::Failed { failure } => {
            return Ok(Attempted::Failed {
                base,
                commit: None,
                failure,
            });
        }
        Left::Unchanged { summary } => {
            return Ok(match run.ports.agent.changes() {
                ChangePolicy::Optional => Attempted::Good {
                    status: TaskStatus::Unchanged,
                    commit: None,
                    summary,
                },
                ChangePolicy::Required => Attempted::Failed {
                    base,
                    commit: None,
                    failure: Failure::new(
                        ErrorClass::Validation,
                        FailureKind::NoChange,
                        "the agent ended well but changed nothing",
                    ),
                },
            });
        }
    };
    run.check_paused()?;
    let verified = Box::pin(verify_attempt(
        run,
        task,
        attempt,
        &commit,
        workspace.as_deref(),
    ))
    .await?;
    drop(workspace);
    if let Verdict::Failed { failure } = verified {
        return Ok(Attempted::Failed {
            base,
            commit: Some(commit),
            failure,
        });
    }
    match merge(run, task, attempt, &commit, "merge").await? {
        Merged::Into(_) => {
            let status = TaskStatus::Succeeded;
            Ok(Attempted::Good {
                status,
                commit: Some(commit),
                summary,
            })
        }
        Merged::Conflict(failure) => Ok(Attempted::Failed {
            base,
            commit: Some(commit),
            failure,
        }),
    }
}

async fn prepare(run: &Run, task: &Task, attempt: u32) -> Result<Prepared, StepError> {
    let fingerprint = Fingerprint::new().with_json("task", task);
    run.step(
        key(task, attempt, "prepare"),
        fingerprint,
        |step| async move {
            let status = TaskStatus::Running;
            let task_id = task.id.clone();
            let event = Event::TaskChanged {
                task: task_id,
                status,
                attempt,
                failure: None,
                because_of: None,
            };
            run.emit(Some(&step), event);
            let request = AdviceRequest {
                run: run.settings.run.clone(),
                stage: Stage::Implementation,
                repository: Some(task.repository.clone()),
                task: Some(task.clone()),
            };
            // Advice helps; a run without it is still a run.
            let advice = run
                .ports
                .aids
                .advisor
                .advise(&request)
                .await
                .unwrap_or_default();
            Ok(Prepared {
                base: run.integration_head(&task.repository).await?,
                advice,
            })
        },
    )
    .await
}

async fn agent(
    run: &Run,
    task: &Task,
    attempt: u32,
    dependencies: &[DependencyResult],
    prepared: &Prepared,
    workspace: &mut Option<Box<dyn Workspace>>,
) -> Result<Left, Error> {
    let fingerprint = Fingerprint::new()
        .with("agent", run.ports.agent.name())
        .with("base", &prepared.base)
        .with_json("task", task)
        .with_json("dependencies", &dependencies);
    let step = Step::new(
        key(task, attempt, "agent"),
        fingerprint,
        WhenUnknown::Idempotent,
    )
    .at_most(run.settings.limits.max_executions);
    let left = step::run(&*run.ports.steps, step, |step| {
        Box::pin(agent_once(
            run,
            task,
            attempt,
            dependencies,
            prepared,
            workspace,
            step,
        ))
    });
    match left.await {
        Err(StepError::TooManyExecutions { executions, .. }) => {
            let message = format!("the attempt was killed {executions} times with the engine");
            let kind = FailureKind::KilledTooOften { executions };
            let failure = Failure::new(ErrorClass::ResourceExhausted, kind, message);
            Ok(Left::Failed { failure })
        }
        other => Ok(other?),
    }
}

async fn agent_once(
    run: &Run,
    task: &Task,
    attempt: u32,
    dependencies: &[DependencyResult],
    prepared: &Prepared,
    kept: &mut Option<Box<dyn Workspace>>,
    step: StepRef,
) -> Result<Left, PortError> {
    let repository = &run.repository(&task.repository)?.repository;
    let workspace = match repository.lease(&prepared.base).await {
        Ok(workspace) => workspace,
        Err(error) => return as_failure(error).map(|failure| Left::Failed { failure }),
    };
    let scratch = run.scratch(format!("tasks/{}/{attempt}.{}", task.id, step.execution));
    if let Some(failure) = set_up(
        run,
        &task.repository,
        workspace.folder(),
        &scratch,
        Some(&step),
    )
    .await?
    {
        return Ok(Left::Failed { failure });
    }
    // What the set-up changed is not the agent's work.
    let has_setup = run
        .settings
        .repository(&task.repository)
        .is_some_and(|it| it.setup_command.is_some());
    let since = if has_setup {
        Some(workspace.snapshot().await?)
    } else {
        None
    };
    let request = AgentRequest {
        run: run.settings.run.clone(),
        step: Some(step.clone()),
        attempt,
        issue: run.settings.issue.clone(),
        task: AgentTask::Implement {
            task: task.clone(),
            dependencies: dependencies.to_vec(),
        },
        advice: prepared.advice.clone(),
        folder: workspace.folder().to_owned(),
        scratch,
        timeout: run.settings.limits.agent_timeout,
    };
    let spend = SpendScope {
        run: run.settings.run.clone(),
        repository: Some(task.repository.clone()),
        task: Some(task.id.clone()),
    };
    let result = match crate::agent::work(run, &step, &spend, request).await {
        Ok(result) => result,
        Err(error) => {
            // That it was run goes without saying; what came of it is the failure.
            let (line, what) = (error.to_line(), format!("{error}: "));
            let mut failure = as_failure(error)?;
            if let Some(cause) = line.strip_prefix(&what) {
                failure.message = format!("agent {}: {cause}", run.ports.agent.name());
            }
            if failure.kind == FailureKind::Other {
                failure.kind = FailureKind::Agent;
            }
            return Ok(Left::Failed { failure });
        }
    };
    let summary = match result.answer {
        AgentAnswer::Work { summary } => summary,
        _ => String::new(),
    };
    let message = commit_message(run, task, &summary);
    let captured = match workspace.commit(since.as_ref(), &message).await {
        Ok(captured) => captured,
        Err(error) => return as_failure(error).map(|failure| Left::Failed { failure }),
    };
    match captured {
        Capture::Unchanged => Ok(Left::Unchanged { summary }),
        Capture::Nested { folders } => {
            let list = folders.join(", ");
            let message = format!(
                "the agent left git repositories inside its clone, whose files would be lost: {list}"
            );
            let kind = FailureKind::NestedRepository { folders };
            Ok(Left::Failed {
                failure: Failure::new(ErrorClass::Validation, kind, message),
            })
        }
        Capture::Committed { commit, files } => {
            run.keep(
                &task.repository,
                run.attempt_reference(&task.id, attempt),
                &commit,
            )
            .await?;
            let repository = task.repository.clone();
            let (files, captured) = (files.len(), commit.clone());
            run.emit(
                Some(&step),
                Event::ChangeCaptured {
                    repository,
                    commit: captured,
                    files,
                },
            );
            *kept = Some(workspace);
            Ok(Left::Changed { commit, summary })
        }
    }
}

fn commit_message(run: &Run, task: &Task, summary: &str) -> String {
    let mut message = format!("{}\n\n", task.title.trim());
    if !summary.trim().is_empty() {
        message.push_str(summary.trim());
        message.push_str("\n\n");
    }
    message.push_str(&format!(
        "Automation-Run: {}\nAutomation-Task: {}\n",
        run.settings.run, task.id
    ));
    message
}

async fn verify_attempt(
    run: &Run,
    task: &Task,
    attempt: u32,
    commit: &CommitId,
    workspace: Option<&dyn Workspace>,
) -> Result<Verdict, Error> {
    let Some(command) = run
        .settings
        .repository(&task.repository)
        .and_then(|it| it.test_command.as_ref())
    else {
        return Ok(Verdict::NotVerified);
    };
    let fingerprint = Fingerprint::new()
        .with("commit", commit)
        .with_json("test_command", command);
    let verified = run.step(
        key(task, attempt, "verify"),
        fingerprint,
        |step| async move {
            let scratch = run.scratch(format!(
                "tasks/{}/{attempt}.verify.{}",
                task.id, step.execution
            ));
            verify(run, &task.repository, commit, workspace, &scratch, &step).await
        },
    );
    Ok(verified.await?)
}

/// What came of a merge into the integration branch, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Merged {
    Into(CommitId),
    Conflict(Failure),
}

async fn merge(
    run: &Run,
    task: &Task,
    attempt: u32,
    commit: &CommitId,
    name: &'static str,
) -> Result<Merged, Error> {
    let _turn = run.merging(&task.repository).await;
    let fingerprint = Fingerprint::new().with("commit", commit);
    let merged = run.step(key(task, attempt, name), fingerprint, |step| async move {
        let repository = &run.repository(&task.repository)?.repository;
        let head = run.integration_head(&task.repository).await?;
        let message = format!("Merge task {}: {}\n", task.id, task.title.trim());
        // Merging again after a crash finds the commit already held.
        let merged = match repository.merge(&head, commit, &message).await? {
            Merge::FastForward { commit } | Merge::Merged { commit } => commit,
            Merge::Conflict { paths } => {
                let list = paths.join(", ");
                let message =
                    format!("merging into the integration branch met conflicts in {list}");
                let kind = FailureKind::MergeConflict { paths };
                return Ok(Merged::Conflict(Failure::new(
                    ErrorClass::Conflict,
                    kind,
                    message,
                )));
            }
        };
        if merged != head {
            let name = run.reference("integration");
            let new = Some(merged.clone());
            repository
                .update_refs(&[RefUpdate {
                    name,
                    expected: Some(head),
                    new,
                }])
                .await?;
        }
        let repository = task.repository.clone();
        run.emit(
            Some(&step),
            Event::TaskMerged {
                repository,
                commit: merged.clone(),
            },
        );
        Ok(Merged::Into(merged))
    });
    Ok(merged.await?)
}

async fn recover(
    run: &Run,
    task: &Task,
    attempt: u32,
    base: CommitId,
    commit: Option<CommitId>,
    failure: &Failure,
) -> Result<RecoveryOutcome, Error> {
    let fingerprint = Fingerprint::new().with_json("failure", &failure.kind);
    let outcome = run.step(key(task, attempt, "recover"), fingerprint, |_| async move {
        let request = RecoveryRequest {
            run: run.settings.run.clone(),
            scope: Scope::Task(task.id.clone()),
            attempt,
            task: Some(task.clone()),
            repository: task.repository.clone(),
            base,
            commit,
            failure: failure.clone(),
            reports: run.scratch("reports"),
        };
        Ok(run.ports.aids.recovery.recover(&request).await)
    });
    Ok(outcome.await?)
}

/// Records a task's end; the last step of every task.
pub(crate) async fn record_end(
    run: &Run,
    task: &Task,
    attempt: u32,
    status: TaskStatus,
    commit: Option<CommitId>,
    summary: String,
    failure: Option<Failure>,
) -> Result<TaskEnd, Error> {
    let task_id = task.id.clone();
    let end = TaskEnd {
        task: task_id,
        status,
        attempt,
        commit,
        summary,
        failure,
        because_of: None,
    };
    record(run, task, end).await
}

/// Records an end as it is given.
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
    tasks: &BTreeMap<core_types::TaskId, Task>,
    ended: impl Fn(&core_types::TaskId) -> Option<TaskEnd>,
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
