use std::{collections::BTreeMap, path::Path, time::Duration};

use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, PortError, Review, Spent, Task, TaskId, TokenUsage, Usd,
};
use serde_json::json;

use super::{
    edit,
    playbook::{Action, Playbook, ReviewScene, Scene},
};
use crate::{RunError, error::Failed, prompt};

/// How a [`ScriptedAgent`] is made.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptedAgentOptions {
    /// Its name in the configuration.
    pub name: String,
    /// Whether it must change something; default required.
    pub changes: ChangePolicy,
    /// A limit of its own beside each request's; default none.
    pub timeout: Option<Duration>,
}

impl ScriptedAgentOptions {
    /// The defaults, under a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            changes: ChangePolicy::Required,
            timeout: None,
        }
    }
}

/// An agent that does what its playbook says, and the same each time.
#[derive(Debug)]
pub struct ScriptedAgent {
    options: ScriptedAgentOptions,
    playbook: Playbook,
}

/// What a scene answers and reports.
struct Played {
    answer: AgentAnswer,
    usage: TokenUsage,
    cost: Option<Usd>,
    model: String,
}

impl ScriptedAgent {
    /// An agent that plays `playbook`.
    #[must_use]
    pub fn new(options: ScriptedAgentOptions, playbook: Playbook) -> Self {
        Self { options, playbook }
    }

    async fn play(&self, request: &AgentRequest) -> Result<Played, Failed> {
        match &request.task {
            AgentTask::Plan { .. } => Ok(self.plan()?),
            AgentTask::Review { repository, .. } => Ok(self.review(repository.name.as_str())?),
            AgentTask::Implement { task, .. } => {
                let scene = find("task", &self.playbook.tasks, task.id.as_str())?;
                work(scene, request, 1).await
            }
            AgentTask::ResolveConflict { task, findings, .. } => {
                // The request counts no rounds: the first has nothing to find fault with.
                let round = if findings.is_empty() { 1 } else { 2 };
                let name = repaired(task.as_ref(), request);
                let scene = find("conflict of", &self.playbook.resolve_conflict, name)?;
                work(scene, request, round).await
            }
            AgentTask::FixTests { task, round, .. } => {
                let name = repaired(task.as_ref(), request);
                let scene = find("tests of", &self.playbook.fix_tests, name)?;
                work(scene, request, *round).await
            }
            other => Err(Failed::from(RunError::CannotDo {
                stage: other.stage(),
            })),
        }
    }

    fn plan(&self) -> Result<Played, RunError> {
        let scene = self.playbook.plan.as_ref();
        let scene = scene.ok_or(RunError::CannotDo { stage: "planning" })?;
        Ok(Played {
            answer: AgentAnswer::Plan {
                plan: json!({"title": scene.title, "tasks": scene.tasks}),
            },
            usage: scene.usage,
            cost: scene.cost,
            model: scene.model.clone(),
        })
    }

    fn review(&self, repository: &str) -> Result<Played, RunError> {
        let reviews = self.playbook.review.as_ref();
        let reviews = reviews.ok_or(RunError::CannotDo { stage: "review" })?;
        let own = reviews
            .repositories
            .iter()
            .find(|(name, _)| name.as_str() == repository)
            .map(|(_, scene)| scene);
        let scene: &ReviewScene =
            own.or(reviews.default.as_ref())
                .ok_or_else(|| RunError::NotInPlaybook {
                    what: "repository",
                    name: repository.to_owned(),
                    known: join(reviews.repositories.keys()),
                })?;
        Ok(Played {
            answer: AgentAnswer::Review {
                review: Review {
                    approved: scene.approved,
                    comments: scene.comments.clone(),
                    issues_found: scene.issues_found.clone(),
                    confidence: scene.confidence,
                },
            },
            usage: scene.usage,
            cost: scene.cost,
            model: scene.model.clone(),
        })
    }
}

#[async_trait]
impl Agent for ScriptedAgent {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            plan: self.playbook.plan.is_some(),
            review: self.playbook.review.is_some(),
            repair: !self.playbook.resolve_conflict.is_empty()
                || !self.playbook.fix_tests.is_empty(),
        }
    }

    fn changes(&self) -> ChangePolicy {
        self.options.changes
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        let limit = self
            .options
            .timeout
            .map_or(request.timeout, |own| own.min(request.timeout));
        let played = tokio::select! {
            // A request that is cancelled before it begins edits nothing.
            biased;
            () = cancel.cancelled() => Err(RunError::Cancelled.into()),
            played = tokio::time::timeout(limit, self.play(&request)) => {
                played.unwrap_or_else(|_| Err(RunError::TimedOut { after: limit }.into()))
            }
        };
        let played = played.map_err(|error| error.into_port_error(&self.options.name))?;
        Ok(AgentResult {
            answer: played.answer,
            usage: played.usage,
            cost: played.cost,
            model: played.model,
            prompt: prompt::render(&request),
            conversation: None,
        })
    }
}

/// The name that a repair has in the playbook.
fn repaired<'a>(task: Option<&'a Task>, request: &'a AgentRequest) -> &'a str {
    match (task, &request.repository) {
        (Some(task), _) => task.id.as_str(),
        (None, Some(repository)) => repository.as_str(),
        (None, None) => "",
    }
}

fn find<'a>(
    what: &'static str,
    scenes: &'a BTreeMap<TaskId, Scene>,
    name: &str,
) -> Result<&'a Scene, RunError> {
    let found = scenes.iter().find(|(known, _)| known.as_str() == name);
    let found = found.map(|(_, scene)| scene);
    found.ok_or_else(|| RunError::NotInPlaybook {
        what,
        name: name.to_owned(),
        known: join(scenes.keys()),
    })
}

/// A scene that fails has spent what it says, too.
async fn work(scene: &Scene, request: &AgentRequest, round: u32) -> Result<Played, Failed> {
    let edited = edit_folder(scene, &request.folder, request.attempt, round).await;
    edited.map_err(|error| Failed {
        error,
        spent: Box::new(Spent {
            usage: scene.usage,
            cost: scene.cost,
            model: scene.model.clone(),
            is_failure: true,
        }),
    })?;
    Ok(Played {
        answer: AgentAnswer::Work {
            summary: scene.summary.clone(),
        },
        usage: scene.usage,
        cost: scene.cost,
        model: scene.model.clone(),
    })
}

/// Each edit is one small file, so it is made without leaving this thread:
/// a dropped request never leaves an edit under way.
async fn edit_folder(
    scene: &Scene,
    folder: &Path,
    attempt: u32,
    round: u32,
) -> Result<(), RunError> {
    let steps = scene
        .steps
        .iter()
        .filter(|step| step.on_attempt.is_none_or(|only| only == attempt))
        .filter(|step| step.on_round.is_none_or(|only| only == round));
    for step in steps {
        match &step.action {
            Action::Sleep(duration) => tokio::time::sleep(*duration).await,
            Action::Fail { message, class } => {
                return Err(RunError::Scripted {
                    message: message.clone(),
                    class: *class,
                });
            }
            edit => edit::apply(folder, edit)?,
        }
    }
    Ok(())
}

fn join(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
