//! What several tests share.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agents::{CommandAgent, CommandAgentOptions};
use async_trait::async_trait;
use core_types::{
    Advice, Agent, AgentRequest, AgentResult, AgentTask, BranchName, CancellationToken,
    CommandLine, CommitId, ConflictHunk, ConflictKind, ConflictedFile, DependencyResult, Event,
    EventSink, FailedTest, Issue, IssueState, PortError, RepositoryBrief, RepositoryName, RunId,
    Scope, StepKey, StepRef, Task, TaskId, Timestamp,
};
use tempfile::TempDir;

/// A clone and a scratch folder.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join("clone")).expect("a clone");
        Self { root }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("clone")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.root.path().join("scratch")
    }

    pub(crate) fn request(&self, task: AgentTask) -> AgentRequest {
        AgentRequest {
            run: RunId::new("run-1").expect("valid"),
            step: Some(step()),
            repository: None,
            attempt: 1,
            issue: issue(),
            task,
            context: std::collections::BTreeMap::new(),
            advice: Advice::default(),
            model: None,
            grant: None,
            conversation: None,
            folder: self.folder(),
            scratch: self.scratch(),
            timeout: Duration::from_secs(60),
        }
    }

    /// Writes a file of the clone.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let mut file = std::fs::File::create(self.folder().join(path)).expect("a new file");
        std::io::copy(&mut text.as_bytes(), &mut file).expect("room for it");
    }

    /// Reads a file of the clone.
    pub(crate) fn text(&self, path: &str) -> String {
        read(&self.folder().join(path))
    }
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn step() -> StepRef {
    let task = TaskId::new("greet").expect("valid");
    StepRef {
        key: StepKey::new(Scope::Task(task), 1, "agent"),
        execution: 1,
    }
}

pub(crate) fn issue() -> Issue {
    Issue {
        number: 7,
        title: "Say hello".to_owned(),
        body: "The program is rude.\n".to_owned(),
        labels: vec!["feature".to_owned(), "ui".to_owned()],
        state: IssueState::Open,
        author: "ada".to_owned(),
        created: Timestamp(0),
    }
}

pub(crate) fn repository(name: &str) -> RepositoryBrief {
    RepositoryBrief {
        name: RepositoryName::new(name).expect("valid"),
        target: BranchName::new("main").expect("valid"),
        base: commit("a"),
        test_command: Some("sh test.sh".to_owned()),
    }
}

pub(crate) fn commit(digit: &str) -> CommitId {
    CommitId::new(digit.repeat(40)).expect("valid")
}

pub(crate) fn plan() -> AgentTask {
    AgentTask::Plan {
        repositories: vec![repository("backend"), repository("frontend")],
        findings: Vec::new(),
    }
}

pub(crate) fn implement(task: &str) -> AgentTask {
    AgentTask::Implement {
        task: Task {
            id: TaskId::new(task).expect("valid"),
            title: "Greet the user".to_owned(),
            description: "Print hello.".to_owned(),
            repository: RepositoryName::new("backend").expect("valid"),
            dependencies: vec![TaskId::new("words").expect("valid")],
            files: vec!["src/main.rs".to_owned()],
            estimate: Some(Duration::from_secs(90)),
        },
        dependencies: vec![DependencyResult {
            task: TaskId::new("words").expect("valid"),
            title: "Choose the words".to_owned(),
            repository: RepositoryName::new("frontend").expect("valid"),
            commit: Some(commit("b")),
            summary: "chose hello".to_owned(),
        }],
    }
}

pub(crate) fn review() -> AgentTask {
    AgentTask::Review {
        repository: repository("backend"),
        head: commit("c"),
        diff: "+hello\n".to_owned(),
        tests_passed: Some(true),
    }
}

pub(crate) fn resolve_conflict(task: &str) -> AgentTask {
    let AgentTask::Implement { task, .. } = implement(task) else {
        unreachable!("it is one")
    };
    AgentTask::ResolveConflict {
        task: Some(task),
        ours: "Say goodbye".to_owned(),
        theirs: "Greet the user: Print hello.".to_owned(),
        files: vec![ConflictedFile {
            path: "src/main.rs".to_owned(),
            kind: ConflictKind::Content,
            hunks: vec![ConflictHunk {
                line: 3,
                base: String::new(),
                ours: "goodbye();\n".to_owned(),
                theirs: "hello();\n".to_owned(),
            }],
            detail: "contents".to_owned(),
            texts: None,
        }],
        findings: Vec::new(),
    }
}

pub(crate) fn fix_tests(task: Option<&str>) -> AgentTask {
    let task = task.map(|task| match implement(task) {
        AgentTask::Implement { task, .. } => task,
        _ => unreachable!("it is one"),
    });
    AgentTask::FixTests {
        task,
        command: "sh test.sh".to_owned(),
        failures: vec![FailedTest {
            name: "greets".to_owned(),
            file: Some("test.sh".to_owned()),
            message: "expected hello".to_owned(),
        }],
        output: "1 failed".to_owned(),
        round: 2,
        findings: vec!["the same test fails".to_owned()],
    }
}

/// Remembers events.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    events: Mutex<Vec<Event>>,
    fails: bool,
}

impl Remembered {
    pub(crate) fn failing() -> Self {
        Self {
            fails: true,
            ..Self::default()
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait]
impl EventSink for Remembered {
    fn emit(&self, of: Option<&StepRef>, event: Event) {
        assert_eq!(of, Some(&step()), "events carry the request's step");
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    async fn flush(&self) -> Result<(), PortError> {
        if self.fails {
            let class = core_types::ErrorClass::ResourceExhausted;
            return Err(PortError::new(class, "store events").because("the disk is full"));
        }
        Ok(())
    }
}

pub(crate) fn shell(line: &str) -> CommandAgentOptions {
    let command = CommandLine::Shell(line.to_owned());
    let mut options = CommandAgentOptions::new("coder", command, Arc::new(Remembered::default()));
    options.environment = vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())];
    options
}

pub(crate) async fn run(
    options: CommandAgentOptions,
    request: AgentRequest,
) -> Result<AgentResult, PortError> {
    let agent = CommandAgent::new(options).expect("the command is not empty");
    agent.run(request, &CancellationToken::new()).await
}
