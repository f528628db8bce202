//! The repair of failing tests, over real repositories and real commands.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, AgentTask, BranchName,
    CancellationToken, ChangePolicy, CommandLine, CommitId, ErrorClass, Event, FailureKind,
    PortError, RecoveryRequest, Repository, StepLog, Timestamp, TokenUsage,
};
use engine_recovery::{
    Options, RecoveryContext, RecoveryStrategy, Spending, StrategyOutcome, TestFixRecoveryStrategy,
};
use git_workspace::{Git, GitRepository, Places};
use testkit::{FixedClock, MemoryCheckpoints, MemoryPlanState, MemoryStepLog, git::Fixture};

use crate::{
    test_fix_cases::broken::{Agent as Manner, BROKEN, Broken, End},
    world::{CutLog, World},
};

type Act = Box<dyn Fn(&AgentRequest) -> Result<String, PortError> + Send + Sync>;

/// An agent that does what a function says, and remembers its requests.
struct Fixer {
    can_repair: bool,
    act: Act,
    requests: Mutex<Vec<AgentRequest>>,
}

impl fmt::Debug for Fixer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixer").finish_non_exhaustive()
    }
}

impl Fixer {
    fn new(
        act: impl Fn(&AgentRequest) -> Result<String, PortError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            can_repair: true,
            act: Box::new(act),
            requests: Mutex::default(),
        }
    }

    fn of(case: Broken) -> Self {
        Self::new(move |request| Ok(case.work(request)))
    }

    fn requests(&self) -> Vec<AgentRequest> {
        self.requests
            .lock()
            .expect("no test panics while it holds it")
            .clone()
    }
}

#[async_trait]
impl Agent for Fixer {
    fn name(&self) -> &'static str {
        "fixer"
    }

    fn capabilities(&self) -> AgentCapabilities {
        AgentCapabilities {
            repair: self.can_repair,
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
        self.requests
            .lock()
            .expect("no test panics while it holds it")
            .push(request.clone());
        let summary = (self.act)(&request)?;
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

/// A broken repository, with all that a repair needs.
struct Bench {
    world: World,
    folder: tempfile::TempDir,
    git: GitRepository,
    request: RecoveryRequest,
    options: Options,
}

impl Bench {
    async fn new(case: &Broken) -> Self {
        let world = World::new().await;
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
        let git =
            GitRepository::open(git, "app".parse().expect("a name"), source.dir(), &places).await;
        let git = git.expect("the repository opens");
        let head = git
            .fetch(&BranchName::new("main").expect("a branch name"))
            .await
            .expect("main is fetched");
        let kind = FailureKind::Tests {
            command: case.project.command.to_owned(),
        };
        let mut request = world.request("mend", 1, ErrorClass::TestFailure, kind);
        request.base = head.clone();
        request.head = head.clone();
        request.commit = Some(head);
        request.commands.test = Some(CommandLine::Shell(case.project.command.to_owned()));
        request.scratch = folder.path().join("scratch");
        Self {
            world,
            folder,
            git,
            request,
            options: Options::default(),
        }
    }

    async fn recover(
        &self,
        agent: &Fixer,
        steps: &dyn StepLog,
    ) -> Result<StrategyOutcome, PortError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let environment = vec![("PATH".into(), path)];
        let events = Arc::clone(&self.world.events);
        let runner = process::Runner::new(environment, self.request.run.clone(), events.clone());
        let (state, checkpoint) = (MemoryPlanState::default(), MemoryCheckpoints::default());
        let (clock, cancel) = (FixedClock::default(), CancellationToken::new());
        let context = RecoveryContext {
            state: &state,
            checkpoint: &checkpoint,
            git: &self.git,
            agent,
            commands: Some(&runner),
            forge: None,
            steps,
            events: &*events,
            clock: &clock,
            options: &self.options,
            cancel: &cancel,
            earlier: &[],
            spent: Spending::default(),
        };
        TestFixRecoveryStrategy
            .recover(&self.request, &context)
            .await
    }

    async fn outcome(&self, agent: &Fixer) -> StrategyOutcome {
        let steps = MemoryStepLog::default();
        self.recover(agent, &steps).await.expect("an outcome")
    }

    fn failing(&self) -> &CommitId {
        self.request
            .commit
            .as_ref()
            .expect("a request with a commit")
    }

    /// A file of a commit.
    async fn read(&self, commit: &CommitId, path: &str) -> Option<String> {
        let bytes = self.git.read(commit, path, 1 << 20).await.expect("a file");
        bytes.map(|bytes| String::from_utf8(bytes).expect("a text"))
    }
}

fn named(name: &str) -> Broken {
    *BROKEN
        .iter()
        .find(|case| case.name == name)
        .expect("a case of that name")
}

fn end_of(outcome: &StrategyOutcome, failing: &CommitId) -> End {
    match outcome {
        StrategyOutcome::Repaired { commit } if commit == failing => End::Flaky,
        StrategyOutcome::Repaired { .. } => End::Repaired,
        StrategyOutcome::Refused { .. } => End::Refused,
        StrategyOutcome::Failed { .. } => End::Failed,
        other => panic!("an unexpected outcome: {other:?}"),
    }
}

/// Runs a case; what is wrong with its end, if anything.
async fn try_case(case: Broken) -> Option<String> {
    let bench = Bench::new(&case).await;
    let agent = Fixer::of(case);
    let outcome = bench.outcome(&agent).await;
    let n_rounds = u32::try_from(agent.requests().len()).expect("few rounds");
    let end = end_of(&outcome, bench.failing());
    let is_right = end == case.end && n_rounds <= case.rounds;
    (!is_right).then(|| {
        format!(
            "{}: {end:?} after {n_rounds} rounds: {outcome:?}",
            case.name
        )
    })
}

async fn try_all(cases: impl Iterator<Item = &'static Broken>) {
    let mut running = tokio::task::JoinSet::new();
    let mut wrong = Vec::new();
    let mut n_cases = 0;
    for case in cases {
        n_cases += 1;
        if running.len() >= 4 {
            wrong.extend(
                running
                    .join_next()
                    .await
                    .expect("one runs")
                    .expect("no case panics"),
            );
        }
        running.spawn(Box::pin(try_case(*case)));
    }
    wrong.extend(running.join_all().await.into_iter().flatten());
    assert!(
        n_cases > 0 && wrong.is_empty(),
        "of {n_cases} cases these end otherwise: {wrong:#?}"
    );
}

fn has_python() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("python3").exists())
}

