//! A small world: real git repositories in a temporary folder, everything else in memory.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, AgentTask, BranchName,
    CancellationToken, ChangePolicy, CommandLine, ErrorClass, Event, GitProvider, Inbox, Issue,
    IssueState, Message, NewIssue, OperationId, Plan, PortError, PullRequest, RepositoryName,
    StepLog, Task, TaskId, TaskStatus, Timestamp, TokenUsage,
};
use engine_workflow::{
    Aids, Approvals, Error, LandingMode, LandingSettings, Limits, PlanFile, Ports, RepositoryPorts,
    RepositorySettings, RunEnd, Settings, TaskEnd, Workflow,
};
use git_workspace::{Git, GitRepository, Options, Places};
use tempfile::TempDir;
use testkit::{
    FixedClock, MemoryCheckpoints, MemoryEvents, MemoryForge, MemoryInbox, MemoryStepLog,
    git::Fixture,
};

/// What the agent of a test does with a request.
pub(crate) enum Did {
    /// It has worked, with this summary.
    Work(&'static str),
    /// It answers this.
    Answer(AgentAnswer),
    /// It fails.
    Fail(PortError),
    /// It works until it is cancelled.
    Hang,
}

pub(crate) type Act = Box<dyn Fn(&AgentRequest) -> Did + Send + Sync>;

/// An agent that does what a function says, and remembers its requests.
pub(crate) struct TestAgent {
    pub(crate) capabilities: AgentCapabilities,
    pub(crate) changes: ChangePolicy,
    act: Act,
    requests: Mutex<Vec<AgentRequest>>,
}

impl fmt::Debug for TestAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestAgent").finish_non_exhaustive()
    }
}

impl TestAgent {
    pub(crate) fn new(act: impl Fn(&AgentRequest) -> Did + Send + Sync + 'static) -> Self {
        Self {
            capabilities: AgentCapabilities::default(),
            changes: ChangePolicy::Required,
            act: Box::new(act),
            requests: Mutex::default(),
        }
    }

    pub(crate) fn requests(&self) -> Vec<AgentRequest> {
        lock(&self.requests).clone()
    }

    /// The requests for a task.
    pub(crate) fn for_task(&self, id: &str) -> Vec<AgentRequest> {
        let is_for = |request: &AgentRequest| matches!(&request.task, AgentTask::Implement { task, .. } if task.id.as_str() == id);
        self.requests().into_iter().filter(is_for).collect()
    }
}

#[async_trait]
impl Agent for TestAgent {
    fn name(&self) -> &'static str {
        "test"
    }

    fn capabilities(&self) -> AgentCapabilities {
        self.capabilities
    }

    fn changes(&self) -> ChangePolicy {
        self.changes
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        lock(&self.requests).push(request.clone());
        let answer = match (self.act)(&request) {
            Did::Work(summary) => AgentAnswer::Work {
                summary: summary.to_owned(),
            },
            Did::Answer(answer) => answer,
            Did::Fail(error) => return Err(error),
            Did::Hang => {
                cancel.cancelled().await;
                return Err(PortError::new(ErrorClass::Cancelled, "run the agent"));
            }
        };
        Ok(AgentResult {
            answer,
            usage: TokenUsage {
                input: 7,
                ..TokenUsage::default()
            },
            cost: None,
            model: String::new(),
            prompt: String::new(),
            conversation: None,
        })
    }
}

/// The id of a request's task.
pub(crate) fn task_of(request: &AgentRequest) -> &str {
    match &request.task {
        AgentTask::Implement { task, .. } => task.id.as_str(),
        _ => "",
    }
}

/// Writes a file into the clone of a request.
pub(crate) fn write(request: &AgentRequest, path: &str, text: &str) {
    Fixture::at(&request.folder).file(path, text);
}

/// Each task writes a file of its own, named after it.
pub(crate) fn own_file(request: &AgentRequest) -> Did {
    let task = task_of(request);
    write(request, &format!("{task}.txt"), &format!("by {task}\n"));
    Did::Work("wrote a file")
}

/// Remembers the plans that were written for people.
#[derive(Debug, Default)]
pub(crate) struct PlanFiles(pub(crate) Mutex<Vec<Plan>>);

