use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use core_types::{
    CancellationToken, ErrorClass, Event, FailureKind, GitProvider, IssueState, PortError, Scope,
    StepKey, StepLog, TaskStatus,
    step::{Fingerprint, StepState},
};
use engine_workflow::{EndStatus, Error, RunEnd};
use serde_json::Value;
use testkit::MemoryStepLog;

use crate::world::{Did, TestAgent, World, lock, own_file, states, task_end, task_of};

/// When a session is cut off; each step cuts off one session.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    /// The step has begun and not acted.
    Begun,
    /// The step has acted, and its result is not recorded.
    Acted,
    /// The result is recorded.
    Finished,
}

/// A step log that dies with its process at one record, and lives again in the next session.
#[derive(Debug)]
struct Mortal {
    log: MemoryStepLog,
    cut: Cut,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_dead: bool,
    seen: HashSet<StepKey>,
}

impl Mortal {
    fn new(cut: Cut) -> Self {
        Self {
            log: MemoryStepLog::default(),
            cut,
            state: Mutex::default(),
        }
    }

    fn revive(&self) {
        lock(&self.state).is_dead = false;
    }

    fn alive(&self) -> Result<(), PortError> {
        if lock(&self.state).is_dead {
            return Err(PortError::new(ErrorClass::ResourceExhausted, "record"));
        }
        Ok(())
    }

    /// Dies here if this step has not cut off a session before.
    fn die_once(&self, cut: Cut, key: &StepKey) -> Result<(), PortError> {
        let mut state = lock(&self.state);
        if self.cut == cut && state.seen.insert(key.clone()) {
            state.is_dead = true;
            return Err(PortError::new(ErrorClass::ResourceExhausted, "record"));
        }
        Ok(())
    }
}

#[async_trait]
impl StepLog for Mortal {
    fn state(&self, key: &StepKey) -> StepState {
        self.log.state(key)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        self.alive()?;
        self.log.begin(key, execution, fingerprint).await?;
        self.die_once(Cut::Begun, key)
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        self.alive()?;
        self.die_once(Cut::Acted, key)?;
        self.log.finish(key, execution, result).await?;
        self.die_once(Cut::Finished, key)
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        self.alive()?;
        self.log.consent(key).await
    }
}

const PLAN: [&str; 6] = ["a one", "b one", "c one a,b", "d two a", "e two d", "f two"];

/// Enough for all kinds of steps, in a third of the time.
const SMALL_PLAN: [&str; 2] = ["a one", "b two a"];

/// The whole plan where time is no matter.
fn plan_for_slow_runs() -> &'static [&'static str] {
    match std::env::var_os("RUN_SLOW") {
        Some(_) => &PLAN,
        None => &SMALL_PLAN,
    }
}

/// What counts in the end, the same for every way there.
async fn outcome(world: &World, end: &RunEnd) -> String {
    let mut text = format!("{:?}: {}\n", end.status, states(end));
    for name in ["one", "two"] {
        let user = world.user(name);
        let tree = user.git(&["rev-parse", "main^{tree}"]);
        let branches = user.git(&["for-each-ref", "--format=%(refname)"]);
        let pull_requests = world.pull_requests(name).await;
        let states: Vec<_> = pull_requests.iter().map(|it| it.state).collect();
        text += &format!("{name} {tree} {branches} {states:?}\n");
    }
    let forge = &world.forges[&world.settings.repositories[0].name];
    let number = world.settings.issue.number;
    let comments = forge.list_comments(number).await.expect("its comments");
    let issue = forge.get_issue(number).await.expect("the issue");
    text + &format!("{} comments, {:?}", comments.len(), issue.state)
}

async fn world(plan: &[&str]) -> World {
    let mut world = World::with_plan(&["one", "two"], plan, TestAgent::new(own_file));
    world.file_issue("one").await;
    world
}

/// Cuts a run off at every step, and holds it against an undisturbed one.
async fn check(cut: Cut, plan: &[&str], max_workers: usize, max_agent_runs: usize) {
    let mut undisturbed = world(plan).await;
    let end = undisturbed.run().await.expect("an undisturbed run");
    assert_eq!(end.status, EndStatus::Done);
    let expected = outcome(&undisturbed, &end).await;

    let log = Arc::new(Mortal::new(cut));
    let seen = log.clone();
    let agent = TestAgent::new(move |request| {
        let step = request.step.as_ref().expect("it runs in a step");
        let state = seen.state(&step.key);
        assert!(
            !matches!(state, StepState::Finished { .. }),
            "an agent never runs again once its step is recorded"
        );
        own_file(request)
    });
    let mut world = World::with_plan(&["one", "two"], plan, agent);
    world.file_issue("one").await;
    world.settings.limits.max_workers = max_workers;
    // Steps beside the one that is cut off are cut off too.
    world.settings.limits.max_executions = 1000;
    world.steps = log.clone();
    let mut n_sessions = 1;
    let end = loop {
        log.revive();
        match world.run().await {
            Ok(end) => break end,
            Err(error) => assert_eq!(error.class(), ErrorClass::ResourceExhausted, "{error:?}"),
        }
        n_sessions += 1;
        assert!(n_sessions < 200, "every session comes further");
    };
    assert!(
        n_sessions > 20 + 4 * plan.len(),
        "it was cut off {n_sessions} times"
    );
    assert_eq!(outcome(&world, &end).await, expected);
    for end in &end.tasks {
        let n_runs = world.agent.for_task(end.task.as_str()).len();
        assert!(
            n_runs <= max_agent_runs,
            "task {} ran {n_runs} times",
            end.task
        );
    }
    // Folds keep the events of a step's last execution: there each task ended once.
    let mut ends = BTreeMap::<_, usize>::new();
    for record in world.events.records() {
        if let Event::TaskChanged { task, status, .. } = record.event
            && status.has_ended()
        {
            let step = record.step.expect("an end belongs to a step");
            *ends.entry((task, step.execution)).or_default() += 1;
        }
    }
    assert!(ends.values().all(|count| *count == 1), "{ends:?}");
    if cut == Cut::Finished && max_workers == 1 {
        assert!(world.ends_said().values().all(|said| said.len() == 1));
    }
}

