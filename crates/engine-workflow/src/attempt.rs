//! One attempt at a task: the agent in a clone, what it left, verified and merged.

use core_types::{
    Advice, AdviceRequest, AgentAnswer, AgentRequest, AgentTask, Capture, ChangePolicy, CommitId,
    Conversation, DependencyResult, ErrorClass, Event, Failure, FailureKind, ModelChoice,
    PortError, Scope, Stage, StepKey, StepName, StepRef, Task, TaskStatus, Workspace,
    step::{self, Fingerprint, Step, StepError, StepState, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    agent::{tell_advice, work},
    merge::{Merged, merge},
    run::Run,
    text,
    verify::{Verdict, set_up, verify},
};

/// What an attempt starts from, fixed before the agent runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Prepared {
    base: CommitId,
    advice: Advice,
    /// A repeated execution works with the same, whatever is configured by then. Records of before models were
    /// chosen have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<ModelChoice>,
}

/// What the agent left, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "left")]
enum Left {
    Changed {
        commit: CommitId,
        summary: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<Conversation>,
    },
    Unchanged {
        summary: String,
    },
    Failed {
        failure: Failure,
    },
}

/// An attempt that ended well.
pub(crate) struct Good {
    pub(crate) status: TaskStatus,
    pub(crate) commit: Option<CommitId>,
    pub(crate) summary: String,
}

/// An attempt that failed, and how far it came.
pub(crate) struct Bad {
    pub(crate) base: CommitId,
    pub(crate) commit: Option<CommitId>,
    pub(crate) summary: String,
    pub(crate) failure: Failure,
    /// The conversation of the agent that made `commit`.
    pub(crate) conversation: Option<Conversation>,
}

fn key(task: &Task, attempt: u32, name: &'static str) -> StepKey {
    StepKey::new(Scope::Task(task.id.clone()), attempt, name)
}

/// Makes one attempt. The outer error stops the run.
pub(crate) async fn attempt_once(
    run: &Run,
    task: &Task,
    attempt: u32,
    dependencies: &[DependencyResult],
) -> Result<Result<Good, Bad>, Error> {
    let prepared = prepare(run, task, attempt).await?;
    let bad = |commit, summary, failure, conversation| {
        Ok(Err(Bad {
            base: prepared.base.clone(),
            commit,
            summary,
            failure,
            conversation,
        }))
    };
    let mut workspace = None;
    let attempted = Attempt {
        run,
        task,
        attempt,
        dependencies,
        prepared: &prepared,
    };
    let (commit, summary, conversation) = match Box::pin(attempted.agent(&mut workspace)).await? {
        Left::Changed {
            commit,
            summary,
            conversation,
        } => (commit, summary, conversation),
        Left::Failed { failure } => return bad(None, String::new(), failure, None),
        Left::Unchanged { summary } => {
            return match run.changes(task) {
                ChangePolicy::Optional => Ok(Ok(Good {
                    status: TaskStatus::Unchanged,
                    commit: None,
                    summary,
                })),
                ChangePolicy::Required => bad(None, summary, no_change(), None),
            };
        }
    };
    run.check_paused()?;
    let verifying = verify_attempt(run, task, attempt, &commit, workspace.as_deref());
    let verified = Box::pin(verifying).await?;
    drop(workspace);
    if let Verdict::Failed { failure } = verified {
        return bad(Some(commit), summary, failure, conversation);
    }
    match merge(run, task, attempt, &commit, "merge").await? {
        Merged::Into(_) => Ok(Ok(Good {
            status: TaskStatus::Succeeded,
            commit: Some(commit),
            summary,
        })),
        Merged::Failed(failure) => bad(Some(commit), summary, failure, conversation),
    }
}

fn no_change() -> Failure {
    Failure::new(
        ErrorClass::Validation,
        FailureKind::NoChange,
        "the agent ended well but changed nothing",
    )
}

