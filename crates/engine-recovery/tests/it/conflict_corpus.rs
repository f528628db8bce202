//! Cases as commits of one real repository, and what comes of an agent on one of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use core_types::{
    Agent, BranchName, CancellationToken, CommandLine, CommitId, DependencyResult, ErrorClass,
    Failure, FailureKind, Issue, IssueState, PortError, RecoveryRequest, Repository,
    RepositoryCommands, Scope, Task, Timestamp,
};
use engine_recovery::{
    ConflictResolutionStrategy, Options, RecoveryContext, RecoveryStrategy, Spending,
    StrategyOutcome,
};
use git_workspace::{Git, GitRepository, Places};
use testkit::{FixedClock, MemoryCheckpoints, MemoryEvents, MemoryPlanState, MemoryStepLog};

/// One conflict.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) base: &'static [(&'static str, Change)],
    /// What our side changes of the base.
    pub(crate) ours: &'static [(&'static str, Change)],
    pub(crate) theirs: &'static [(&'static str, Change)],
    /// A shell script that passes on the right merge.
    pub(crate) test: &'static str,
    pub(crate) expected: Expected,
}

/// What a file becomes.
pub(crate) enum Change {
    Text(&'static str),
    Bytes(&'static [u8]),
    Executable(&'static str),
    Link(&'static str),
    Gone,
}

/// What is to come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// An honest agent repairs it.
    Repaired,
    /// An agent may fail at it, and is told so.
    Hard,
    /// It is a person's, for this reason.
    Person(&'static str),
}

/// A repository that holds all cases.
pub(crate) struct Corpus {
    _home: tempfile::TempDir,
    scratch: std::path::PathBuf,
    pub(crate) repository: Arc<GitRepository>,
    sides: HashMap<&'static str, (CommitId, CommitId)>,
}

/// The ports that a recovery keeps its state in.
pub(crate) struct Ports {
    pub(crate) steps: MemoryStepLog,
    pub(crate) events: Arc<MemoryEvents>,
    pub(crate) cancel: CancellationToken,
    pub(crate) options: Options,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            steps: MemoryStepLog::default(),
            events: Arc::default(),
            cancel: CancellationToken::new(),
            options: Options::default(),
        }
    }
}

impl Corpus {
    pub(crate) async fn new(cases: &[&Case]) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let user = home.path().join("user");
        drop(testkit::git::Fixture::new(&user));
        // One command makes all commits; a process for each would take minutes.
        let mut stream = Vec::new();
        let mut commit = |mark: usize, from: Option<usize>, text: &[u8]| {
            let head = format!(
                "commit refs/heads/work\nmark :{mark}\ncommitter u <u@h> 1700000000 +0000\ndata 1\nm\n"
            );
            stream.extend(head.into_bytes());
            match from {
                Some(from) => stream.extend(format!("from :{from}\n").into_bytes()),
                None => stream.extend(b"deleteall\n"),
            }
            stream.extend_from_slice(text);
            stream.push(b'\n');
        };
        let mut parents = String::new();
        for (idx, case) in cases.iter().enumerate() {
            let mark = 3 * idx + 1;
            let mut base = changes(case.base);
            base.extend(file(
                "100644",
                "test.sh",
                format!("set -e\n{}\n", case.test).as_bytes(),
            ));
            // Without `from` a commit goes on where its branch is.
            commit(mark, None, &base);
            commit(mark + 1, Some(mark), &changes(case.ours));
            commit(mark + 2, Some(mark), &changes(case.theirs));
            parents += &format!("merge :{}\nmerge :{}\n", mark + 1, mark + 2);
        }
        stream.extend(format!("commit refs/heads/main\ncommitter u <u@h> 1700000000 +0000\ndata 1\nm\n{parents}\ndone\n").into_bytes());
        let finished = process::Launch::new("git")
            .args(["fast-import", "--quiet", "--done", "--export-marks=marks"])
            .folder(&user)
            .env("PATH", PATH)
            .stdin(stream)
            .run()
            .await
            .expect("git starts");
        let said = String::from_utf8_lossy(&finished.stderr.bytes);
        assert!(
            finished.exit.is_success(),
            "the cases are committed: {said}"
        );
        let marks = ["marks", ".git/marks"].map(|name| std::fs::read_to_string(user.join(name)));
        let marks = marks
            .into_iter()
            .find_map(Result::ok)
            .expect("the marks are written");
        let marks: HashMap<_, _> = marks
            .lines()
            .filter_map(|line| line.split_once(' '))
            .collect();
        let of = |mark: usize| marks[&*format!(":{mark}")].parse().expect("a commit id");
        let sides = cases
            .iter()
            .enumerate()
            .map(|(idx, case)| (case.name, (of(3 * idx + 2), of(3 * idx + 3))))
            .collect();
        let places = Places {
            mirrors: home.path().join("mirrors"),
            workspaces: home.path().join("workspaces"),
        };
        let git = Arc::new(Git::new(git_workspace::Options::default()));
        let name = "app".parse().expect("a name");
        let repository = GitRepository::open(git, name, &user, &places).await;
        let repository = repository.expect("the repository opens");
        let main = BranchName::new("main").expect("a branch");
        repository
            .fetch(&main)
            .await
            .expect("all cases are fetched");
        Self {
            scratch: home.path().join("scratch"),
            _home: home,
            repository: Arc::new(repository),
            sides,
        }
    }

    /// Ours and theirs of a case.
    pub(crate) fn sides(&self, case: &Case) -> (CommitId, CommitId) {
        self.sides[case.name].clone()
    }

    /// The failure that a workflow would hand over.
    pub(crate) fn request(&self, case: &Case) -> RecoveryRequest {
        let (head, theirs) = self.sides(case);
        let kind = FailureKind::MergeConflict { paths: Vec::new() };
        let command = CommandLine::Shell("sh test.sh".to_owned());
        RecoveryRequest {
            run: "run-1".parse().expect("valid"),
            plan: "plan-1".parse().expect("valid"),
            scope: Scope::Task("task-2".parse().expect("valid")),
            attempt: 1,
            issue: Issue {
                number: 7,
                title: "Do both".to_owned(),
                body: String::new(),
                labels: Vec::new(),
                state: IssueState::Open,
                author: "ada".to_owned(),
                created: Timestamp(0),
            },
            task: Some(Task {
                id: "task-2".parse().expect("valid"),
                title: format!("Their part: {}", case.name),
                description: "Do what theirs does.".to_owned(),
                repository: "app".parse().expect("valid"),
                dependencies: Vec::new(),
                files: Vec::new(),
                estimate: None,
            }),
            repository: "app".parse().expect("valid"),
            commands: RepositoryCommands {
                setup: None,
                setup_timeout: Duration::from_secs(60),
                test: Some(command),
                test_timeout: Duration::from_secs(60),
                agent_timeout: Duration::from_secs(60),
                environment: Vec::new(),
            },
            base: head.clone(),
            commit: Some(theirs),
            head,
            merged: vec![DependencyResult {
                task: "task-1".parse().expect("valid"),
                title: format!("Our part: {}", case.name),
                repository: "app".parse().expect("valid"),
                commit: None,
                summary: "did what ours does".to_owned(),
            }],
            failure: Failure::new(ErrorClass::Conflict, kind, "the merge met conflicts"),
            context: std::collections::BTreeMap::new(),
            answers: Vec::new(),
            conversation: None,
            reports: self.scratch.join("reports"),
            scratch: self.scratch.join("recovery"),
        }
    }

    /// What the strategy makes of a case with an agent.
    pub(crate) async fn recover(&self, case: &Case, agent: &dyn Agent) -> StrategyOutcome {
        let request = self.request(case);
        let outcome = self.recover_with(&request, agent, &Ports::default()).await;
        outcome.unwrap_or_else(|error| panic!("{}: {}", case.name, error.to_line()))
    }

    pub(crate) async fn recover_with(
        &self,
        request: &RecoveryRequest,
        agent: &dyn Agent,
        ports: &Ports,
    ) -> Result<StrategyOutcome, PortError> {
        let clock = FixedClock::default();
        let events: Arc<MemoryEvents> = Arc::clone(&ports.events);
        let environment = vec![("PATH".into(), PATH.into())];
        let runner = process::Runner::new(environment, request.run.clone(), events);
        let checkpoint = MemoryCheckpoints::new(Arc::new(FixedClock::default()));
        let context = RecoveryContext {
            state: &MemoryPlanState::default(),
            checkpoint: &checkpoint,
            git: &*self.repository,
            agent,
            commands: Some(&runner),
            forge: None,
            steps: &ports.steps,
            events: &*ports.events,
            clock: &clock,
            options: &ports.options,
            cancel: &ports.cancel,
            earlier: &[],
            spent: Spending::default(),
        };
        ConflictResolutionStrategy.recover(request, &context).await
    }

    /// The parents of a commit.
    pub(crate) async fn parents(&self, commit: &CommitId) -> String {
        self.git(&["show", "-s", "--format=%P", commit.as_str()])
            .await
    }

    /// Runs git in the mirror.
    pub(crate) async fn git(&self, arguments: &[&str]) -> String {
        let finished = process::Launch::new("git")
            .args(arguments)
            .folder(self.repository.mirror_folder())
            .env("PATH", PATH)
            .run()
            .await
            .expect("git starts");
        String::from_utf8_lossy(&finished.stdout.bytes)
            .trim_end()
            .to_owned()
    }
}

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn changes(changes: &[(&str, Change)]) -> Vec<u8> {
    let one = |(path, change): &(&str, Change)| match change {
        Change::Text(text) => file("100644", path, text.as_bytes()),
        Change::Bytes(bytes) => file("100644", path, bytes),
        Change::Executable(text) => file("100755", path, text.as_bytes()),
        Change::Link(target) => file("120000", path, target.as_bytes()),
        Change::Gone => format!("D {path}\n").into_bytes(),
    };
    changes.iter().flat_map(one).collect()
}

fn file(mode: &str, path: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("M {mode} inline {path}\ndata {}\n", bytes.len());
    [head.as_bytes(), bytes, b"\n"].concat()
}