#[tokio::test]
async fn a_run_cut_off_after_every_recorded_result_ends_as_an_undisturbed_one() {
    check(Cut::Finished, &PLAN, 1, 1).await;
}

#[tokio::test]
async fn a_run_cut_off_after_every_act_ends_as_an_undisturbed_one() {
    check(Cut::Acted, &PLAN, 1, 2).await;
}

#[tokio::test]
async fn a_run_cut_off_at_every_begin_ends_as_an_undisturbed_one() {
    check(Cut::Begun, plan_for_slow_runs(), 1, 1).await;
}

#[tokio::test]
async fn parallel_tasks_cut_off_after_every_act_end_as_undisturbed_ones() {
    check(Cut::Acted, plan_for_slow_runs(), 3, 40).await;
}

#[tokio::test]
async fn an_attempt_that_is_killed_too_often_has_failed() {
    let agent = TestAgent::new(|request| match task_of(request) {
        "bad" => panic!("never reached: the process dies first"),
        _ => own_file(request),
    });
    let mut world = World::with_plan(&["one"], &["bad one", "good one"], agent);
    world.settings.limits.max_executions = 3;
    let log = Arc::new(KillsAgent(MemoryStepLog::default()));
    world.steps = log.clone();
    for _ in 0..3 {
        world.run().await.unwrap_err();
    }
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "bad failed, good succeeded");
    let failure = task_end(&end, "bad").failure.clone().unwrap();
    let executions = 3;
    assert_eq!(failure.kind, FailureKind::KilledTooOften { executions });
    assert_eq!(world.run().await.unwrap(), end);
}

/// Dies whenever the agent of task `bad` has begun.
#[derive(Debug)]
struct KillsAgent(MemoryStepLog);

#[async_trait]
impl StepLog for KillsAgent {
    fn state(&self, key: &StepKey) -> StepState {
        self.0.state(key)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        self.0.begin(key, execution, fingerprint).await?;
        let is_bad = matches!(&key.scope, Scope::Task(task) if task.as_str() == "bad");
        if is_bad && key.name.as_str() == "agent" {
            return Err(PortError::new(ErrorClass::ResourceExhausted, "go on"));
        }
        Ok(())
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        self.0.finish(key, execution, result).await
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        self.0.consent(key).await
    }
}

#[tokio::test]
async fn a_pause_ends_agents_records_no_end_and_is_no_kill() {
    let pause = Arc::new(Mutex::new(Some(CancellationToken::new())));
    let pausing = pause.clone();
    let agent = TestAgent::new(move |request| match (task_of(request), &*lock(&pausing)) {
        ("slow", Some(pause)) => {
            pause.cancel();
            Did::Hang
        }
        _ => own_file(request),
    });
    let plan = ["first one", "slow one first", "last one slow"];
    let mut world = World::with_plan(&["one"], &plan, agent);
    world.settings.limits.max_executions = 2;
    for _ in 0..3 {
        world.pause = CancellationToken::new();
        *lock(&pause) = Some(world.pause.clone());
        let error = world.run().await.unwrap_err();
        assert!(matches!(error, Error::Paused), "{error:?}");
        assert_eq!(error.class(), ErrorClass::Cancelled);
    }
    let said = |world: &World| {
        let ends = world.ends_said().into_iter();
        ends.map(|(task, ends)| format!("{task} {ends:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(said(&world), "first [Succeeded]");
    assert!(world.run_folder().exists());
    world.pause = CancellationToken::new();
    *lock(&pause) = None;
    let end = world.run().await.unwrap();
    assert_eq!(
        states(&end),
        "first succeeded, slow succeeded, last succeeded"
    );
    assert_eq!(
        said(&world),
        "first [Succeeded], last [Succeeded], slow [Succeeded]",
        "replayed steps say nothing"
    );
    assert_eq!(world.agent.for_task("first").len(), 1);
    assert_eq!(task_end(&end, "slow").attempt, 1, "it is the same attempt");
}

#[tokio::test]
async fn a_run_that_is_paused_before_it_starts_does_nothing_with_agents() {
    let mut world = world(&PLAN).await;
    world.pause.cancel();
    assert!(matches!(world.run().await, Err(Error::Paused)));
    assert!(world.agent.requests().is_empty());
    world.pause = CancellationToken::new();
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert!(
        end.tasks
            .iter()
            .all(|end| end.status == TaskStatus::Succeeded)
    );
    let forge = &world.forges[&world.settings.repositories[0].name];
    assert_eq!(forge.get_issue(1).await.unwrap().state, IssueState::Closed);
}
