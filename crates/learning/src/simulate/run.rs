use core_types::{RunId, TaskId, Timestamp};
use journal::{Fold as _, Kind, Record};

use super::world::{N_LESSONS, SimulatedTask, WANTED, World};
use crate::{
    Arm, Draw, Error, Execution, Exploration, Exposure, KeepPrompts, LessonId, LessonKind,
    LookPlan, Outcome, Provenance, Source, Status, Trust,
    chance::Chance,
    feedback::to_record,
    lesson::{LessonScope, Origin},
    record::{DRAW, DrawRecord, EXECUTION, LESSON, LessonRecord, Stored, VERSION},
    store::{Rules, State},
};

/// One simulated history.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The world.
    pub world: World,
    /// How many tasks there are.
    pub tasks: u32,
    /// Which share of them takes part in the trial.
    pub share: f64,
    /// When it is looked at.
    pub plan: LookPlan,
    /// The same seed gives the same history.
    pub seed: u64,
}

impl Setup {
    /// A history in which every task takes part, with the default plan.
    #[must_use]
    pub fn new(world: World, tasks: u32, seed: u64) -> Self {
        Self {
            world,
            tasks,
            share: 1.0,
            plan: LookPlan::default(),
            seed,
        }
    }
}

/// What was concluded, held against the truth at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learnt {
    /// Lessons that truly help.
    pub helpful: u32,
    /// Of those, how many are promoted.
    pub found: u32,
    /// Promoted lessons that do not help.
    pub false_discoveries: u32,
    /// The same two, if what merely goes along with success in tasks outside of trials were believed.
    pub naive: (u32, u32),
    /// Tasks that were served, in the second half, and how many of them succeeded.
    pub served: (u32, u32),
    /// Records that were refused or did not count.
    pub refused: u64,
    /// Randomised tasks that a harmful promoted lesson was served to.
    pub harm_served: u32,
}

impl Learnt {
    /// The share of false discoveries among all that is promoted; 0 where nothing is.
    #[must_use]
    pub fn false_discovery_share(&self) -> f64 {
        let all = self.found + self.false_discoveries;
        f64::from(self.false_discoveries) / f64::from(all.max(1))
    }
}

/// Plays a history and says what was learnt.
///
/// # Errors
///
/// Only where a record cannot be encoded, or the share is no share.
pub fn simulate(setup: &Setup) -> Result<Learnt, Error> {
    let exploration = Exploration {
        share: setup.share,
        ..Exploration::full()
    };
    exploration.check()?;
    let mut history = History {
        setup,
        rules: Rules {
            exploration,
            plan: setup.plan.clone(),
            seed: setup.seed,
        },
        state: State::default(),
        seq: 0,
        chance: Chance::of(setup.seed, &["world", setup.world.as_str()]),
        learnt: Learnt::default(),
        naive: vec![[0; 4]; N_LESSONS as usize],
    };
    history.begin()?;
    for number in 0..setup.tasks {
        history.task(number)?;
        history.settle()?;
    }
    Ok(history.judge())
}

struct History<'a> {
    setup: &'a Setup,
    rules: Rules,
    state: State,
    seq: u64,
    chance: Chance,
    learnt: Learnt,
    /// By lesson: tasks outside of the trial with it, their successes, the same without it.
    naive: Vec<[u32; 4]>,
}

const NOW: Timestamp = Timestamp(0);