impl PlanFile for PlanFiles {
    fn write(&self, plan: &Plan) -> Result<(), PortError> {
        lock(&self.0).push(plan.clone());
        Ok(())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct World {
    folder: TempDir,
    git: Arc<Git>,
    pub(crate) settings: Settings,
    pub(crate) steps: Arc<dyn StepLog>,
    pub(crate) events: Arc<MemoryEvents>,
    pub(crate) checkpoints: Arc<MemoryCheckpoints>,
    pub(crate) inbox: Arc<MemoryInbox>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) agent: Arc<TestAgent>,
    pub(crate) aids: Aids,
    pub(crate) plans: Arc<PlanFiles>,
    pub(crate) forges: BTreeMap<RepositoryName, Arc<MemoryForge>>,
    pub(crate) pause: CancellationToken,
    session: u32,
}

impl World {
    /// Repositories of these names, each with the file `README` on `main`, which
    /// is checked out nowhere, and tests that fail where a text file says "broken".
    pub(crate) fn new(repositories: &[&str], agent: TestAgent) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FixedClock::default());
        let options = Options {
            path: std::env::var_os("PATH").unwrap_or_default(),
            clock: clock.clone(),
            ..Options::default()
        };
        let mut forges = BTreeMap::new();
        for name in repositories {
            let fixture = Fixture::new(folder.path().join("user").join(name));
            fixture.file("README", "hello\n").commit("first");
            fixture.git(&["switch", "--quiet", "--detach"]);
            forges.insert(repository_name(name), Arc::new(MemoryForge::default()));
        }
        let repositories = repositories.iter().map(|name| RepositorySettings {
            name: repository_name(name),
            target: BranchName::new("main").expect("a branch name"),
            setup_command: None,
            test_command: Some(CommandLine::Shell("! grep -s broken *.txt".to_owned())),
            test_timeout: None,
            write: true,
        });
        let settings = Settings {
            run: "run-1".parse().expect("a run id"),
            plan_id: "plan-1".parse().expect("a plan id"),
            issue: Issue {
                number: 0,
                title: "Do it".to_owned(),
                body: "All of it.".to_owned(),
                labels: Vec::new(),
                state: IssueState::Open,
                author: String::new(),
                created: Timestamp(0),
            },
            issue_home: None,
            followed: None,
            repositories: repositories.collect(),
            plan: None,
            approvals: Approvals::default(),
            limits: Limits {
                max_workers: 2,
                max_executions: 5,
                agent_timeout: Duration::from_secs(60),
                setup_timeout: Duration::from_secs(60),
                test_timeout: Duration::from_secs(60),
            },
            landing: LandingSettings {
                land: true,
                mode: LandingMode::All,
                update_checkout: false,
                allow_unverified: false,
            },
            protected_paths: Vec::new(),
            change_set: None,
        };
        Self {
            git: Arc::new(Git::new(options)),
            settings,
            steps: Arc::new(MemoryStepLog::default()),
            events: Arc::default(),
            checkpoints: Arc::default(),
            inbox: Arc::default(),
            clock,
            agent: Arc::new(agent),
            aids: Aids::default(),
            plans: Arc::default(),
            forges,
            pause: CancellationToken::new(),
            session: 0,
            folder,
        }
    }

    /// A world with a plan: `id repository dependency,dependency`.
    pub(crate) fn with_plan(repositories: &[&str], tasks: &[&str], agent: TestAgent) -> Self {
        let mut world = Self::new(repositories, agent);
        world.settings.plan = Some(plan(tasks));
        world
    }

    /// Runs, or goes on, in a new session.
    pub(crate) async fn run(&mut self) -> Result<RunEnd, Error> {
        self.session += 1;
        let places = Places {
            mirrors: self.folder.path().join("mirrors"),
            workspaces: self.folder.path().join("workspaces"),
        };
        let mut repositories = BTreeMap::new();
        for (name, forge) in &self.forges {
            let source = self.folder.path().join("user").join(name.as_str());
            let repository =
                GitRepository::open(self.git.clone(), name.clone(), &source, &places).await;
            let ports = RepositoryPorts {
                repository: Arc::new(repository.expect("the repository opens")),
                forge: forge.clone(),
            };
            repositories.insert(name.clone(), ports);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let environment = vec![("PATH".into(), path)];
        let run = self.settings.run.clone();
        let ports = Ports {
            steps: self.steps.clone(),
            events: self.events.clone(),
            checkpoints: self.checkpoints.clone(),
            inbox: self.inbox.clone(),
            agent: self.agent.clone(),
            commands: Arc::new(process::Runner::new(environment, run, self.events.clone())),
            clock: self.clock.clone(),
            repositories,
            plan_file: self.plans.clone(),
            folder: self.folder.path().join("run"),
            aids: self.aids.clone(),
        };
        let workflow = Workflow::new(self.settings.clone(), ports, self.session, &self.pause);
        Box::pin(workflow.execute()).await
    }

    /// The user's repository.
    pub(crate) fn user(&self, name: &str) -> Fixture {
        Fixture::at(self.folder.path().join("user").join(name))
    }

    /// Our mirror of a repository.
    pub(crate) fn mirror(&self, name: &str) -> std::path::PathBuf {
        self.folder
            .path()
            .join("mirrors")
            .join(format!("{name}.git"))
    }

    pub(crate) fn run_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("run")
    }

    /// The files of a branch of a user's repository, in order.
    pub(crate) fn files(&self, name: &str, branch: &str) -> String {
        let list = self
            .user(name)
            .git(&["ls-tree", "-r", "--name-only", branch]);
        list.replace('\n', " ")
    }

    /// Commits a file on top of the user's `main`.
    pub(crate) fn commit_on_main(&self, name: &str, path: &str, text: &str) {
        let user = self.user(name);
        user.git(&["switch", "--quiet", "main"]);
        user.file(path, text).commit("by the user");
        user.git(&["switch", "--quiet", "--detach"]);
    }

    pub(crate) async fn pull_requests(&self, name: &str) -> Vec<PullRequest> {
        let forge = &self.forges[&repository_name(name)];
        forge.list_pull_requests().await.expect("a list")
    }

    /// Files the run's issue in the forge of a repository.
    pub(crate) async fn file_issue(&mut self, name: &str) {
        let name = repository_name(name);
        let operation = OperationId::new("issue").expect("an operation id");
        let issue = NewIssue {
            title: "Do it".to_owned(),
            ..NewIssue::default()
        };
        let issue = self.forges[&name].create_issue(&operation, issue).await;
        self.settings.issue = issue.expect("an issue");
        self.settings.issue_home = Some((name, self.settings.issue.number));
    }

    pub(crate) async fn say(&self, message: Message) {
        self.inbox.send(&message).await.expect("it is sent");
    }

    /// How often each task was said to have come into a last state.
    pub(crate) fn ends_said(&self) -> BTreeMap<TaskId, Vec<TaskStatus>> {
        let mut ends = BTreeMap::<_, Vec<_>>::new();
        for event in self.events.events() {
            if let Event::TaskChanged { task, status, .. } = event
                && status.has_ended()
            {
                ends.entry(task).or_default().push(status);
            }
        }
        ends
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Warning { message } => Some(message),
                _ => None,
            })
            .collect()
    }
}

