use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    baseline::{Baseline, Known},
    draw::{Arm, Draw, Exposure, Lineup},
    plan::LookPlan,
    rule::{LookTaken, Ruling, judge},
    tally::{Sum, Tally},
};
use crate::LessonId;

/// How often a lesson on trial is shown.
const TRIAL: f64 = 0.5;

/// How often a promoted one is shown to a task of the trial: a fifth goes without, to notice when it fades.
const WATCH: f64 = 0.8;

/// How much of the evidence one outside source may be.
const MAX_OUTSIDE: f64 = 0.1;

/// Tasks that an outside source may add before that share is asked for.
const FREE_OUTSIDE: u64 = 5;

/// Rounds, lessons and what is known of them. All of it is sums: no record is needed again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Experiment {
    /// How many rounds there were.
    pub(crate) begun: u32,
    /// Those that go on, oldest first.
    pub(crate) rounds: Vec<Round>,
    /// What all draws follow from; that of the first round.
    pub(crate) seed: u64,
    pub(crate) tallies: BTreeMap<LessonId, Tally>,
    /// Promoted, and not retired.
    pub(crate) promoted: BTreeSet<LessonId>,
    /// Those that evidence speaks for and that no person has approved yet.
    pub(crate) proven: BTreeSet<LessonId>,
    baseline: Baseline,
}

/// Lessons that are tried together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) number: u32,
    /// All that it began with.
    pub(crate) lessons: Vec<LessonId>,
    /// Those still on trial.
    pub(crate) open: BTreeSet<LessonId>,
    pub(crate) plan: LookPlan,
    pub(crate) looks_taken: usize,
    pub(crate) tasks: u64,
    anything: bool,
    outside: BTreeMap<u64, u64>,
}

/// A task whose outcome was measured.
#[derive(Debug)]
pub(crate) struct Unit<'a> {
    pub(crate) draw: &'a Draw,
    pub(crate) success: bool,
    /// What was known of the task before it began.
    pub(crate) known: Known,
    /// Who asked for it, where that is not one of the people of this home.
    pub(crate) outside: Option<u64>,
}

/// What is needed to put an outcome right later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptUnit {
    /// Those that counted.
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) success: bool,
    /// Without the lesson, one an exposure.
    expected: Vec<f64>,
    outside: Option<u64>,
}

impl Experiment {
    /// Begins a round with these lessons, which are in no other.
    pub(crate) fn begin(&mut self, lessons: &[LessonId], plan: LookPlan, seed: u64) {
        if self.begun == 0 {
            self.seed = seed;
        }
        self.begun += 1;
        self.rounds.push(Round {
            number: self.begun,
            lessons: lessons.to_vec(),
            open: lessons.iter().copied().collect(),
            plan,
            looks_taken: 0,
            tasks: 0,
            anything: false,
            outside: BTreeMap::new(),
        });
    }

    /// Lessons on trial.
    pub(crate) fn open(&self) -> impl Iterator<Item = LessonId> {
        self.rounds
            .iter()
            .flat_map(|round| round.open.iter().copied())
    }

    /// What a task can get, of the lessons that `applies` to it.
    pub(crate) fn lineup(&self, applies: impl Fn(LessonId) -> bool) -> Lineup {
        let trial = self.open().map(|lesson| (lesson, TRIAL));
        let watched = self.promoted.iter().map(|lesson| (*lesson, WATCH));
        let served = self.promoted.iter().filter_map(|lesson| {
            let (gain, error) = self.tallies.get(lesson)?.total.gain()?;
            Some((*lesson, gain, error))
        });
        Lineup {
            trial: trial
                .chain(watched)
                .filter(|(lesson, _)| applies(*lesson))
                .collect(),
            served: served.filter(|(lesson, ..)| applies(*lesson)).collect(),
        }
    }

    /// Takes in a task of a trial. Returns what a later correction needs; nothing where it is no evidence:
    /// it was served, or it is above the share of an outside source.
    pub(crate) fn observe(&mut self, unit: &Unit<'_>) -> Option<KeptUnit> {
        let expected = self.baseline.expect(unit.known);
        self.baseline.add(unit.known, unit.success);
        if unit.draw.arm != Arm::Trial {
            return None;
        }
        let mut counted: Vec<Exposure> = Vec::new();
        let exposures = &unit.draw.exposures;
        for round in &mut self.rounds {
            let of_round = exposures
                .iter()
                .filter(|it| round.open.contains(&it.lesson));
            let of_round: Vec<Exposure> = of_round.copied().collect();
            if !of_round.is_empty() && round.admit(unit.outside) {
                counted.extend(of_round);
            }
        }
        // Promoted lessons are watched by the people's own tasks.
        if unit.outside.is_none() {
            let promoted = exposures
                .iter()
                .filter(|it| self.promoted.contains(&it.lesson));
            counted.extend(promoted);
        }
        let expected = self.without_each(&counted, expected);
        for (exposure, expected) in counted.iter().zip(&expected) {
            let sum = sum_of(exposure, unit.success, *expected);
            let tally = self.tallies.entry(exposure.lesson).or_default();
            tally.add(sum, exposure.shown, unit.success, unit.outside);
        }
        (!counted.is_empty()).then_some(KeptUnit {
            exposures: counted,
            success: unit.success,
            expected,
            outside: unit.outside,
        })
    }

