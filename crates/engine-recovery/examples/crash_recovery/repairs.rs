//! Repairs by an agent in real repositories, stopped before and after each record of their steps.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, BranchName,
    CancellationToken, ChangePolicy, CommandLine, ErrorClass, Failure, FailureKind, PortError,
    Recovery as _, RecoveryOutcome, RecoveryRequest, Repository, RunId, StepKey, StepLog,
    Timestamp, TokenUsage,
    step::{Fingerprint, StepState},
};
use engine_checkpoint::{RunHeader, RunJournal};
use engine_recovery::AdvancedRecovery;
use journal::faults::{Crash, SimulatedStorage};
use serde_json::Value;
use testkit::git::Fixture;

use crate::{
    conflict_cases::CASES,
    conflict_corpus::Corpus,
    conflict_fixers::{self as fixers, Fixer},
    test_fix_cases::broken::{BROKEN, Broken},
    world,
};

/// What is repaired, or cannot be.
const CONFLICT: &str = "both append a function";
const TWO_ROUNDS: &str = "calc: two faults, one a round";
const REFUSED_ONCE: &str = "calc: first or true";

pub(crate) const REPAIRS: [&str; 3] = [CONFLICT, TWO_ROUNDS, REFUSED_ONCE];

/// The rounds that a repair has at most, by its budget.
const ROUNDS: u32 = 3;

/// A repository with a failure and an agent.
struct Bed {
    git: Arc<dyn Repository>,
    request: RecoveryRequest,
    agent: Arc<Asked>,
    _corpus: Option<Corpus>,
    folder: tempfile::TempDir,
}

/// What came of a repair.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    end: String,
    change: String,
    /// How often the agent was asked.
    asked: u32,
    n_reports: usize,
}

impl Seen {
    /// Whether it is as one that was never stopped, but for a round that was made once more.
    pub(crate) fn is_like(&self, other: &Self, stops: u32) -> bool {
        (&self.end, &self.change, self.n_reports) == (&other.end, &other.change, other.n_reports)
            && self.asked >= other.asked
            && self.asked <= other.asked + stops
            && self.asked <= ROUNDS + stops
    }
}

/// Repairs, stopped after so many half records; tells also how many there are.
pub(crate) async fn repair(name: &str, stop_after: Option<i64>) -> Result<(Seen, i64)> {
    let bed = Bed::new(name).await?;
    let mut storage = SimulatedStorage::new();
    let mut left = stop_after.unwrap_or(i64::MAX);
    loop {
        let options = engine_checkpoint::Options {
            journal: journal::Options {
                storage: Arc::new(storage.clone()),
                ..journal::Options::default()
            },
            ..engine_checkpoint::Options::default()
        };
        let dir = "/runs/run-1/journal";
        let run = match RunJournal::open(dir, &options) {
            Ok(run) => run,
            Err(_) => {
                let header = RunHeader::new(RunId::new("run-1")?, Timestamp(0), Value::Null);
                RunJournal::create(dir, &options, header)?
            }
        };
        let log = Arc::new(CutLog {
            log: run.steps(),
            left: AtomicI64::new(left),
        });
        match bed.recover(&run, log.clone()).await {
            Ok(outcome) => {
                let taken = left - log.left.load(Ordering::SeqCst);
                return Ok((bed.seen(outcome).await?, taken));
            }
            Err(error) if left == i64::MAX => bail!("{name}: {}", error.to_line()),
            Err(_) => {
                drop((run, log));
                storage = storage.restart(Crash::Kill);
                left = i64::MAX;
            }
        }
    }
}