async fn prepare(run: &Run, task: &Task, attempt: u32) -> Result<Prepared, StepError> {
    let fingerprint = Fingerprint::new().with_json("task", task);
    let prepared = run.step(
        key(task, attempt, "prepare"),
        fingerprint,
        |step| async move {
            let request = AdviceRequest {
                run: run.settings.run.clone(),
                stage: Stage::Implementation,
                repository: Some(task.repository.clone()),
                task: Some(task.clone()),
            };
            // Advice helps; a run without it is still a run.
            let advice = run.ports.aids.advisor.advise(&request).await;
            let advice = advice.unwrap_or_default();
            let base = run.integration_head(&task.repository).await?;
            tell_advice(run, &step, &advice);
            Ok(Prepared {
                base,
                advice,
                model: run.ports.aids.models.select(Some(task)),
            })
        },
    );
    prepared.await
}

/// An attempt whose agent is to run.
struct Attempt<'a> {
    run: &'a Run,
    task: &'a Task,
    attempt: u32,
    dependencies: &'a [DependencyResult],
    prepared: &'a Prepared,
}

impl Attempt<'_> {
    /// Runs the agent, or replays what it left. The workspace stays where it
    /// has just run, for the tests.
    async fn agent(&self, workspace: &mut Option<Box<dyn Workspace>>) -> Result<Left, Error> {
        let run = self.run;
        let fingerprint = Fingerprint::new()
            .with("agent", run.ports.agent.name())
            .with("base", &self.prepared.base)
            .with_json("task", self.task)
            .with_json("dependencies", &self.dependencies);
        let key = key(self.task, self.attempt, "agent");
        let max_executions = run.settings.limits.max_executions;
        let step = Step::new(key.clone(), fingerprint, WhenUnknown::Idempotent)
            .at_most(max_executions.saturating_add(self.interruptions(&key)));
        let left = step::run(&*run.ports.steps, step, |step| {
            Box::pin(self.agent_once(workspace, step))
        });
        match left.await {
            Err(StepError::TooManyExecutions { .. }) => {
                let message =
                    format!("the attempt was killed {max_executions} times with the engine");
                let kind = FailureKind::KilledTooOften {
                    executions: max_executions,
                };
                let failure = Failure::new(ErrorClass::ResourceExhausted, kind, message);
                Ok(Left::Failed { failure })
            }
            Err(error) => {
                self.interrupted(&key, error.class()).await;
                Err(error.into())
            }
            Ok(left) => Ok(left),
        }
    }

    /// Remembers that an execution was ended by us, which does not count as a
    /// kill. Where it cannot be recorded it counts.
    async fn interrupted(&self, key: &StepKey, class: ErrorClass) {
        let is_ours = matches!(class, ErrorClass::Cancelled | ErrorClass::BudgetExceeded);
        if let (true, StepState::Begun { execution, .. }) =
            (is_ours, self.run.ports.steps.state(key))
        {
            let key = self.interruption(execution);
            let recorded = self.run.step(key, Fingerprint::new(), |_| async { Ok(()) });
            recorded.await.ok();
        }
    }

    /// How many executions of the step were ended by us.
    fn interruptions(&self, key: &StepKey) -> u32 {
        let steps = &self.run.ports.steps;
        let StepState::Begun { execution, .. } = steps.state(key) else {
            return 0;
        };
        let ended_by_us = (1..=execution).filter(|execution| {
            let state = steps.state(&self.interruption(*execution));
            matches!(state, StepState::Finished { .. })
        });
        u32::try_from(ended_by_us.count()).unwrap_or(u32::MAX)
    }

    fn interruption(&self, execution: u32) -> StepKey {
        let name = StepName::new(format!("agent-{}-interrupted", self.attempt))
            .expect("letters, digits and hyphens are a valid step name");
        StepKey {
            scope: Scope::Task(self.task.id.clone()),
            attempt: execution,
            name,
        }
    }

    async fn agent_once(
        &self,
        kept: &mut Option<Box<dyn Workspace>>,
        step: StepRef,
    ) -> Result<Left, PortError> {
        let Self {
            run, task, attempt, ..
        } = *self;
        let event = Event::TaskChanged {
            task: task.id.clone(),
            status: TaskStatus::Running,
            attempt,
            failure: None,
            because_of: None,
        };
        run.emit(Some(&step), event);
        let repository = &run.repository(&task.repository)?.repository;
        let workspace = match repository.lease(&self.prepared.base).await {
            Ok(workspace) => workspace,
            Err(error) => {
                return run
                    .as_failure(error)
                    .map(|failure| Left::Failed { failure });
            }
        };
        let scratch = run.scratch(format!("tasks/{}/{attempt}.{}", task.id, step.execution));
        let folder = workspace.folder();
        if let Some(failure) = set_up(run, &task.repository, folder, &scratch, Some(&step)).await? {
            return Ok(Left::Failed { failure });
        }
        // What the set-up changed is not the agent's work.
        let settings = run.settings.repository(&task.repository);
        let has_setup = settings.is_some_and(|it| it.setup_command.is_some());
        let since = match has_setup {
            false => None,
            true => match workspace.snapshot().await {
                Ok(tree) => Some(tree),
                Err(error) => {
                    return run
                        .as_failure(error)
                        .map(|failure| Left::Failed { failure });
                }
            },
        };
        let request = AgentRequest {
            run: run.settings.run.clone(),
            step: Some(step.clone()),
            repository: Some(task.repository.clone()),
            attempt,
            issue: run.settings.issue.clone(),
            task: AgentTask::Implement {
                task: task.clone(),
                dependencies: self.dependencies.to_vec(),
            },
            context: run.context(),
            advice: self.prepared.advice.clone(),
            model: self.prepared.model.clone(),
            grant: None,
            conversation: None,
            folder: folder.to_owned(),
            scratch,
            timeout: run.settings.limits.agent_timeout,
        };
        let (summary, conversation) = match work(run, request).await? {
            Ok(result) => {
                let summary = match result.answer {
                    AgentAnswer::Work { summary } => text::start(&summary, text::MAX_SUMMARY_BYTES),
                    _ => String::new(),
                };
                (summary, result.conversation)
            }
            Err(mut failure) => {
                if failure.kind == FailureKind::Other {
                    failure.kind = FailureKind::Agent;
                }
                return Ok(Left::Failed { failure });
            }
        };
        let title = text::title(&task.title, task.id.as_str());
        let message = text::commit_message(&title, &summary, &run.trailers(&task.id));
        match workspace.commit(since.as_ref(), &message).await {
            Ok(Capture::Unchanged) => Ok(Left::Unchanged { summary }),
            Ok(Capture::Nested { folders }) => Ok(Left::Failed {
                failure: nested(folders),
            }),
            Ok(Capture::Committed { commit, files }) => {
                let name = run.attempt_reference(&task.id, attempt);
                run.keep(&task.repository, name, &commit).await?;
                let event = Event::ChangeCaptured {
                    repository: task.repository.clone(),
                    commit: commit.clone(),
                    files: files.len(),
                };
                run.emit(Some(&step), event);
                *kept = Some(workspace);
                Ok(Left::Changed {
                    commit,
                    summary,
                    conversation,
                })
            }
            Err(error) => run
                .as_failure(error)
                .map(|failure| Left::Failed { failure }),
        }
    }
}

fn nested(folders: Vec<String>) -> Failure {
    let list = text::start(&folders.join(", "), 500);
    let message = format!(
        "the agent left git repositories inside its clone, whose files would be lost: {list}"
    );
    let kind = FailureKind::NestedRepository { folders };
    Failure::new(ErrorClass::Validation, kind, message)
}

async fn verify_attempt(
    run: &Run,
    task: &Task,
    attempt: u32,
    commit: &CommitId,
    workspace: Option<&dyn Workspace>,
) -> Result<Verdict, Error> {
    let settings = run.settings.repository(&task.repository);
    let Some(command) = settings.and_then(|it| it.test_command.as_ref()) else {
        return Ok(Verdict::NotVerified);
    };
    let fingerprint = Fingerprint::new()
        .with("commit", commit)
        .with("test_command", command.to_string());
    let key = key(task, attempt, "verify");
    let verified = run.step(key, fingerprint, |step| async move {
        let scratch = format!("tasks/{}/{attempt}.verify.{}", task.id, step.execution);
        let scratch = run.scratch(scratch);
        verify(run, &task.repository, commit, workspace, &scratch, &step).await
    });
    Ok(verified.await?)
}
