//! A made-up run: tasks over slots, with failures, repairs and money.

use std::{collections::HashMap, time::Duration};

use core_types::{
    CommitId, ErrorClass, Event, EventRecord, Failure, FailureKind, OperationId, PlanId,
    RepositoryName, RunId, Scope, Stage, StepKey, StepRef, TaskId, TaskStatus, Timestamp,
    TokenUsage, Usd, Wait,
};

/// A task of a made-up plan.
#[derive(Debug, Clone)]
pub struct TaskPlan {
    /// Its id.
    pub id: TaskId,
    /// One line.
    pub title: String,
    /// Where it is done.
    pub repository: RepositoryName,
    /// What it needs, by place in the plan; all smaller than its own place.
    pub needs: Vec<usize>,
    /// How long its last attempt takes, in seconds.
    pub seconds: u64,
    /// How often it fails before that.
    pub failures: u32,
    /// Whether its last attempt fails, too.
    pub is_hopeless: bool,
}

/// How a made-up run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It goes on: a process holds it.
    Not,
    /// It waits at the gate before landing.
    AtGate,
    /// It was killed.
    Killed,
    /// It lands, or fails where a task has.
    Whole,
}

/// What a made-up run is like.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its name.
    pub run: RunId,
    /// The title of its issue.
    pub title: String,
    /// Its tasks.
    pub plan: Vec<TaskPlan>,
    /// Which repository waits for which others.
    pub waits: Vec<(RepositoryName, Vec<Wait>)>,
    /// Its worker slots.
    pub max_workers: usize,
    /// Its limit.
    pub limit: Option<Usd>,
    /// When it begins.
    pub from: Timestamp,
    /// Up to when it is told.
    pub until: Timestamp,
    /// How it ends, if that is before `until`.
    pub ends: Ends,
}

/// The events of a made-up run.
#[derive(Debug, Clone)]
pub struct Made {
    /// In order.
    pub events: Vec<EventRecord>,
    /// Whether a process holds it at the end.
    pub is_held: bool,
}

struct Told {
    order: usize,
    record: EventRecord,
}

pub(super) struct Maker<'a> {
    pub(super) sample: &'a Sample,
    told: Vec<Told>,
    chance: u64,
}

const MODELS: [&str; 3] = ["claude-sonnet-4.5", "claude-haiku-4.5", "claude-opus-4.5"];

impl Sample {
    /// Its events up to `until`.
    #[must_use]
    pub fn make(&self) -> Made {
        let mut maker = Maker {
            sample: self,
            told: Vec::new(),
            chance: self
                .run
                .as_str()
                .bytes()
                .fold(0x9e37_79b9_7f4a_7c15, |chance, byte| {
                    (chance ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
                }),
        };
        let end = maker.tell_all();
        let is_over = end.0 <= self.until.0;
        maker.told.retain(|told| told.record.at.0 <= self.until.0);
        maker
            .told
            .sort_by_key(|told| (told.record.at.0, told.order));
        Made {
            events: maker.told.into_iter().map(|told| told.record).collect(),
            is_held: match self.ends {
                Ends::Killed => false,
                Ends::Not => true,
                Ends::AtGate | Ends::Whole => !is_over,
            },
        }
    }
}

/// A name that this module knows to be valid.
pub(super) fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("names of samples are valid")
}

