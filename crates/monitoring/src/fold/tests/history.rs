//! Random histories: a small engine that plans, runs, retries, repairs, is paused, killed and resumed,
//! and repeats the steps that it had begun.

use std::{collections::BTreeMap, time::Duration};

use core_types::{
    ErrorClass, Event, EventRecord, Failure, FailureKind, ModelChoice, OperationId, RepositoryName,
    Scope, Stage, StepKey, StepRef, TaskId, TaskStatus, Timestamp, TokenUsage, Usd, Wait,
    WaitReason,
};

/// A generator of numbers (splitmix64); equal seeds give equal numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, but not including, `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub(super) fn idx(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).expect("an index fits")
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A history and what is true at its end.
#[derive(Debug)]
pub(super) struct History {
    pub(super) events: Vec<(u64, EventRecord)>,
    pub(super) is_held: bool,
    pub(super) now: Timestamp,
}

/// What ends a session.
enum Stop {
    Killed,
    Paused(ErrorClass),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Start,
    /// The agent works.
    Agent,
    Left,
    Verified,
    Repair,
    Backoff(Timestamp),
    Ended,
}

struct Work {
    task: TaskId,
    title: &'static str,
    repository: RepositoryName,
    dependencies: Vec<usize>,
    phase: Phase,
    attempt: u32,
    status: TaskStatus,
    has_slot: bool,
}

struct Engine {
    dice: Dice,
    at: u64,
    seq: u64,
    events: Vec<(u64, EventRecord)>,
    executions: BTreeMap<StepKey, u32>,
    finished: BTreeMap<StepKey, ()>,
    works: Vec<Work>,
    kill: u64,
}

const TITLES: [&str; 5] = [
    "Add a page",
    "Fix the crash",
    "Write docs",
    "Test it",
    "Greet",
];
const MODELS: [&str; 3] = ["", "small", "large"];
const STRATEGIES: [&str; 3] = ["retry", "test_fix", "conflict_resolution"];

pub(super) fn history(seed: u64) -> History {
    let mut dice = Dice::new(seed);
    let n_repositories = 1 + dice.idx(3);
    let n_tasks = dice.idx(9);
    let works = (0..n_tasks).map(|idx| {
        let dependencies = (0..idx).filter(|_| dice.chance(30)).collect();
        Work {
            task: TaskId::new(format!("t{idx}")).expect("valid"),
            title: TITLES[dice.idx(TITLES.len())],
            repository: repository(dice.idx(n_repositories)),
            dependencies,
            phase: Phase::Start,
            attempt: 1,
            status: TaskStatus::Waiting,
            has_slot: false,
        }
    });
    let works = works.collect();
    let kill = dice.below(3);
    let mut engine = Engine {
        at: 1_700_000_000_000 + dice.below(500_000_000),
        dice,
        seq: 0,
        events: Vec::new(),
        executions: BTreeMap::new(),
        finished: BTreeMap::new(),
        works,
        kill,
    };
    let n_sessions = 1 + engine.dice.below(4);
    let mut is_held = false;
    for session in 1..=n_sessions {
        let is_last = session == n_sessions;
        engine.at += 1000 + engine.dice.below(100_000);
        let number = u32::try_from(session).expect("few sessions");
        match engine.session(number, n_repositories) {
            Ok(()) if !engine.dice.chance(20) => break,
            Ok(()) => {}
            Err(Stop::Killed) => is_held = is_last && engine.dice.chance(50),
            Err(Stop::Paused(class)) => {
                let reason = format!("{class} stopped it");
                let class = Some(class);
                engine.tell(None, Event::RunPaused { reason, class });
            }
        }
    }
    let now = Timestamp(engine.at + engine.dice.below(30_000));
    History {
        events: engine.events,
        is_held,
        now,
    }
}

fn repository(idx: usize) -> RepositoryName {
    RepositoryName::new(format!("repo-{idx}")).expect("valid")
}