impl Bed {
    async fn new(name: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (git, request, agent, corpus): (Arc<dyn Repository>, _, Box<dyn Agent>, _) =
            if let Some(case) = CASES.iter().find(|case| case.name == name) {
                let corpus = Corpus::new(&[case]).await;
                let request = corpus.request(case);
                let agent = Box::new(Fixer::new("honest", fixers::honest));
                (corpus.repository.clone(), request, agent, Some(corpus))
            } else {
                let case = BROKEN.iter().find(|case| case.name == name);
                let case = *case.with_context(|| format!("no case {name:?}"))?;
                let (git, request) = broken(&case, folder.path().to_owned()).await?;
                (git, request, Box::new(Mender(case)), None)
            };
        let request = RecoveryRequest {
            reports: folder.path().join("reports"),
            scratch: folder.path().join("scratch"),
            ..request
        };
        let agent = Arc::new(Asked {
            agent,
            count: AtomicU32::new(0),
        });
        Ok(Self {
            git,
            request,
            agent,
            _corpus: corpus,
            folder,
        })
    }

    async fn recover(
        &self,
        run: &RunJournal,
        steps: Arc<dyn StepLog>,
    ) -> Result<RecoveryOutcome, PortError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let environment = vec![("PATH".into(), path)];
        let commands = process::Runner::new(environment, self.request.run.clone(), run.events());
        let recovery = AdvancedRecovery::builder(
            run.plan_state(),
            run.checkpoints(),
            Arc::clone(&self.git),
            self.agent.clone(),
        )
        .steps(steps)
        .events(run.events())
        .commands(Arc::new(commands))
        .build();
        let cancel = CancellationToken::new();
        recovery.recover(&self.request, &cancel).await
    }

    async fn seen(&self, outcome: RecoveryOutcome) -> Result<Seen> {
        let (end, change) = match outcome {
            RecoveryOutcome::Repaired { commit } => {
                let diff = self.git.diff(&self.request.base, &commit, 1 << 20).await?;
                ("repaired".to_owned(), diff.text)
            }
            other => (format!("{other:?}"), String::new()),
        };
        let reports = std::fs::read_dir(self.folder.path().join("reports"));
        Ok(Seen {
            end,
            change,
            asked: self.agent.count.load(Ordering::SeqCst),
            n_reports: reports.map_or(0, Iterator::count),
        })
    }
}

/// A repository whose tests fail.
async fn broken(case: &Broken, folder: PathBuf) -> Result<(Arc<dyn Repository>, RecoveryRequest)> {
    let source = Fixture::new(folder.join("app"));
    for (path, text) in case.files() {
        source.file(&path, text);
    }
    source.commit("broken");
    let git = world::open(&folder).await?;
    let head = git.fetch(&BranchName::new("main")?).await?;
    let command = case.project.command.to_owned();
    let kind = FailureKind::Tests {
        command: command.clone(),
    };
    let failure = Failure::new(ErrorClass::TestFailure, kind, "the tests fail");
    let mut request = world::request_at("mend", 1, failure, head.clone())
        .map_err(|error| anyhow::anyhow!(error.to_line()))?;
    request.commit = Some(head);
    request.commands.test = Some(CommandLine::Shell(command));
    request.commands.test_timeout = Duration::from_secs(60);
    Ok((git, request))
}

/// Stops the process at a record: before it is on disk, or right after.
#[derive(Debug)]
struct CutLog {
    log: Arc<dyn StepLog>,
    left: AtomicI64,
}

impl CutLog {
    fn cut(&self) -> Result<(), PortError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(PortError::new(ErrorClass::Cancelled, "go on after a stop"));
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

/// An agent that counts how often it is asked, over all sessions.
#[derive(Debug)]
struct Asked {
    agent: Box<dyn Agent>,
    count: AtomicU32,
}

#[async_trait]
impl Agent for Asked {
    fn name(&self) -> &str {
        self.agent.name()
    }

    fn capabilities(&self) -> AgentCapabilities {
        self.agent.capabilities()
    }

    fn changes(&self) -> ChangePolicy {
        self.agent.changes()
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.agent.run(request, cancel).await
    }
}

/// The agent of a case of failing tests.
#[derive(Debug)]
struct Mender(Broken);

#[async_trait]
impl Agent for Mender {
    fn name(&self) -> &'static str {
        "mender"
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
