//! A small world: one real repository in a temporary folder, everything else in memory.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, BranchName, CancellationToken,
    ChangePolicy, CommitId, ErrorClass, Failure, FailureKind, GitProvider, Issue, IssueState,
    NewIssue, OperationId, PortError, Recovery, RecoveryOutcome, RecoveryRequest,
    RepositoryCommands, Scope, StepKey, StepLog, Task, TaskId, Timestamp,
    step::{Fingerprint, StepState},
};
use engine_recovery::{AdvancedRecovery, AdvancedRecoveryBuilder};
use git_workspace::{Git, GitRepository, Options, Places};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    FixedClock, MemoryCheckpoints, MemoryEvents, MemoryForge, MemoryPlanState, MemoryStepLog,
    git::Fixture,
};

/// An agent that cannot do anything.
#[derive(Debug)]
pub(crate) struct NoAgent;

#[async_trait]
impl Agent for NoAgent {
    fn name(&self) -> &'static str {
        "none"
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities::default()
    }

    fn changes(&self) -> ChangePolicy {
        ChangePolicy::Required
    }

    async fn run(&self, _: AgentRequest, _: &CancellationToken) -> Result<AgentResult, PortError> {
        Err(PortError::new(ErrorClass::Internal, "run no agent"))
    }
}

/// A step log whose process is killed at a record: before it is on disk, or right after.
#[derive(Debug)]
pub(crate) struct CutLog {
    pub(crate) log: Arc<MemoryStepLog>,
    /// How many half records are still written; each record has a before and an after.
    left: AtomicI64,
}

impl CutLog {
    pub(crate) fn new(log: Arc<MemoryStepLog>, left: i64) -> Self {
        Self {
            log,
            left: AtomicI64::new(left),
        }
    }

    fn cut(&self) -> Result<(), PortError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(PortError::new(ErrorClass::Cancelled, "go on after a kill"));
        }
        Ok(())
    }
}

#[async_trait]
impl StepLog for CutLog {
    fn state(&self, key: &StepKey) -> StepState {
        self.log.state(key)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        self.cut()?;
        self.log.begin(key, execution, fingerprint).await?;
        self.cut()
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        self.cut()?;
        self.log.finish(key, execution, result).await?;
        self.cut()
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        self.log.consent(key).await
    }
}

pub(crate) struct World {
    folder: Arc<TempDir>,
    pub(crate) git: Arc<GitRepository>,
    pub(crate) base: CommitId,
    pub(crate) state: Arc<MemoryPlanState>,
    pub(crate) checkpoints: Arc<MemoryCheckpoints>,
    pub(crate) steps: Arc<MemoryStepLog>,
    pub(crate) events: Arc<MemoryEvents>,
    pub(crate) forge: Arc<MemoryForge>,
    pub(crate) clock: Arc<FixedClock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("app");
        Fixture::new(&source)
            .file("README", "hello\n")
            .commit("first");
        let options = Options {
            path: std::env::var_os("PATH").unwrap_or_default(),
            ..Options::default()
        };
        let places = Places {
            mirrors: folder.path().join("mirrors"),
            workspaces: folder.path().join("workspaces"),
        };
        let name = "app".parse().expect("a repository name");
        let git = GitRepository::open(Arc::new(Git::new(options)), name, &source, &places).await;
        let git = Arc::new(git.expect("the repository opens"));
        let main = BranchName::new("main").expect("a branch name");
        let base = core_types::Repository::fetch(&*git, &main).await;
        Self {
            git,
            base: base.expect("main is fetched"),
            state: Arc::default(),
            checkpoints: Arc::default(),
            steps: Arc::default(),
            events: Arc::default(),
            forge: Arc::default(),
            clock: Arc::default(),
            folder: Arc::new(folder),
        }
    }

    /// The same repository; everything else is new.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            folder: Arc::clone(&self.folder),
            git: Arc::clone(&self.git),
            base: self.base.clone(),
            state: Arc::default(),
            checkpoints: Arc::default(),
            steps: Arc::default(),
            events: Arc::default(),
            forge: Arc::default(),
            clock: Arc::default(),
        }
    }

    /// A recovery of this world's repository, without steps, forge and commands.
    pub(crate) fn alone(&self) -> AdvancedRecoveryBuilder {
        AdvancedRecovery::builder(
            self.state.clone(),
            self.checkpoints.clone(),
            self.git.clone(),
            Arc::new(NoAgent),
        )
        .clock(self.clock.clone())
        .events(self.events.clone())
    }

    /// A recovery as inside a run.
    pub(crate) fn recovery(&self) -> AdvancedRecoveryBuilder {
        self.alone()
            .steps(self.steps.clone())
            .forge(self.forge.clone())
    }

    pub(crate) fn reports(&self) -> PathBuf {
        self.folder.path().join("reports")
    }

    pub(crate) fn report(&self, name: &str) -> String {
        std::fs::read_to_string(self.reports().join(name)).expect("a report")
    }

    pub(crate) fn now(&self) -> Timestamp {
        core_types::Clock::now(&*self.clock)
    }

    /// Files the issue that the requests of this world name.
    pub(crate) async fn file_issue(&self) {
        let issue = NewIssue {
            title: "Do it".to_owned(),
            ..NewIssue::default()
        };
        let operation = OperationId::new("issue").expect("an operation id");
        let filed = self.forge.create_issue(&operation, issue).await;
        assert_eq!(filed.expect("the issue is filed").number, 1);
    }

    /// A failure of attempt `attempt` at a task.
    pub(crate) fn request(
        &self,
        task: &str,
        attempt: u32,
        class: ErrorClass,
        kind: FailureKind,
    ) -> RecoveryRequest {
        let minute = Duration::from_secs(60);
        let id: TaskId = task.parse().expect("a task id");
        RecoveryRequest {
            run: "run-1".parse().expect("a run id"),
            plan: "plan-42".parse().expect("a plan id"),
            scope: Scope::Task(id.clone()),
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
            task: Some(Task {
                id,
                title: format!("Title of {task}"),
                description: String::new(),
                repository: "app".parse().expect("a repository name"),
                dependencies: Vec::new(),
                files: Vec::new(),
                estimate: None,
            }),
            repository: "app".parse().expect("a repository name"),
            commands: RepositoryCommands {
                setup: None,
                setup_timeout: minute,
                test: None,
                test_timeout: minute,
                agent_timeout: minute,
                environment: Vec::new(),
            },
            base: self.base.clone(),
            commit: None,
            head: self.base.clone(),
            merged: Vec::new(),
            failure: Failure::new(class, kind, "it failed"),
            context: std::collections::BTreeMap::new(),
            answers: Vec::new(),
            conversation: None,
            reports: self.reports(),
            scratch: PathBuf::from("run-1/tasks/recovery"),
        }
    }
}

/// Recovers, which must be answered.
pub(crate) async fn recover(recovery: &dyn Recovery, request: &RecoveryRequest) -> RecoveryOutcome {
    let cancel = CancellationToken::new();
    let outcome = recovery.recover(request, &cancel).await;
    outcome.expect("the recovery answers")
}