impl Engine {
    fn tell(&mut self, step: Option<&StepRef>, event: Event) {
        self.at += 1 + self.dice.below(900);
        // Numbers have gaps: other records stand between events.
        self.seq += 1 + self.dice.below(3);
        let record = EventRecord {
            v: 1,
            at: Timestamp(self.at),
            step: step.cloned(),
            event,
        };
        self.events.push((self.seq, record));
    }

    /// Tells, and may be killed or paused after it.
    fn emit(&mut self, step: Option<&StepRef>, event: Event) -> Result<(), Stop> {
        self.tell(step, event);
        if self.dice.chance(self.kill) {
            return Err(Stop::Killed);
        }
        if self.dice.below(400) == 0 {
            return Err(Stop::Paused(ErrorClass::BudgetExceeded));
        }
        Ok(())
    }

    /// A step begins; `None` where it has finished before.
    fn begin(&mut self, scope: Scope, attempt: u32, name: &'static str) -> Option<StepRef> {
        let key = StepKey::new(scope, attempt, name);
        if self.finished.contains_key(&key) {
            return None;
        }
        let execution = self.executions.entry(key.clone()).or_default();
        *execution += 1;
        Some(StepRef {
            key,
            execution: *execution,
        })
    }

    fn finish(&mut self, step: &StepRef) {
        self.finished.insert(step.key.clone(), ());
    }

    fn session(&mut self, session: u32, n_repositories: usize) -> Result<(), Stop> {
        for work in &mut self.works {
            work.has_slot = false;
            if work.phase == Phase::Agent {
                work.phase = Phase::Start;
            }
        }
        if self.dice.chance(60) {
            let limit = Usd::from_pico(1_000_000 + self.dice.below(1_000_000_000));
            self.tell(None, Event::BudgetSet { limit });
        }
        if self.dice.chance(20) {
            let message = "a process of an earlier session was ended".to_owned();
            self.tell(None, Event::Warning { message });
        }
        let max_workers = 1 + self.dice.idx(3);
        let started = Event::RunStarted {
            session,
            max_workers,
            title: "A run".to_owned(),
        };
        self.emit(None, started)?;
        self.enter(Stage::Planning, "enter-planning")?;
        self.plan(n_repositories)?;
        if self.dice.chance(15) {
            let gate = "plan".to_owned();
            self.emit(None, Event::GateReached { gate })?;
            if self.dice.chance(50) {
                let reason = "waits at the gate".to_owned();
                let class = None;
                self.tell(None, Event::RunPaused { reason, class });
                return Ok(());
            }
            let gate = "plan".to_owned();
            self.emit(None, Event::GateOpened { gate })?;
        }
        self.enter(Stage::Implementation, "enter-implementation")?;
        self.implement(max_workers)?;
        let any_bad = self.works.iter().any(|work| !work.status.is_good());
        if !any_bad {
            self.enter(Stage::Testing, "enter-testing")?;
            for idx in 0..n_repositories {
                self.test(idx)?;
            }
            self.enter(Stage::Landing, "enter-landing")?;
        }
        let exit_code = if any_bad {
            1
        } else {
            [0, 0, 5][self.dice.idx(3)]
        };
        let is_aborted = any_bad && self.dice.chance(30);
        let ended = Event::RunEnded {
            exit_code,
            summary: "ended".to_owned(),
            class: is_aborted.then_some(ErrorClass::Cancelled),
        };
        self.tell(None, ended);
        Ok(())
    }

    fn enter(&mut self, stage: Stage, name: &'static str) -> Result<(), Stop> {
        if let Some(step) = self.begin(Scope::Run, 1, name) {
            self.emit(Some(&step), Event::StageStarted { stage })?;
            self.finish(&step);
        }
        Ok(())
    }

