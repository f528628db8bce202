//! Cross-repository workflows by name, as the seed has them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use config::repositories::Repositories;
use core_types::{
    ChangeSet, ChangeSetEnd, ErrorClass, GitProvider, InvalidName, Issue, IssueState, MemberState,
    OperationId, PlanOutcome, PlanRequest, PlanRunner, PortError, PullRequestState, RepositoryName,
};
use sha2::{Digest, Sha256};

use crate::coordination::{self, Selection, change_set};

/// Why a workflow was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration does not give a change set.
    #[error("the configuration does not allow it")]
    Coordination(#[from] coordination::Error),
    /// The context names a repository that does not take part.
    #[error("source_repo \"{name}\" takes no part in workflow \"{workflow}\"")]
    UnknownSource {
        /// The repository.
        name: String,
        /// The workflow.
        workflow: String,
    },
    /// A name that is not valid.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The runner failed.
    #[error("the workflow was cut off")]
    Runner(#[from] PortError),
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Coordination(error) => error.class(),
            Self::UnknownSource { .. } | Self::Name(_) => ErrorClass::Validation,
            Self::Runner(error) => error.class(),
        }
    }
}

/// Carries out cross-repository workflows, and tells how they stand.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::{collections::BTreeMap, sync::Arc};
/// # use core_types::{GitProvider, NewIssue, OperationId};
/// # use testkit::{MemoryForge, MemoryPlanRunner};
/// use multi_repo::MultiRepoOrchestrator;
///
/// # let text = include_str!("../../../config/repositories.yaml");
/// # let repo_configs = config::load_repositories("config/repositories.yaml", text, &|_| None)?;
/// # let runner = Arc::new(MemoryPlanRunner::default());
/// # let (backend_git, frontend_git) = (Arc::new(MemoryForge::default()), Arc::new(MemoryForge::default()));
/// # let new = NewIssue { title: "Flag".to_owned(), ..NewIssue::default() };
/// # let issue = backend_git.create_issue(&OperationId::new("x")?, new).await?;
/// let mut orchestrator = MultiRepoOrchestrator::new(repo_configs, runner);
///
/// // Register providers for each repository
/// orchestrator.register_provider("backend".parse()?, backend_git);
/// orchestrator.register_provider("frontend".parse()?, frontend_git);
///
/// // Execute cross-repo workflow
/// let results = orchestrator
///     .execute_cross_repo_workflow(
///         "full-stack-feature",
///         issue,
///         BTreeMap::from([
///             ("source_repo".to_owned(), "backend".to_owned()),
///             ("feature_flag".to_owned(), "new-feature-v2".to_owned()),
///         ]),
///     )
///     .await?;
/// # assert_eq!(results.members.len(), 3);
///
/// // Check status
/// let status = orchestrator.get_overall_status().await;
/// println!("Overall: {}", status.overall_status);
/// # assert_eq!(status.overall_status.to_string(), "completed");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MultiRepoOrchestrator {
    repositories: Repositories,
    runner: Arc<dyn PlanRunner>,
    providers: BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
    /// The change sets that were asked for here, oldest first. Where each
    /// stands, the runner knows.
    asked: Mutex<Vec<Asked>>,
}

#[derive(Debug, Clone)]
struct Asked {
    change_set: ChangeSet,
    end: Option<ChangeSetEnd>,
}

/// How all repositories stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverallStatus {
    /// All in one word.
    pub overall_status: Overall,
    /// Each repository of the configuration.
    pub repositories: BTreeMap<RepositoryName, RepositoryStatus>,
    /// The change sets that were asked for, oldest first, with how far each has landed once it ended.
    pub change_sets: Vec<(OperationId, Option<ChangeSetEnd>)>,
}

/// All in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overall {
    /// No workflow was asked for.
    Idle,
    /// Something waits or runs.
    Running,
    /// All has succeeded.
    Completed,
    /// Something has failed.
    Failed,
    /// A change set has landed in part.
    Partial,
}

impl fmt::Display for Overall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Partial => "partial",
        })
    }
}

/// How one repository stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryStatus {
    /// Whether runs may use it.
    pub enabled: bool,
    /// Where it stands in the newest change set that it takes part in; one that waits says why.
    pub state: Option<MemberState>,
    /// What its forge holds.
    pub forge: ForgeStatus,
}

/// What a repository's forge holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgeStatus {
    /// No provider is registered.
    NotRegistered,
    /// How much is open.
    Open {
        /// Open issues.
        issues: usize,
        /// Open pull requests.
        pull_requests: usize,
    },
    /// It could not be asked: why, in one line.
    Failed(String),
}

impl MultiRepoOrchestrator {
    /// Over the repositories of a configuration; `runner` carries out what is asked for.
    #[must_use]
    pub fn new(repo_configs: Repositories, runner: Arc<dyn PlanRunner>) -> Self {
        Self {
            repositories: repo_configs,
            runner,
            providers: BTreeMap::new(),
            asked: Mutex::default(),
        }
    }

    /// Names the forge of a repository, in place of an earlier one.
    pub fn register_provider(&mut self, name: RepositoryName, provider: Arc<dyn GitProvider>) {
        self.providers.insert(name, provider);
    }