pub(crate) fn repository_name(name: &str) -> RepositoryName {
    RepositoryName::new(name).expect("a repository name")
}

/// A plan of lines `id repository dependency,dependency`.
pub(crate) fn plan(tasks: &[&str]) -> Plan {
    let tasks = tasks.iter().map(|line| {
        let mut words = line.split_whitespace();
        let id = words.next().expect("an id");
        let repository = words.next().expect("a repository");
        let dependencies = words.next().into_iter().flat_map(|ids| ids.split(','));
        Task {
            id: TaskId::new(id).expect("a task id"),
            title: format!("Task {id}"),
            description: String::new(),
            repository: repository_name(repository),
            dependencies: dependencies
                .map(|id| TaskId::new(id).expect("a task id"))
                .collect(),
            files: Vec::new(),
            estimate: None,
        }
    });
    Plan {
        id: "plan-1".parse().expect("a plan id"),
        title: "Do it".to_owned(),
        tasks: tasks.collect(),
    }
}

/// `a succeeded, b skipped (a)`.
pub(crate) fn states(end: &RunEnd) -> String {
    let state = |end: &TaskEnd| match &end.because_of {
        Some(dependency) => format!("{} {} ({dependency})", end.task, end.status),
        None => format!("{} {}", end.task, end.status),
    };
    end.tasks.iter().map(state).collect::<Vec<_>>().join(", ")
}

/// The end of a task.
pub(crate) fn task_end<'a>(end: &'a RunEnd, id: &str) -> &'a TaskEnd {
    let found = end.tasks.iter().find(|task| task.task.as_str() == id);
    found.expect("the task is in the end")
}
