//! What a run works with, and what it leaves. What stands in for the outside survives a crash.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, CancellationToken, ChangePolicy, CommitId,
    ErrorClass, Failure, GitProvider as _, Issue, IssueState, NewIssue, OperationId, PortError,
    RecoveryRequest, Repository, RepositoryCommands, RunId, Scope, Timestamp,
};
use engine_checkpoint::{RunHeader, RunJournal};
use engine_recovery::{AdvancedRecovery, Options, RetryOptions};
use journal::faults::{Crash, Fault, FaultKind, Repeat, SimulatedStorage};
use testkit::{FixedClock, MemoryForge};

use crate::course;

const JOURNAL: &str = "/runs/run-1/journal";

/// What attempts were really made, by task and attempt.
type Acts = BTreeMap<(String, u32), u64>;

pub(crate) struct World {
    storage: SimulatedStorage,
    forge: Arc<MemoryForge>,
    pub(crate) clock: Arc<FixedClock>,
    git: Arc<dyn Repository>,
    reports: PathBuf,
    acts: Mutex<Acts>,
    ends: Vec<course::End>,
    stops: u64,
}

/// What a run left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    ends: Vec<course::End>,
    acts: Acts,
    comments: Vec<String>,
    reports: BTreeMap<String, String>,
    stops: u64,
}

impl Seen {
    /// Whether it cannot be told apart from another one, but for work that was made once more
    /// after a stop.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let attempts = |seen: &Self| seen.acts.keys().cloned().collect::<Vec<_>>();
        let again: u64 = self.acts.values().map(|n| n - 1).sum();
        self.ends == other.ends
            && attempts(self) == attempts(other)
            && again <= self.stops
            && self.comments == other.comments
            && self.reports == other.reports
    }

    /// Reports that are there more often than in the other one.
    pub(crate) fn duplicates(&self, other: &Self) -> u64 {
        let more = |ours: usize, theirs: usize| ours.saturating_sub(theirs) as u64;
        more(self.comments.len(), other.comments.len())
            + more(self.reports.len(), other.reports.len())
    }
}

impl World {
    pub(crate) fn new(dir: &Path, git: &Arc<dyn Repository>) -> Self {
        Self {
            git: Arc::clone(git),
            storage: SimulatedStorage::new(),
            forge: Arc::default(),
            clock: Arc::default(),
            reports: dir.join("reports"),
            acts: Mutex::default(),
            ends: Vec::new(),
            stops: 0,
        }
    }

    /// An attempt was really made.
    pub(crate) fn acted(&self, task: &str, attempt: u32) {
        let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        *acts.entry((task.to_owned(), attempt)).or_default() += 1;
    }

    pub(crate) fn operations(&self) -> u64 {
        self.storage.operations()
    }

    /// From this operation on nothing reaches the disk.
    pub(crate) fn stop_at(&self, operation: u64) {
        self.storage.inject(Fault {
            operation,
            kind: FaultKind::Io,
            repeat: Repeat::Forever,
            written: 25,
        });
    }

    pub(crate) fn restart(&mut self, crash: Crash) {
        self.storage = self.storage.restart(crash);
        self.stops += 1;
    }

    /// Takes the run and goes on with it; whether it came to its end.
    pub(crate) async fn session(&mut self) -> bool {
        match self.go_on().await {
            Ok(ends) => {
                self.ends = ends;
                true
            }
            Err(_) => false,
        }
    }

    async fn go_on(&self) -> Result<Vec<course::End>> {
        let options = engine_checkpoint::Options {
            journal: journal::Options {
                storage: Arc::new(self.storage.clone()),
                flush_within: Duration::MAX,
                ..journal::Options::default()
            },
            clock: self.clock.clone(),
        };
        let run = match RunJournal::open(JOURNAL, &options) {
            Ok(run) => run,
            Err(error) if error.class() == ErrorClass::NotFound => {
                let header =
                    RunHeader::new(RunId::new("run-1")?, Timestamp(0), serde_json::Value::Null);
                RunJournal::create(JOURNAL, &options, header)?
            }
            Err(error) => return Err(error.into()),
        };
        let operation = OperationId::new("issue")?;
        let issue = NewIssue {
            title: "Do it".to_owned(),
            ..NewIssue::default()
        };
        self.forge.create_issue(&operation, issue).await?;
        let options = Options {
            retry: RetryOptions {
                per_task: 4,
                per_run: 9,
                delay_scale: 0.0,
                ..RetryOptions::default()
            },
            ..Options::default()
        };
        let recovery = AdvancedRecovery::builder(
            run.plan_state(),
            run.checkpoints(),
            Arc::clone(&self.git),
            Arc::new(Nobody),
        )
        .steps(run.steps())
        .events(run.events())
        .clock(self.clock.clone())
        .forge(self.forge.clone())
        .options(options)
        .build();
        let ends = course::run(self, &recovery, &*run.steps()).await;
        ends.map_err(|error| anyhow::anyhow!(error.to_line()))
    }