impl Maker<'_> {
    pub(super) fn say(&mut self, at: u64, step: Option<&StepKey>, event: Event) {
        let step = step.map(|key| StepRef {
            key: key.clone(),
            execution: 1,
        });
        let record = EventRecord {
            v: 1,
            at: Timestamp(at),
            step,
            event,
        };
        let order = self.told.len();
        self.told.push(Told { order, record });
    }

    /// A number below `bound` that looks like chance and is always the same.
    pub(super) fn draw(&mut self, bound: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % bound.max(1)
    }

    pub(super) fn commit(&mut self) -> CommitId {
        let text: String = (0..40)
            .map(|_| char::from_digit(self.draw(16) as u32, 16).unwrap_or('0'))
            .collect();
        name(&text)
    }

    /// Returns when it is over.
    fn tell_all(&mut self) -> Timestamp {
        let sample = self.sample;
        let mut at = sample.from.0;
        self.say(
            at,
            None,
            Event::RunStarted {
                session: 1,
                max_workers: sample.max_workers,
                title: sample.title.clone(),
            },
        );
        if let Some(limit) = sample.limit {
            self.say(at, None, Event::BudgetSet { limit });
        }
        for (repository, waits) in &sample.waits {
            let event = Event::RepositoryJoined {
                repository: repository.clone(),
                waits: waits.clone(),
            };
            self.say(at, None, event);
        }
        self.say(
            at + 400,
            None,
            Event::StageStarted {
                stage: Stage::Planning,
            },
        );
        if sample.plan.is_empty() {
            return Timestamp(u64::MAX);
        }
        at = self.work(at + 500, &StepKey::new(Scope::Run, 1, "plan"), 2, 38);
        for task in &sample.plan {
            let needs = task.needs.iter();
            let event = Event::TaskPlanned {
                task: task.id.clone(),
                title: task.title.clone(),
                repository: task.repository.clone(),
                dependencies: needs.map(|place| sample.plan[*place].id.clone()).collect(),
                estimate: Some(Duration::from_secs(task.seconds.div_ceil(60) * 60)),
            };
            self.say(at, None, event);
        }
        let event = Event::PlanReady {
            plan: PlanId::new(sample.run.as_str()).expect("a run's name is a plan's"),
            tasks: sample.plan.len(),
        };
        self.say(at, None, event);
        self.say(
            at + 100,
            None,
            Event::StageStarted {
                stage: Stage::Implementation,
            },
        );
        let (over, has_failed) = self.implement(at + 200);
        self.finish(over + 500, has_failed)
    }

    /// One call of an agent; returns when it has ended.
    pub(super) fn work(&mut self, at: u64, key: &StepKey, model: usize, seconds: u64) -> u64 {
        let took = seconds * 1000 + self.draw(900);
        let operation: OperationId = key.operation(&self.sample.run);
        let reserved = Usd::from_pico(seconds * 9_000_000_000);
        let event = Event::SpendReserved {
            operation: operation.clone(),
            amount: reserved,
        };
        self.say(at, Some(key), event);
        let agent = "claude".to_owned();
        self.say(
            at,
            Some(key),
            Event::AgentStarted {
                agent: agent.clone(),
                model: None,
            },
        );
        let usage = TokenUsage {
            input: seconds * 130 + self.draw(2_000),
            cache_read: seconds * 1_900 + self.draw(40_000),
            cache_write_5m: seconds * 90,
            output: seconds * 70 + self.draw(1_500),
            reasoning: seconds * 20,
            ..TokenUsage::default()
        };
        let amount = Usd::from_pico(
            usage.input * 3_000_000 + usage.cache_read * 300_000 + usage.output * 15_000_000,
        );
        let event = Event::AgentEnded {
            agent,
            usage,
            duration: Duration::from_millis(took),
        };
        self.say(at + took, Some(key), event);
        let event = Event::SpendSettled {
            operation,
            model: MODELS[model % MODELS.len()].to_owned(),
            usage,
            amount,
        };
        self.say(at + took, Some(key), event);
        at + took
    }

    /// Runs the tasks in the order of the plan over the slots; returns when the last has ended, and
    /// whether one failed.
    fn implement(&mut self, from: u64) -> (u64, bool) {
        let sample = self.sample;
        let mut slots = vec![from; sample.max_workers.max(1)];
        let mut ends: HashMap<usize, (u64, bool)> = HashMap::new();
        let mut left: Vec<usize> = (0..sample.plan.len()).collect();
        let last_of = |ends: &HashMap<usize, (u64, bool)>, repository: &RepositoryName| {
            let of = sample.plan.iter().enumerate();
            of.filter(|(_, task)| task.repository == *repository)
                .map(|(place, _)| ends.get(&place).map(|(at, _)| *at))
                .try_fold(from, |latest, at| Some(latest.max(at?)))
        };
        while !left.is_empty() {
            // The task that can begin first; of several the first of the plan.
            let begin = |place: &usize| {
                let task = &sample.plan[*place];
                let mut needs = task
                    .needs
                    .iter()
                    .map(|need| ends.get(need).map(|(at, _)| *at));
                let needs = needs.try_fold(from, |latest, at| Some(latest.max(at?)))?;
                let waits = sample.waits.iter().find(|(it, _)| *it == task.repository);
                waits
                    .iter()
                    .flat_map(|(_, waits)| waits)
                    .map(|wait| last_of(&ends, &wait.repository))
                    .try_fold(needs, |latest, at| Some(latest.max(at?)))
            };
            let Some((index, ready)) = left
                .iter()
                .enumerate()
                .filter_map(|(index, place)| Some((index, begin(place)?)))
                .min_by_key(|(index, at)| (*at, *index))
            else {
                break;
            };
            let place = left.remove(index);
            let task = &sample.plan[place];
            let lost = task
                .needs
                .iter()
                .find(|need| ends.get(*need).is_some_and(|(_, good)| !good));
            if let Some(lost) = lost {
                let because = Some(sample.plan[*lost].id.clone());
                self.change(ready, task, TaskStatus::Skipped, 0, None, because);
                ends.insert(place, (ready, false));
                continue;
            }
            if ready > from || task.needs.is_empty() {
                self.change(ready, task, TaskStatus::Ready, 0, None, None);
            }
            let slot = slots.iter_mut().min().expect("there is a slot");
            let begun = ready.max(*slot) + 20;
            let (freed, over, is_good) = self.attempts(begun, place, task);
            *slots.iter_mut().min().expect("there is a slot") = freed;
            ends.insert(place, (over, is_good));
        }
        let over = ends.values().map(|(at, _)| *at).max().unwrap_or(from);
        (over, ends.values().any(|(_, is_good)| !is_good))
    }

    fn change(
        &mut self,
        at: u64,
        task: &TaskPlan,
        status: TaskStatus,
        attempt: u32,
        failure: Option<Failure>,
        because_of: Option<TaskId>,
    ) {
        let event = Event::TaskChanged {
            task: task.id.clone(),
            status,
            attempt,
            failure,
            because_of,
        };
        self.say(at, None, event);
    }

    /// All attempts at a task: when its slot is free, when it has ended, whether it succeeded.
    fn attempts(&mut self, begun: u64, place: usize, task: &TaskPlan) -> (u64, u64, bool) {
        let mut at = begun;
        for attempt in 1..=task.failures + 1 {
            let is_last = attempt > task.failures;
            let fails = !is_last || task.is_hopeless;
            let scope = Scope::Task(task.id.clone());
            let key = |step| StepKey::new(scope.clone(), attempt, step);
            let share = if is_last { 100 } else { 45 };
            let luck = 80 + self.draw(45);
            let seconds = (task.seconds * share * luck / 10_000).max(4);
            let agent = key("agent");
            let event = Event::TaskChanged {
                task: task.id.clone(),
                status: TaskStatus::Running,
                attempt,
                failure: None,
                because_of: None,
            };
            self.say(at, Some(&agent), event);
            let is_trial = self.draw(2) == 0;
            let event = Event::LessonsServed {
                lessons: match is_trial {
                    true => vec!["run-tests-first".to_owned(), "small-commits".to_owned()],
                    false => vec!["run-tests-first".to_owned()],
                },
                arm: if is_trial { "trial" } else { "served" }.to_owned(),
                propensity: 0.5,
            };
            self.say(at, Some(&key("prepare")), event);
            at = self.work(at + 300, &agent, place, seconds * 7 / 10);
            let event = Event::ChangeCaptured {
                repository: task.repository.clone(),
                commit: self.commit(),
                files: 1 + self.draw(9) as usize,
            };
            self.say(at, Some(&agent), event);
            at += seconds * 300;
            let event = Event::CommandEnded {
                repository: task.repository.clone(),
                purpose: "test".to_owned(),
                passed: !fails,
                duration: Duration::from_millis(seconds * 300),
            };
            self.say(at, Some(&key("verify")), event);
            if !fails {
                let event = Event::TaskMerged {
                    repository: task.repository.clone(),
                    commit: self.commit(),
                };
                self.say(at + 200, Some(&key("merge")), event);
                self.change(at + 300, task, TaskStatus::Succeeded, attempt, None, None);
                return (at + 300, at + 300, true);
            }
            at = self.recover(at, task, attempt, is_last);
            if is_last {
                break;
            }
        }
        let failure = failure(task);
        let attempt = task.failures + 1;
        self.change(at, task, TaskStatus::Failed, attempt, Some(failure), None);
        (at, at, false)
    }

    fn recover(&mut self, at: u64, task: &TaskPlan, attempt: u32, is_last: bool) -> u64 {
        let key = StepKey::new(Scope::Task(task.id.clone()), attempt, "recovery-round");
        let strategy = if is_last {
            "manual_intervention"
        } else {
            "test_fix"
        };
        let event = Event::RecoveryStarted {
            strategy: strategy.to_owned(),
            class: ErrorClass::TestFailure,
            round: 1,
        };
        self.say(at + 200, Some(&key), event);
        let took = if is_last { 900 } else { task.seconds * 150 };
        let (outcome, reason, until) = match is_last {
            true => (
                "handed_off",
                "the same three tests fail with the same diff".to_owned(),
                None,
            ),
            false => (
                "retry",
                "two tests still fail; the attempt is repeated from the newest base".to_owned(),
                Some(Timestamp(at + 200 + took + 6_000)),
            ),
        };
        let event = Event::RecoveryEnded {
            strategy: strategy.to_owned(),
            outcome: outcome.to_owned(),
            reason,
            until,
        };
        self.say(at + 200 + took, Some(&key), event);
        at + 200 + took + if is_last { 0 } else { 6_000 }
    }
}

fn failure(task: &TaskPlan) -> Failure {
    let kind = FailureKind::Tests {
        command: "cargo test".to_owned(),
    };
    Failure::new(
        ErrorClass::TestFailure,
        kind,
        "the test command failed: 3 of 214 tests",
    )
    .with_detail(format!(
        "---- sessions::refresh_keeps_the_second_factor ----\n\
         assertion `left == right` failed\n  left: Expired\n right: Valid\n\n\
         test result: FAILED. 211 passed; 3 failed ({})\n",
        task.id
    ))
}