    fn plan(&mut self, n_repositories: usize) -> Result<(), Stop> {
        if let Some(step) = self.begin(Scope::Run, 1, "plan-by-agent") {
            self.spend(&step)?;
            self.finish(&step);
        }
        let Some(step) = self.begin(Scope::Run, 1, "plan") else {
            return Ok(());
        };
        for idx in 0..n_repositories {
            let mut waits = Vec::new();
            if idx > 0 && self.dice.chance(40) {
                let reasons = [
                    WaitReason::Dependency,
                    WaitReason::Sequence,
                    WaitReason::Trigger,
                ];
                waits.push(Wait {
                    repository: repository(idx - 1),
                    reason: reasons[self.dice.idx(2)],
                });
            }
            let joined = Event::RepositoryJoined {
                repository: repository(idx),
                waits,
            };
            self.emit(Some(&step), joined)?;
        }
        for idx in 0..self.works.len() {
            let work = &self.works[idx];
            let dependencies = work.dependencies.iter();
            let dependencies = dependencies.map(|&it| self.works[it].task.clone());
            let planned = Event::TaskPlanned {
                task: work.task.clone(),
                title: work.title.to_owned(),
                repository: work.repository.clone(),
                dependencies: dependencies.collect(),
                estimate: (idx % 2 == 0).then(|| Duration::from_secs(5)),
            };
            self.emit(Some(&step), planned)?;
        }
        let tasks = self.works.len();
        let plan = "plan-1".parse().expect("valid");
        self.emit(Some(&step), Event::PlanReady { plan, tasks })?;
        self.finish(&step);
        Ok(())
    }

    fn spend(&mut self, step: &StepRef) -> Result<(), Stop> {
        self.agent_starts(step)?;
        self.agent_ends(step)
    }

    fn operation(step: &StepRef) -> OperationId {
        let run = "r".parse().expect("valid");
        step.key.operation(&run).with_execution(step.execution)
    }

    fn agent_starts(&mut self, step: &StepRef) -> Result<(), Stop> {
        if self.dice.chance(70) {
            let reserved = Event::SpendReserved {
                operation: Self::operation(step),
                amount: Usd::from_pico(1 + self.dice.below(1_000_000)),
            };
            self.emit(Some(step), reserved)?;
        }
        let agent = "scripted".to_owned();
        let model = self.dice.chance(50).then(|| ModelChoice {
            model: MODELS[1 + self.dice.idx(2)].to_owned(),
            tier: String::new(),
        });
        self.emit(Some(step), Event::AgentStarted { agent, model })
    }

    fn agent_ends(&mut self, step: &StepRef) -> Result<(), Stop> {
        let usage = TokenUsage {
            input: self.dice.below(3) * 100,
            cache_read: self.dice.below(2) * 1000,
            output: self.dice.below(500),
            ..TokenUsage::default()
        };
        let ended = Event::AgentEnded {
            agent: "scripted".to_owned(),
            usage,
            duration: Duration::from_millis(self.dice.below(5000)),
        };
        self.emit(Some(step), ended)?;
        if self.dice.chance(90) {
            let settled = Event::SpendSettled {
                operation: Self::operation(step),
                model: MODELS[self.dice.idx(MODELS.len())].to_owned(),
                usage,
                amount: Usd::from_pico(self.dice.below(1_000_000)),
            };
            self.emit(Some(step), settled)?;
        }
        Ok(())
    }

    fn changed(&self, idx: usize, status: TaskStatus, attempt: u32) -> Event {
        let has_failed = matches!(status, TaskStatus::Failed | TaskStatus::TimedOut);
        Event::TaskChanged {
            task: self.works[idx].task.clone(),
            status,
            attempt,
            failure: has_failed
                .then(|| Failure::new(ErrorClass::TestFailure, FailureKind::Other, "it broke")),
            because_of: None,
        }
    }