    pub(crate) async fn seen(&self) -> Result<Seen> {
        let comments = self.forge.list_comments(1).await?;
        let mut reports = BTreeMap::new();
        for entry in std::fs::read_dir(&self.reports).context("the reports")? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            reports.insert(name.into_owned(), std::fs::read_to_string(&path)?);
        }
        Ok(Seen {
            ends: self.ends.clone(),
            acts: self
                .acts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            comments: comments.into_iter().map(|comment| comment.body).collect(),
            reports: reports
                .into_iter()
                // The folder of this run stands in none of them.
                .filter(|(name, _)| !name.starts_with('.'))
                .collect(),
            stops: self.stops,
        })
    }
}

/// The failure of an attempt, with its reports beside the world.
pub(crate) fn request(
    world: &World,
    task: &str,
    attempt: u32,
    failure: Failure,
) -> Result<RecoveryRequest, PortError> {
    let commit = CommitId::new("a".repeat(40)).map_err(course::internal)?;
    let mut request = request_at(task, attempt, failure, commit)?;
    request.reports.clone_from(&world.reports);
    Ok(request)
}

/// The failure of an attempt that started from a commit.
pub(crate) fn request_at(
    task: &str,
    attempt: u32,
    failure: Failure,
    commit: CommitId,
) -> Result<RecoveryRequest, PortError> {
    let minute = Duration::from_secs(60);
    Ok(RecoveryRequest {
        run: "run-1".parse().map_err(course::internal)?,
        plan: "plan-1".parse().map_err(course::internal)?,
        scope: Scope::Task(task.parse().map_err(course::internal)?),
        attempt,
        issue: Issue {
            number: 1,
            title: "Do it".to_owned(),
            body: String::new(),
            labels: Vec::new(),
            state: IssueState::Open,
            author: String::new(),
            created: Timestamp(0),
        },
        task: None,
        repository: "app".parse().map_err(course::internal)?,
        commands: RepositoryCommands {
            setup: None,
            setup_timeout: minute,
            test: None,
            test_timeout: minute,
            agent_timeout: minute,
            environment: Vec::new(),
        },
        base: commit.clone(),
        commit: None,
        head: commit,
        merged: Vec::new(),
        failure,
        context: std::collections::BTreeMap::new(),
        answers: Vec::new(),
        conversation: None,
        reports: PathBuf::new(),
        scratch: PathBuf::from("recovery"),
    })
}

/// An agent that is never asked.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Agent for Nobody {
    fn name(&self) -> &'static str {
        "nobody"
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities::default()
    }

    fn changes(&self) -> ChangePolicy {
        ChangePolicy::Required
    }

    async fn run(&self, _: AgentRequest, _: &CancellationToken) -> Result<AgentResult, PortError> {
        Err(PortError::new(ErrorClass::Internal, "ask nobody"))
    }
}

/// A repository of one commit.
pub(crate) async fn repository(folder: &Path) -> Result<Arc<dyn Repository>> {
    let source = folder.join("app");
    testkit::git::Fixture::new(&source)
        .file("README", "hello\n")
        .commit("first");
    open(folder).await
}

/// The repository `app` in a folder, with our mirror beside it.
pub(crate) async fn open(folder: &Path) -> Result<Arc<dyn Repository>> {
    let options = git_workspace::Options {
        path: std::env::var_os("PATH").unwrap_or_default(),
        ..git_workspace::Options::default()
    };
    let places = git_workspace::Places {
        mirrors: folder.join("mirrors"),
        workspaces: folder.join("workspaces"),
    };
    let git = Arc::new(git_workspace::Git::new(options));
    let source = folder.join("app");
    let opened = git_workspace::GitRepository::open(git, "app".parse()?, &source, &places);
    Ok(Arc::new(opened.await?))
}
