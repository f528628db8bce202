//! Failing tests, with agents that mend them, half-mend them, cheat, loop and break something else.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, BranchName,
    CancellationToken, ChangePolicy, CommandLine, ErrorClass, Failure, FailureKind, Issue,
    IssueState, PortError, RecoveryOutcome, RecoveryRequest, Repository, RepositoryCommands, Scope,
    Timestamp, TokenUsage,
};
use engine_recovery::test_fix::integrity::{Policy, check};
use git_workspace::{Git, GitRepository, Places};
use testkit::git::Fixture;
use tokio::task::JoinSet;

use crate::{
    Tally, say,
    test_fix_cases::{
        broken::{BROKEN, Broken, End},
        cheats::CHEATS,
        edit::Case,
        honest::HONEST,
    },
    whole,
};

#[derive(Debug, Default)]
pub(crate) struct Fixes {
    pub(crate) fixable: Tally,
    pub(crate) others: Tally,
    pub(crate) cheats: Tally,
    pub(crate) honest: Tally,
    pub(crate) reports: Tally,
}

pub(crate) async fn tally() -> Fixes {
    let mut fixes = Fixes::default();
    for case in CHEATS {
        let why = format!("the cheat {}, {}, passes", case.kind, case.name);
        fixes.cheats.take(!is_accepted(case), why);
    }
    for case in HONEST {
        let why = format!("the honest fix {} is refused", case.name);
        fixes.honest.take(is_accepted(case), why);
    }
    let has_python = has_python();
    if !has_python {
        say("not run: cases in Python, since there is no python3");
    }
    let mut running = JoinSet::new();
    for case in BROKEN {
        if !has_python && case.project.command.starts_with("python3") {
            continue;
        }
        if running.len() >= 2
            && let Some(ended) = running.join_next().await
        {
            fixes.take(ended.expect("no case panics"));
        }
        running.spawn(Box::pin(try_case(*case)));
    }
    while let Some(ended) = running.join_next().await {
        fixes.take(ended.expect("no case panics"));
    }
    fixes
}

impl Fixes {
    fn take(&mut self, (case, outcome, n_reports): (Broken, RecoveryOutcome, usize)) {
        let is_repaired = matches!(outcome, RecoveryOutcome::Repaired { .. });
        match case.end {
            End::Repaired | End::Flaky => {
                let why = format!("{} is not repaired: {outcome:?}", case.name);
                self.fixable.take(is_repaired, why);
            }
            End::Refused | End::Failed => {
                let why = format!("{} is accepted", case.name);
                self.others.take(!is_repaired, why);
            }
        }
        if !is_repaired {
            let why = format!("{} has {n_reports} reports", case.name);
            self.reports.take(n_reports == 1, why);
        }
    }
}

fn is_accepted(case: &Case) -> bool {
    let command = Some(case.command.to_owned()).filter(|it| !it.is_empty());
    let policy = Policy {
        command,
        ..Policy::default()
    };
    check(&case.changed(), &policy).is_accepted()
}

fn has_python() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("python3").exists())
}

async fn try_case(case: Broken) -> (Broken, RecoveryOutcome, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Fixture::new(folder.path().join("user"));
    for (path, text) in case.files() {
        source.file(&path, text);
    }
    source.commit("broken");
    let options = git_workspace::Options {
        path: std::env::var_os("PATH").unwrap_or_default(),
        ..git_workspace::Options::default()
    };
    let places = Places {
        mirrors: folder.path().join("mirrors"),
        workspaces: folder.path().join("workspaces"),
    };
    let git = Arc::new(Git::new(options));
    let name = "app".parse().expect("a repository name");
    let git = GitRepository::open(git, name, source.dir(), &places).await;
    let git = git.expect("the repository opens");
    let main = BranchName::new("main").expect("a branch name");
    let head = git.fetch(&main).await.expect("main is fetched");
    let minute = Duration::from_secs(60);
    let command = case.project.command.to_owned();
    let kind = FailureKind::Tests {
        command: command.clone(),
    };
    let request = RecoveryRequest {
        run: "run-1".parse().expect("a run id"),
        plan: "plan-1".parse().expect("a plan id"),
        scope: Scope::Task("mend".parse().expect("a task id")),
        attempt: 1,
        issue: Issue {
            number: 0,
            title: "Mend it".to_owned(),
            body: String::new(),
            labels: Vec::new(),
            state: IssueState::Open,
            author: String::new(),
            created: Timestamp(0),
        },
        task: None,
        repository: "app".parse().expect("a repository name"),
        commands: RepositoryCommands {
            setup: None,
            setup_timeout: minute,
            test: Some(CommandLine::Shell(command)),
            test_timeout: minute,
            agent_timeout: minute,
            environment: Vec::new(),
        },
        base: head.clone(),
        commit: Some(head.clone()),
        head,
        merged: Vec::new(),
        failure: Failure::new(ErrorClass::TestFailure, kind, "the tests fail"),
        context: std::collections::BTreeMap::new(),
        answers: Vec::new(),
        conversation: None,
        reports: folder.path().join("reports"),
        scratch: folder.path().join("scratch"),
    };
    let agent = Arc::new(Fixer(case));
    let (outcome, n_reports) = whole::recover(Arc::new(git), agent, &request).await;
    (case, outcome, n_reports)
}

/// The agent of a case.
struct Fixer(Broken);

impl fmt::Debug for Fixer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fixer").field(&self.0.name).finish()
    }
}

#[async_trait]
impl Agent for Fixer {
    fn name(&self) -> &'static str {
        "fixer"
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            repair: true,
            ..AgentCapabilities::default()
        }
    }

    fn changes(&self) -> ChangePolicy {
        ChangePolicy::Required
    }

    async fn run(
        &self,
        request: AgentRequest,
        _: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        let summary = self.0.work(&request);
        Ok(AgentResult {
            answer: AgentAnswer::Work { summary },
            usage: TokenUsage::default(),
            cost: None,
            model: String::new(),
            prompt: String::new(),
            conversation: None,
        })
    }
}