    fn implement(&mut self, max_workers: usize) -> Result<(), Stop> {
        self.reopen()?;
        loop {
            let open = |it: &&Work| it.phase != Phase::Ended;
            if !self.works.iter().any(|it| open(&it)) {
                return Ok(());
            }
            let n_busy = self.works.iter().filter(|it| it.has_slot).count();
            let may_go: Vec<usize> = (0..self.works.len())
                .filter(|&idx| {
                    let work = &self.works[idx];
                    work.phase != Phase::Ended && (work.has_slot || n_busy < max_workers)
                })
                .collect();
            let idx = may_go[self.dice.idx(may_go.len())];
            let dependencies = &self.works[idx].dependencies;
            let states = dependencies.iter().map(|&it| self.works[it].status);
            let states: Vec<_> = states.collect();
            if states.iter().any(|it| it.has_ended() && !it.is_good()) {
                self.end(idx, TaskStatus::Skipped)?;
            } else if states.iter().all(|it| it.is_good()) {
                self.works[idx].has_slot = true;
                self.advance(idx)?;
            }
        }
    }

    /// A person wants some failed tasks tried again.
    fn reopen(&mut self) -> Result<(), Stop> {
        for idx in 0..self.works.len() {
            let has_failed =
                self.works[idx].status.has_ended() && !self.works[idx].status.is_good();
            let number = self.works[idx].attempt + 1000 * u32::try_from(idx + 1).expect("small");
            if !has_failed || !self.dice.chance(50) {
                continue;
            }
            if let Some(step) = self.begin(Scope::Run, number, "reopen") {
                let event = self.changed(idx, TaskStatus::Waiting, 0);
                self.emit(Some(&step), event)?;
                self.finish(&step);
                let work = &mut self.works[idx];
                work.status = TaskStatus::Waiting;
                work.phase = Phase::Start;
                work.attempt += 1;
            }
        }
        Ok(())
    }

    /// One move of a task that has a slot.
    fn advance(&mut self, idx: usize) -> Result<(), Stop> {
        let scope = Scope::Task(self.works[idx].task.clone());
        let attempt = self.works[idx].attempt;
        let repository = self.works[idx].repository.clone();
        match self.works[idx].phase {
            Phase::Start => {
                if let Some(step) = self.begin(scope.clone(), attempt, "prepare") {
                    if self.dice.chance(40) {
                        let arm = ["trial", "served"][self.dice.idx(2)].to_owned();
                        let served = Event::LessonsServed {
                            lessons: vec!["L1".to_owned()],
                            arm,
                            propensity: 0.5,
                        };
                        self.emit(Some(&step), served)?;
                    }
                    self.finish(&step);
                }
                if let Some(step) = self.begin(scope, attempt, "agent") {
                    let event = self.changed(idx, TaskStatus::Running, attempt);
                    self.emit(Some(&step), event)?;
                    self.agent_starts(&step)?;
                    self.works[idx].phase = Phase::Agent;
                } else {
                    self.works[idx].phase = Phase::Left;
                }
            }
            Phase::Agent => {
                let key = StepKey::new(scope, attempt, "agent");
                let execution = self.executions[&key];
                let step = StepRef { key, execution };
                self.agent_ends(&step)?;
                if self.dice.chance(10) {
                    self.finish(&step);
                    self.works[idx].phase = Phase::Repair;
                    return Ok(());
                }
                let captured = Event::ChangeCaptured {
                    repository,
                    commit: commit(),
                    files: self.dice.idx(5),
                };
                self.emit(Some(&step), captured)?;
                self.finish(&step);
                self.works[idx].phase = Phase::Left;
            }
            Phase::Left => {
                let passed = self.dice.chance(75);
                if let Some(step) = self.begin(scope, attempt, "verify") {
                    let ended = Event::CommandEnded {
                        repository,
                        purpose: "test".to_owned(),
                        passed,
                        duration: Duration::from_millis(self.dice.below(3000)),
                    };
                    self.emit(Some(&step), ended)?;
                    self.finish(&step);
                }
                self.works[idx].phase = if passed {
                    Phase::Verified
                } else {
                    Phase::Repair
                };
            }
            Phase::Verified => {
                if let Some(step) = self.begin(scope, attempt, "merge") {
                    let commit = commit();
                    self.emit(Some(&step), Event::TaskMerged { repository, commit })?;
                    self.finish(&step);
                }
                let status = [TaskStatus::Succeeded, TaskStatus::Unchanged][self.dice.idx(2)];
                self.end(idx, status)?;
            }
            Phase::Repair => self.repair(idx, scope, attempt)?,
            Phase::Backoff(until) => {
                if self.at >= until.0 {
                    self.works[idx].phase = Phase::Start;
                    self.works[idx].attempt += 1;
                } else {
                    self.works[idx].has_slot = false;
                    self.at += self.dice.below(2000);
                }
            }
            Phase::Ended => {}
        }
        Ok(())
    }