    /// What the task was expected to come to, for each exposure with what all others seem to add. Chance draws
    /// each lesson apart from the others, so that knowing them takes noise away and adds no bias.
    fn without_each(&self, exposures: &[Exposure], expected: f64) -> Vec<f64> {
        let gain = |exposure: &Exposure| {
            let tally = self.tallies.get(&exposure.lesson);
            let gain = tally.map_or(0.0, Tally::likely_gain);
            gain * (f64::from(u8::from(exposure.shown)) - exposure.propensity)
        };
        let gains: Vec<f64> = exposures.iter().map(gain).collect();
        let all: f64 = gains.iter().sum();
        gains.iter().map(|own| expected + all - own).collect()
    }

    /// Changes the outcome of a task: it was merged and reverted, say.
    pub(crate) fn correct(&mut self, unit: &mut KeptUnit, success: bool) {
        if unit.success == success {
            return;
        }
        for (exposure, expected) in unit.exposures.iter().zip(&unit.expected) {
            if let Some(tally) = self.tallies.get_mut(&exposure.lesson) {
                let was = sum_of(exposure, unit.success, *expected);
                let is = sum_of(exposure, success, *expected);
                tally.correct(was, is, exposure.shown, unit.outside);
            }
        }
        unit.success = success;
    }

    /// The look that is due, judged; nothing between looks.
    pub(crate) fn due_look(&self) -> Option<LookTaken> {
        self.rounds
            .iter()
            .find_map(|round| round.due_look(&self.tallies))
    }

    /// Does what a look concluded. Lessons that `needs_approval` stay on trial until they are promoted by hand.
    pub(crate) fn take_look(
        &mut self,
        taken: &LookTaken,
        needs_approval: impl Fn(LessonId) -> bool,
    ) {
        let of_round = |round: &&mut Round| round.number == taken.round;
        let Some(round) = self.rounds.iter_mut().find(of_round) else {
            return;
        };
        round.looks_taken = taken.look;
        round.anything = taken.anything;
        for verdict in &taken.verdicts {
            let lesson = verdict.lesson;
            match verdict.ruling {
                Ruling::GoOn => {}
                Ruling::Promote if needs_approval(lesson) => {
                    self.proven.insert(lesson);
                }
                Ruling::Promote => self.promote(lesson),
                // What was found once waits for a person, not for more evidence.
                Ruling::Unproven if self.proven.contains(&lesson) => {}
                Ruling::Harmful | Ruling::Unproven => self.retire(lesson),
            }
        }
        self.end_rounds();
    }

    /// Serves a lesson from now on, under watch.
    pub(crate) fn promote(&mut self, lesson: LessonId) {
        self.close(lesson);
        self.promoted.insert(lesson);
        self.tallies.entry(lesson).or_default().watch();
        self.end_rounds();
    }

    /// Neither tries nor serves a lesson any more.
    pub(crate) fn retire(&mut self, lesson: LessonId) {
        self.close(lesson);
        self.promoted.remove(&lesson);
        self.end_rounds();
    }

    fn close(&mut self, lesson: LessonId) {
        self.proven.remove(&lesson);
        for round in &mut self.rounds {
            round.open.remove(&lesson);
        }
    }

    /// A round ends with its plan, or when nothing is left on trial. What then waits for approval goes on
    /// waiting, and is shown to nobody.
    fn end_rounds(&mut self) {
        self.rounds
            .retain(|it| !it.open.is_empty() && it.looks_taken < it.plan.looks().len());
    }

    /// Promoted lessons whose gain is gone. One that agents read anyway is in no draw, and its watch rests.
    pub(crate) fn faded(&self) -> impl Iterator<Item = LessonId> {
        self.promoted.iter().copied().filter(|lesson| {
            let tally = self.tallies.get(lesson);
            tally.is_some_and(Tally::has_faded)
        })
    }
}

impl Round {
    /// Whether a task counts for the round; then it is counted.
    fn admit(&mut self, outside: Option<u64>) -> bool {
        if let Some(source) = outside {
            let of_source = self.outside.entry(source).or_default();
            let share = (*of_source + 1) as f64 / (self.tasks + 1) as f64;
            if *of_source >= FREE_OUTSIDE && share > MAX_OUTSIDE {
                return false;
            }
            *of_source += 1;
        }
        self.tasks += 1;
        true
    }

    fn due_look(&self, tallies: &BTreeMap<LessonId, Tally>) -> Option<LookTaken> {
        let look = *self.plan.looks().get(self.looks_taken)?;
        if self.tasks < look.tasks {
            return None;
        }
        let none = Tally::default();
        let tally = |lesson: &LessonId| (*lesson, tallies.get(lesson).unwrap_or(&none));
        let lessons: Vec<_> = self.open.iter().map(tally).collect();
        let is_last = self.looks_taken + 1 == self.plan.looks().len();
        let family = self.lessons.len();
        let (anything, verdicts) = judge(look, is_last, self.anything, family, &lessons);
        Some(LookTaken {
            round: self.number,
            look: self.looks_taken + 1,
            tasks: self.tasks,
            anything,
            verdicts,
        })
    }
}

fn sum_of(exposure: &Exposure, success: bool, expected: f64) -> Sum {
    let outcome = f64::from(u8::from(success));
    Sum::of(exposure.shown, exposure.propensity, outcome, expected)
}