    /// Carries out a workflow of the configuration for an issue; gives the
    /// result of each repository, and how far the change set has landed.
    ///
    /// The change set is known by workflow and issue: asked for again, after a
    /// crash for example, it goes on, and nothing is done twice. `context`
    /// reaches prompts, commands and reports; its `source_repo` says where the
    /// issue lives, which is the primary repository otherwise. The issue goes to
    /// the runner alone and is copied into no other repository.
    ///
    /// # Errors
    ///
    /// [`Error`] by class. A repository that fails is part of the result.
    ///
    /// # Cancel safety
    ///
    /// A dropped call is to be repeated: it goes on.
    pub async fn execute_cross_repo_workflow(
        &self,
        workflow_name: &str,
        trigger_issue: Issue,
        context: BTreeMap<String, String>,
    ) -> Result<PlanOutcome, Error> {
        let id = self.identity(workflow_name, &trigger_issue, &context)?;
        let selection = Selection::Workflow(workflow_name);
        let set = change_set(&self.repositories, selection, id, context)?;
        if let Some(source) = set.context.get("source_repo")
            && !set.landing_order().any(|name| name.as_str() == source)
        {
            return Err(Error::UnknownSource {
                name: source.clone(),
                workflow: workflow_name.to_owned(),
            });
        }
        self.remember(&set, None);
        let takes_part = |name: &RepositoryName| set.member(name).is_some();
        let providers = self.providers.iter().filter(|(name, _)| takes_part(name));
        let request = PlanRequest {
            change_set: set.clone(),
            issue: trigger_issue,
            providers: providers
                .map(|(name, provider)| (name.clone(), Arc::clone(provider)))
                .collect(),
        };
        let outcome = self.runner.run_plan(request).await?;
        self.remember(&set, Some(outcome.end.clone()));
        Ok(outcome)
    }

    /// How all repositories stand, as runner and forges say at this moment.
    /// What cannot be asked is part of the answer.
    ///
    /// # Cancel safety
    ///
    /// It only looks.
    pub async fn get_overall_status(&self) -> OverallStatus {
        let asked = self.asked().clone();
        let mut states = BTreeMap::new();
        for asked in &asked {
            let told = self.runner.member_states(&asked.change_set.id).await;
            let failed = |reason: String| {
                let members = asked.change_set.landing_order();
                members
                    .map(|name| {
                        let reason = reason.clone();
                        (name.clone(), MemberState::Failed { reason })
                    })
                    .collect()
            };
            states.extend(match told {
                Ok(told) => told.unwrap_or_default(),
                Err(error) => failed(error.to_line()),
            });
        }
        let mut repositories = BTreeMap::new();
        for entry in &self.repositories.entries {
            // The configuration has valid names only.
            let Ok(name) = RepositoryName::new(&entry.name) else {
                continue;
            };
            let status = RepositoryStatus {
                enabled: entry.enabled,
                state: states.get(&name).cloned(),
                forge: self.forge_status(&name).await,
            };
            repositories.insert(name, status);
        }
        OverallStatus {
            overall_status: overall(&asked, states.values()),
            repositories,
            change_sets: asked
                .into_iter()
                .map(|asked| (asked.change_set.id, asked.end))
                .collect(),
        }
    }

    async fn forge_status(&self, name: &RepositoryName) -> ForgeStatus {
        let Some(provider) = self.providers.get(name) else {
            return ForgeStatus::NotRegistered;
        };
        let ask = async {
            let issues = provider.list_issues().await?;
            let pull_requests = provider.list_pull_requests().await?;
            let is_open = |it: &&core_types::PullRequest| it.state == PullRequestState::Open;
            Ok::<_, PortError>(ForgeStatus::Open {
                issues: issues
                    .iter()
                    .filter(|it| it.state == IssueState::Open)
                    .count(),
                pull_requests: pull_requests.iter().filter(is_open).count(),
            })
        };
        ask.await
            .unwrap_or_else(|error| ForgeStatus::Failed(error.to_line()))
    }

    /// The identity of a workflow for an issue, the same each time it is asked for.
    fn identity(
        &self,
        workflow: &str,
        issue: &Issue,
        context: &BTreeMap<String, String>,
    ) -> Result<OperationId, Error> {
        let primary = self.repositories.primary().map(|entry| &entry.name);
        let source = context.get("source_repo").or(primary);
        let source = source.map_or("", String::as_str);
        let issue = if issue.number > 0 {
            issue.number.to_string()
        } else {
            // An issue that no forge holds is known by what it says.
            let digest = Sha256::digest(format!("{}\0{}", issue.title, issue.body));
            digest
                .iter()
                .take(6)
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        Ok(OperationId::new(format!("{workflow}:{source}#{issue}"))?)
    }

    fn remember(&self, change_set: &ChangeSet, end: Option<ChangeSetEnd>) {
        let mut asked = self.asked();
        asked.retain(|asked| asked.change_set.id != change_set.id);
        let change_set = change_set.clone();
        asked.push(Asked { change_set, end });
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        // What is behind it is whole at every instant.
        self.asked.lock().unwrap_or_else(|held| held.into_inner())
    }
}

fn overall<'a>(asked: &[Asked], states: impl Iterator<Item = &'a MemberState>) -> Overall {
    if asked.is_empty() {
        return Overall::Idle;
    }
    let is_partial = |asked: &Asked| matches!(asked.end, Some(ChangeSetEnd::Partial { .. }));
    if asked.iter().any(is_partial) {
        return Overall::Partial;
    }
    let mut overall = Overall::Completed;
    for state in states {
        match state {
            MemberState::Failed { .. } | MemberState::Skipped { .. } => return Overall::Failed,
            MemberState::Waiting { .. } | MemberState::Running => overall = Overall::Running,
            _ => {}
        }
    }
    overall
}