    fn repair(&mut self, idx: usize, scope: Scope, attempt: u32) -> Result<(), Stop> {
        let strategy = STRATEGIES[self.dice.idx(STRATEGIES.len())];
        if let Some(step) = self.begin(scope.clone(), attempt, "recovery-began") {
            let started = Event::RecoveryStarted {
                strategy: strategy.to_owned(),
                class: ErrorClass::TestFailure,
                round: attempt,
            };
            self.emit(Some(&step), started)?;
            self.finish(&step);
        }
        if self.dice.chance(40)
            && let Some(step) = self.begin(scope.clone(), attempt, "recovery-fix")
        {
            self.spend(&step)?;
            self.finish(&step);
        }
        let outcome = ["retry", "park", "repaired", "handed_off", "failed"][self.dice.idx(5)];
        let until = matches!(outcome, "retry" | "park") && self.dice.chance(80);
        let until = until.then(|| Timestamp(self.at + self.dice.below(6000)));
        if let Some(step) = self.begin(scope, attempt, "recovery-ended") {
            let ended = Event::RecoveryEnded {
                strategy: strategy.to_owned(),
                outcome: outcome.to_owned(),
                reason: String::new(),
                until,
            };
            self.emit(Some(&step), ended)?;
            self.finish(&step);
        }
        match outcome {
            "retry" | "park" => {
                self.works[idx].has_slot = false;
                self.works[idx].phase = Phase::Backoff(until.unwrap_or(Timestamp(self.at)));
            }
            "repaired" => self.works[idx].phase = Phase::Verified,
            _ => {
                let bad = [
                    TaskStatus::Failed,
                    TaskStatus::TimedOut,
                    TaskStatus::Panicked,
                ];
                let status = bad[self.dice.idx(3)];
                self.end(idx, status)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, idx: usize, status: TaskStatus) -> Result<(), Stop> {
        let attempt = match status {
            TaskStatus::Skipped => 0,
            _ => self.works[idx].attempt,
        };
        let scope = Scope::Task(self.works[idx].task.clone());
        if let Some(step) = self.begin(scope, self.works[idx].attempt, "end") {
            let event = self.changed(idx, status, attempt);
            self.emit(Some(&step), event)?;
            self.finish(&step);
        }
        let work = &mut self.works[idx];
        work.status = status;
        work.phase = Phase::Ended;
        work.has_slot = false;
        Ok(())
    }

    fn test(&mut self, idx: usize) -> Result<(), Stop> {
        let scope = Scope::Repository(repository(idx));
        if let Some(step) = self.begin(scope, 1, "test") {
            let tested = Event::RepositoryTested {
                repository: repository(idx),
                commit: commit(),
                passed: [Some(true), Some(false), None][self.dice.idx(3)],
            };
            self.emit(Some(&step), tested)?;
            let called = Event::ForgeCalled {
                provider: ["local", "gitea"][self.dice.idx(2)].to_owned(),
                method: "create_issue".to_owned(),
                passed: self.dice.chance(80),
                duration: Duration::from_millis(self.dice.below(800)),
            };
            self.emit(Some(&step), called)?;
            self.finish(&step);
        }
        Ok(())
    }
}

fn commit() -> core_types::CommitId {
    core_types::CommitId::new("0123456789012345678901234567890123456789").expect("valid")
}