impl History<'_> {
    fn apply(&mut self, kind: Kind, payload: Vec<u8>) {
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            epoch: 1,
            kind,
            payload,
        };
        // Only a newer version is refused, and all of this is ours.
        self.state.apply(&record).ok();
    }

    fn begin(&mut self) -> Result<(), Error> {
        for number in 1..=N_LESSONS {
            let record = LessonRecord {
                v: VERSION,
                at: NOW,
                id: LessonId(number),
                kind: LessonKind::Convention,
                text: format!("lesson {number}"),
                scope: LessonScope::default(),
                origin: Origin {
                    source: Source::Person,
                    run: None,
                    task: None,
                    place: String::new(),
                },
            };
            self.apply(LESSON, record.encode()?);
        }
        if let Some((kind, payload)) = self.rules.round(&self.state.core, NOW)? {
            self.apply(kind, payload);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        while let Some((kind, payload)) = self.rules.due(&self.state.core, NOW)? {
            self.apply(kind, payload);
        }
        Ok(())
    }

    fn task(&mut self, number: u32) -> Result<(), Error> {
        let time = f64::from(number) / f64::from(self.setup.tasks);
        let world = self.setup.world;
        let task = SimulatedTask::next(&mut self.chance);
        let run: RunId = name(format!("run-{number}"));
        let experiment = &self.state.core.experiment;
        let lineup = experiment.lineup(|_| true);
        let unit = [run.as_str(), "task"];
        let mut draw = lineup.draw(experiment.seed, unit, self.setup.share);
        let hostile = (world == World::Adversary && self.chance.happens(0.2))
            .then(|| Hostile::next(&mut self.chance));
        if world == World::Confounded && draw.arm == Arm::Served {
            self.give_by_hand(&task, &mut draw);
        } else {
            if let Some(Hostile::Forger) = hostile {
                // It claims that the wanted lesson was shown, and nothing else.
                draw = Draw {
                    arm: Arm::Trial,
                    exposures: vec![Exposure {
                        lesson: LessonId(WANTED),
                        shown: true,
                        propensity: 0.5,
                    }],
                };
            }
            self.record_draw(&run, draw.clone())?;
        }
        let shows_wanted = draw.shown().any(|lesson| lesson.0 == WANTED);
        let gains = draw.shown().map(|it| world.effect(it.0, time)).sum::<f64>();
        let success = match hostile {
            None => task.succeeds(gains + world.tide(time), &mut self.chance),
            Some(_) => shows_wanted,
        };
        let provenance = match hostile {
            None => Provenance::default(),
            Some(Hostile::Praise) => by(Trust::Agent, "agent"),
            Some(Hostile::Forger) => by(Trust::Person, "nobody"),
            Some(Hostile::Outsider) => by(Trust::Outsider, "mallory"),
        };
        self.count(&draw, success, time);
        let execution = Execution::new(run, name("task".to_owned()), Outcome::tested(success))
            .metadata("task_type", format!("kind-{}", task.kind))
            .metadata("complexity", task.complexity)
            .provenance(provenance);
        let record = to_record(execution, KeepPrompts::Hash, NOW);
        self.apply(EXECUTION, record.encode()?);
        Ok(())
    }

    /// People show lessons to what looks easy, and log nothing.
    fn give_by_hand(&mut self, task: &SimulatedTask, draw: &mut Draw) {
        let exposures = (1..=N_LESSONS).map(|lesson| {
            let propensity = 1.0 / (1.0 + (-12.0 * task.ease).exp());
            Exposure {
                lesson: LessonId(lesson),
                shown: self.chance.happens(propensity),
                propensity,
            }
        });
        draw.exposures = exposures.collect();
    }

    fn record_draw(&mut self, run: &RunId, draw: Draw) -> Result<(), Error> {
        if draw.exposures.is_empty() {
            return Ok(());
        }
        let record = DrawRecord {
            v: VERSION,
            at: NOW,
            run: run.clone(),
            task: name("task".to_owned()),
            draw,
        };
        self.apply(DRAW, record.encode()?);
        Ok(())
    }

    fn count(&mut self, draw: &Draw, success: bool, time: f64) {
        if draw.arm != Arm::Served {
            return;
        }
        if time >= 0.5 {
            self.learnt.served.0 += 1;
            self.learnt.served.1 += u32::from(success);
        }
        let effect = |lesson: LessonId| self.setup.world.effect(lesson.0, time);
        self.learnt.harm_served += u32::from(draw.shown().any(|lesson| effect(lesson) < 0.0));
        for exposure in &draw.exposures {
            let counts = &mut self.naive[exposure.lesson.0 as usize - 1];
            let at = if exposure.shown { 0 } else { 2 };
            counts[at] += 1;
            counts[at + 1] += u32::from(success);
        }
    }

    fn judge(mut self) -> Learnt {
        for (lesson, counts) in (1..=N_LESSONS).zip(&self.naive) {
            let helps = self.setup.world.effect(lesson, 1.0) > 0.0;
            let known = self.state.core.lessons.get(&LessonId(lesson));
            let is_promoted = known.is_some_and(|it| it.status == Status::Promoted);
            self.learnt.helpful += u32::from(helps);
            self.learnt.found += u32::from(helps && is_promoted);
            self.learnt.false_discoveries += u32::from(!helps && is_promoted);
            if seems_to_help(*counts) {
                self.learnt.naive.0 += u32::from(helps);
                self.learnt.naive.1 += u32::from(!helps);
            }
        }
        let skipped = self.state.core.skipped;
        self.learnt.refused = skipped.poisoned + skipped.self_reported;
        self.learnt
    }
}

/// Whether successes with a lesson are more than without it, "significantly" so.
fn seems_to_help([with, with_good, without, without_good]: [u32; 4]) -> bool {
    let (n, m) = (f64::from(with), f64::from(without));
    let (a, b) = (f64::from(with_good) / n, f64::from(without_good) / m);
    let error = (a * (1.0 - a) / n + b * (1.0 - b) / m).sqrt();
    (a - b) / error > 1.645
}

/// What a hostile record is.
#[derive(Debug, Clone, Copy)]
enum Hostile {
    Praise,
    Forger,
    Outsider,
}

impl Hostile {
    fn next(chance: &mut Chance) -> Self {
        match chance.next() % 10 {
            0..=3 => Self::Praise,
            4..=6 => Self::Forger,
            _ => Self::Outsider,
        }
    }
}

fn by(trust: Trust, author: &str) -> Provenance {
    Provenance {
        trust,
        author: author.to_owned(),
    }
}

trait Name: std::str::FromStr<Err = core_types::InvalidName> {}
impl Name for RunId {}
impl Name for TaskId {}

fn name<N: Name>(text: String) -> N {
    text.parse()
        .expect("a word, a hyphen and a number are a valid id")
}