/// A few cases at any time, all of them with `RUN_SLOW=1`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_end_as_they_must() {
    let all = std::env::var_os("RUN_SLOW").is_some();
    if !all {
        eprintln!("a few of the cases; all of them with RUN_SLOW=1");
    }
    let python = has_python();
    if !python {
        eprintln!("skipped: cases in Python, since there is no python3");
    }
    let cases = BROKEN.iter().enumerate();
    let cases = cases.filter(|(index, case)| {
        (all || index % 14 == 3) && (python || !case.project.command.starts_with("python3"))
    });
    try_all(cases.map(|(_, case)| case)).await;
}

#[test]
fn there_are_enough_cases() {
    let count = |end| BROKEN.iter().filter(|case| case.end == end).count();
    let n_cheats = BROKEN
        .iter()
        .filter(|case| case.name.starts_with("cheat"))
        .count();
    assert!(BROKEN.len() - n_cheats >= 40 && n_cheats >= 12);
    assert!(count(End::Repaired) >= 30 && count(End::Failed) >= 7 && count(End::Flaky) >= 2);
    let is_half = |case: &&Broken| matches!(case.agent, Manner::Half);
    assert!(BROKEN.iter().filter(is_half).count() >= 7);
}

#[tokio::test]
async fn the_agent_gets_what_is_known_and_goes_on_from_its_own_fix() {
    let case = named("calc: two faults, one a round");
    let bench = Bench::new(&case).await;
    let agent = Fixer::of(case);
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Repaired { commit } = outcome else {
        panic!("{outcome:?}")
    };
    let lib = bench.read(&commit, "lib/calc.sh").await.unwrap();
    assert!(lib.contains("$1 + $2 ))") && lib.contains("-gt"));
    let requests = agent.requests();
    let round = |index: usize| match &requests[index].task {
        AgentTask::FixTests {
            failures,
            round,
            findings,
            command,
            output,
            ..
        } => {
            assert_eq!(command, case.project.command);
            assert!(output.contains("not ok"));
            let names: Vec<_> = failures.iter().map(|test| test.name.clone()).collect();
            (names.join(","), *round, findings.join("; "))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(round(0), ("adds,greatest".to_owned(), 1, String::new()));
    let more = "the fix of round 1, which is in the clone, is not enough: greatest".to_owned();
    assert_eq!(round(1), ("greatest".to_owned(), 2, more));
    let name = "refs/automation/run-1/recovery/task/mend/1/fix-2";
    let name = core_types::RefName::new(name).unwrap();
    let kept = bench.git.resolve(&name).await.unwrap();
    assert_eq!(kept, Some(commit), "a fix is kept by a reference");
}

#[tokio::test]
async fn a_refused_fix_is_taken_back_and_its_findings_are_told() {
    let case = named("calc: first or true");
    let bench = Bench::new(&case).await;
    let agent = Fixer::of(case);
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Repaired { commit } = outcome else {
        panic!("{outcome:?}")
    };
    let script = bench.read(&commit, "test.sh").await.unwrap();
    assert!(
        script.contains("exit $fail"),
        "the refused edit is not part of the repair"
    );
    let requests = agent.requests();
    let AgentTask::FixTests { findings, .. } = &requests[1].task else {
        panic!("{requests:?}")
    };
    assert!(findings[0].starts_with("test.sh:"), "{findings:?}");
}

#[tokio::test]
async fn a_fix_in_the_tests_alone_is_no_fix() {
    let case = named("cheat: the fix is in a helper of the tests");
    let bench = Bench::new(&case).await;
    let outcome = bench.outcome(&Fixer::of(case)).await;
    let StrategyOutcome::Refused { evidence, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let said = evidence.join("\n");
    assert!(
        said.contains("changes to tests alone") || said.contains("defined anew"),
        "{said}"
    );
}

#[tokio::test]
async fn flaky_tests_are_told_and_taken() {
    let case = named("calc: flaky");
    let bench = Bench::new(&case).await;
    let agent = Fixer::of(case);
    let steps = MemoryStepLog::default();
    for _ in 0..2 {
        // The second call replays the first one.
        let outcome = bench.recover(&agent, &steps).await.unwrap();
        assert_eq!(
            outcome,
            StrategyOutcome::Repaired {
                commit: bench.failing().clone()
            }
        );
    }
    let events = bench.world.events.events();
    let is_warning =
        |event: &&Event| matches!(event, Event::Warning { message } if message.contains("flaky"));
    assert_eq!(events.iter().filter(is_warning).count(), 1);
    assert!(agent.requests().is_empty(), "no agent is asked");
}

#[tokio::test]
async fn an_agent_that_cannot_repair_is_not_asked() {
    let case = named("calc: adds");
    let bench = Bench::new(&case).await;
    let mut agent = Fixer::of(case);
    agent.can_repair = false;
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Failed { reason, tried } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        reason,
        "agent fixer does not fix tests, and they fail again"
    );
    assert!(tried[0].ends_with("unchanged: adds"), "{tried:?}");
    assert!(agent.requests().is_empty());
}

#[tokio::test]
async fn protected_paths_are_refused() {
    let case = named("store: with a note");
    let mut bench = Bench::new(&case).await;
    bench.options.protected_paths = vec!["*.md".to_owned()];
    let outcome = bench.outcome(&Fixer::of(case)).await;
    let StrategyOutcome::Refused { evidence, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        evidence
            .iter()
            .any(|line| line.contains("NOTES.md: protected path")),
        "{evidence:?}"
    );
}

#[tokio::test]
async fn a_quota_parks_the_run() {
    let case = named("calc: adds");
    let bench = Bench::new(&case).await;
    let until = Some(Timestamp(90_000));
    let agent = Fixer::new(move |_| {
        Err(PortError::new(
            ErrorClass::QuotaExhausted { until },
            "run the agent",
        ))
    });
    let outcome = bench.outcome(&agent).await;
    assert_eq!(
        outcome,
        StrategyOutcome::Park {
            until: Timestamp(90_000)
        }
    );
}

#[tokio::test]
async fn an_agent_that_fails_uses_up_its_rounds() {
    let case = named("calc: adds");
    let mut bench = Bench::new(&case).await;
    bench.options.fix_rounds = 2;
    let agent = Fixer::new(|_| {
        Err(PortError::new(ErrorClass::Internal, "run the agent").because("no disk"))
    });
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Failed { tried, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(agent.requests().len(), 2);
    assert!(
        tried[1].ends_with("failed to run the agent: no disk"),
        "{tried:?}"
    );
    let cancelled =
        Fixer::new(|_| Err(PortError::new(ErrorClass::BudgetExceeded, "run the agent")));
    let steps = MemoryStepLog::default();
    let error = bench.recover(&cancelled, &steps).await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::BudgetExceeded,
        "it stops the run"
    );
}

#[tokio::test]
async fn a_set_up_runs_first_and_is_not_part_of_the_fix() {
    let case = named("calc: adds");
    let mut bench = Bench::new(&case).await;
    let setup = "echo made > made.txt; echo more >> lib/calc.sh.log; test $AUTOMATION_CONTEXT = {}";
    // As the workflow's own commands see it.
    bench.request.commands.environment = vec![("AUTOMATION_CONTEXT".to_owned(), "{}".to_owned())];
    let command = format!(
        "test $AUTOMATION_CONTEXT = {{}} && {}",
        case.project.command
    );
    bench.request.commands.test = Some(CommandLine::Shell(command));
    bench.request.commands.setup = Some(CommandLine::Shell(setup.to_owned()));
    bench.request.commands.setup_timeout = Duration::from_secs(20);
    let agent = Fixer::new(move |request| {
        assert!(
            request.folder.join("made.txt").exists(),
            "the set-up came first"
        );
        Ok(case.work(request))
    });
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Repaired { commit } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(bench.read(&commit, "made.txt").await, None);

    bench.request.commands.setup = Some(CommandLine::Shell("exit 7".to_owned()));
    let outcome = bench.outcome(&agent).await;
    let StrategyOutcome::Failed { tried, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        tried[0].contains("the set-up failed: exit code 7"),
        "{tried:?}"
    );
}

/// Whatever record the engine dies at, the repair goes on to the same end, and
/// no round is made more often than it may be.
#[tokio::test]
async fn a_repair_is_continued_after_a_kill_at_any_record() {
    let case = named("calc: two faults, one a round");
    let bench = Bench::new(&case).await;
    let log = Arc::new(MemoryStepLog::default());
    let agent = Fixer::of(case);
    let mut n_kills = 0;
    let outcome = loop {
        // Each life writes three half records: a step begun, and the next one's start.
        let cut = CutLog::new(log.clone(), 3);
        match bench.recover(&agent, &cut).await {
            Ok(outcome) => break outcome,
            Err(error) => assert_eq!(error.class(), ErrorClass::Cancelled),
        }
        n_kills += 1;
        assert!(n_kills < 40, "it never ends");
    };
    assert_eq!(end_of(&outcome, bench.failing()), End::Repaired);
    assert!(n_kills >= 5, "{n_kills}");
    let rounds: Vec<_> = agent
        .requests()
        .iter()
        .map(|request| match request.task {
            AgentTask::FixTests { round, .. } => round,
            _ => 0,
        })
        .collect();
    assert!(
        rounds.iter().all(|round| (1..=2).contains(round)),
        "{rounds:?}"
    );
    assert!(
        bench.folder.path().join("scratch").exists(),
        "logs are kept"
    );
}

#[test]
fn it_handles_tests_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = runtime.block_on(World::new());
    let tests = FailureKind::Tests {
        command: "make test".to_owned(),
    };
    let handles = |class, kind: &FailureKind| {
        TestFixRecoveryStrategy.handles(&world.request("a", 1, class, kind.clone()))
    };
    assert!(handles(ErrorClass::TestFailure, &tests));
    assert!(!handles(ErrorClass::Timeout, &tests));
    assert!(!handles(ErrorClass::TestFailure, &FailureKind::Setup));
}
