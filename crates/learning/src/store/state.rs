use std::collections::{BTreeMap, BTreeSet};

use core_types::{RepositoryName, Timestamp};
use journal::{Fold, FoldError, Record};
use serde::{Deserialize, Serialize};

use super::table::{Table, key};
use crate::{
    LessonId,
    experiment::{Arm, Draw, Experiment, KeptUnit, Known, LookTaken, Unit, stratum},
    lesson::{Lesson, LessonScope, RetiredBecause, Status},
    record::{
        AGGREGATE, CHANGED, Change, ChangedRecord, DRAW, DrawRecord, EXECUTION, ExecutionRecord,
        GUIDANCE, GuidanceRecord, KEPT, LESSON, LOOK, LessonRecord, LookRecord, MOVED, MovedRecord,
        OUTCOME, OutcomeRecord, REVIEWED, ROUND, Refused, ReviewedRecord, RoundRecord, Stored,
        Trust,
    },
};

/// Draws that wait for their execution, and units that may still be put right, at most.
pub(super) const MAX_WAITING: usize = 20_000;

/// All that was learnt, without a single record: what a clean-up keeps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Core {
    pub(crate) executions: u64,
    pub(crate) successes: u64,
    pub(crate) measured: u64,
    pub(crate) reviews: u64,
    pub(crate) review_sum: f64,
    pub(crate) review_squares: f64,
    pub(crate) secrets: u64,
    /// Records that a clean-up or a person removed.
    pub(crate) removed: u64,
    pub(crate) skipped: Skipped,
    pub(crate) experiment: Experiment,
    pub(crate) lessons: BTreeMap<LessonId, Lesson>,
    pub(crate) looks: Vec<LookTaken>,
    /// By `run/task`, until the first attempt is recorded.
    pub(crate) draws: BTreeMap<String, Draw>,
    /// By `run/task`, while their round goes on.
    units: BTreeMap<String, KeptUnit>,
    /// Marks of what the files for agents of each repository say.
    #[serde(default)]
    pub(super) guidance: BTreeMap<RepositoryName, BTreeSet<u64>>,
}

/// What did not become part of what was learnt, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Skipped {
    /// No record of ours.
    pub(crate) unreadable: u64,
    /// A record that contradicts itself or others.
    pub(crate) poisoned: u64,
    /// Executions that are kept and are no evidence, since only an agent vouches for them.
    pub(crate) self_reported: u64,
    /// Draws of tasks that were never recorded, which gave way to newer ones.
    pub(crate) draws: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) core: Core,
    pub(crate) table: Table,
    /// Where the journal goes on.
    pub(crate) moved_to: Option<u32>,
}

impl Fold for State {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        match self.take(record) {
            Ok(true) => {}
            Ok(false) => self.core.skipped.poisoned += 1,
            Err(Refused::Unreadable) => self.core.skipped.unreadable += 1,
            Err(Refused::Newer(newer)) => return Err(newer.into()),
        }
        Ok(())
    }
}

impl State {
    /// Takes a record in; false where it contradicts what is known.
    fn take(&mut self, record: &Record) -> Result<bool, Refused> {
        let bytes = &record.payload;
        Ok(match record.kind {
            EXECUTION => self.executed(record.seq, ExecutionRecord::decode(bytes)?),
            KEPT => {
                self.table.add(record.seq, &ExecutionRecord::decode(bytes)?);
                true
            }
            OUTCOME => self.outcome_changed(&OutcomeRecord::decode(bytes)?),
            REVIEWED => self.reviewed(&ReviewedRecord::decode(bytes)?),
            DRAW => self.drawn(DrawRecord::decode(bytes)?),
            LESSON => self.found(LessonRecord::decode(bytes)?),
            CHANGED => self.changed(ChangedRecord::decode(bytes)?),
            ROUND => self.begun(RoundRecord::decode(bytes)?),
            LOOK => self.looked(LookRecord::decode(bytes)?.look),
            GUIDANCE => self.noted(GuidanceRecord::decode(bytes)?),
            AGGREGATE => {
                self.core = AggregateRecord::decode(bytes)?.core;
                true
            }
            MOVED => {
                self.moved_to = Some(MovedRecord::decode(bytes)?.next);
                true
            }
            // Kinds that a later version adds are none of ours.
            _ => true,
        })
    }

    fn executed(&mut self, seq: u64, record: ExecutionRecord) -> bool {
        let key = key(record.run.as_str(), record.task.as_str(), record.attempt);
        let confidence = record.review.map_or(0.0, |review| review.confidence);
        // The first record of an attempt stays: nothing overwrites it.
        if self.table.get(&key).is_some() || !(0.0..=1.0).contains(&confidence) {
            return false;
        }
        self.table.add(seq, &record);
        let core = &mut self.core;
        let success = record.outcome.is_success();
        core.executions += 1;
        core.successes += u64::from(success);
        core.measured += u64::from(record.outcome.is_measured());
        core.secrets += record.scrubbed as u64;
        if let Some(review) = record.review {
            core.reviews += 1;
            core.review_sum += review.score();
            core.review_squares += review.score() * review.score();
        }
        let trust = record.provenance.trust;
        core.skipped.self_reported += u64::from(trust == Trust::Agent);
        let unit_key = format!("{}/{}", record.run, record.task);
        // Measured or not, the first attempt is what the draw was for.
        let draw = match record.attempt {
            1 => core.draws.remove(&unit_key),
            _ => None,
        };
        if record.attempt != 1 || trust == Trust::Agent || !record.outcome.is_measured() {
            return true;
        }
        let served = Draw {
            arm: Arm::Served,
            exposures: Vec::new(),
        };
        let draw = draw.unwrap_or(served);
        let kind = record.metadata.get("task_type").and_then(|it| it.as_str());
        let complexity = record.metadata.get("complexity").and_then(|it| it.as_f64());
        let repository = record.repository.as_ref().map(|it| it.as_str());
        let unit = Unit {
            draw: &draw,
            success,
            known: Known {
                kind: stratum(&[
                    repository.unwrap_or_default(),
                    kind.unwrap_or_default(),
                    &record.model,
                ]),
                complexity: complexity.filter(|it| (0.0..=1.0).contains(it)),
            },
            outside: (trust == Trust::Outsider).then(|| stratum(&[&record.provenance.author])),
        };
        if let Some(kept) = core.experiment.observe(&unit)
            && core.units.len() < MAX_WAITING
        {
            core.units.insert(unit_key, kept);
        }
        true
    }

    fn outcome_changed(&mut self, record: &OutcomeRecord) -> bool {
        let key = key(record.run.as_str(), record.task.as_str(), record.attempt);
        let Some(row) = self.table.get_mut(&key) else {
            return false;
        };
        let was = row.outcome;
        row.outcome = was.changed(&record.change);
        let (before, after) = (was.is_success(), row.outcome.is_success());
        let core = &mut self.core;
        core.successes = core.successes + u64::from(after) - u64::from(before);
        core.measured += u64::from(row.outcome.is_measured()) - u64::from(was.is_measured());
        let unit_key = format!("{}/{}", record.run, record.task);
        if record.attempt == 1
            && let Some(unit) = core.units.get_mut(&unit_key)
        {
            core.experiment.correct(unit, after);
        }
        true
    }

    fn reviewed(&mut self, record: &ReviewedRecord) -> bool {
        let key = key(record.run.as_str(), record.task.as_str(), record.attempt);
        let is_sound = (0.0..=1.0).contains(&record.review.confidence);
        let Some(row) = self.table.get_mut(&key).filter(|_| is_sound) else {
            return false;
        };
        let core = &mut self.core;
        if let Some(was) = row.review.take() {
            core.reviews = core.reviews.saturating_sub(1);
            core.review_sum -= was;
            core.review_squares -= was * was;
        }
        let score = record.review.score();
        row.review = Some(score);
        core.reviews += 1;
        core.review_sum += score;
        core.review_squares += score * score;
        true
    }

    fn drawn(&mut self, record: DrawRecord) -> bool {
        let unit = [record.run.as_str(), record.task.as_str()];
        let first = key(unit[0], unit[1], 1);
        let is_over = self.table.get(&first).is_some();
        let core = &mut self.core;
        let key = unit.join("/");
        let is_new = !is_over && !core.draws.contains_key(&key) && !core.units.contains_key(&key);
        let is_known = |lesson| core.lessons.contains_key(&lesson);
        let are_known = record.draw.exposures.iter().all(|it| is_known(it.lesson));
        if !is_new
            || !are_known
            || !record.draw.is_genuine(core.experiment.seed, unit)
            || !core.is_whole(&record.draw)
        {
            return false;
        }
        core.draws.insert(key, record.draw);
        // Runs are named by their time, so that the first is most likely the oldest: it will not be recorded any
        // more.
        while core.draws.len() > MAX_WAITING {
            core.draws.pop_first();
            core.skipped.draws += 1;
        }
        true
    }

    fn noted(&mut self, record: GuidanceRecord) -> bool {
        // One without rules counts all the same: what stands nowhere in it can be tried there.
        self.core.guidance.insert(record.repository, record.rules);
        true
    }

    fn found(&mut self, record: LessonRecord) -> bool {
        let core = &mut self.core;
        let is_next = core.next_lesson() == record.id;
        if !is_next {
            return false;
        }
        let lesson = Lesson {
            id: record.id,
            kind: record.kind,
            text: record.text,
            scope: record.scope,
            origins: vec![record.origin],
            approved_by: None,
            status: Status::Candidate,
            created: record.at,
        };
        core.lessons.insert(record.id, lesson);
        true
    }

    fn changed(&mut self, record: ChangedRecord) -> bool {
        let core = &mut self.core;
        let Some(lesson) = core.lessons.get_mut(&record.lesson) else {
            return false;
        };
        match record.change {
            Change::FoundAgain { origin } => {
                // A few places say as much as a thousand.
                if lesson.origins.len() < 20 {
                    lesson.origins.push(origin);
                }
            }
            Change::Approved { by } => {
                lesson.approved_by = Some(by);
                if core.experiment.proven.contains(&record.lesson) {
                    core.experiment.promote(record.lesson);
                    lesson.status = Status::Promoted;
                }
            }
            Change::Retired { because } => {
                core.experiment.retire(record.lesson);
                lesson.status = Status::Retired(because);
            }
        }
        true
    }

    fn begun(&mut self, record: RoundRecord) -> bool {
        let core = &mut self.core;
        let is_candidate = |id: &LessonId| {
            let lesson = core.lessons.get(id);
            lesson.is_some_and(|lesson| lesson.status == Status::Candidate)
        };
        if record.lessons.is_empty() || !record.lessons.iter().all(is_candidate) {
            return false;
        }
        core.experiment
            .begin(&record.lessons, record.plan, record.seed);
        let round = core.experiment.begun;
        for id in &record.lessons {
            if let Some(lesson) = core.lessons.get_mut(id) {
                lesson.status = Status::Trial { round };
            }
        }
        true
    }

    fn looked(&mut self, look: LookTaken) -> bool {
        let core = &mut self.core;
        let lessons = &core.lessons;
        let needs_approval = |id| lessons.get(&id).is_none_or(Lesson::needs_approval);
        core.experiment.take_look(&look, needs_approval);
        for verdict in &look.verdicts {
            let Some(lesson) = core.lessons.get_mut(&verdict.lesson) else {
                continue;
            };
            let experiment = &core.experiment;
            if experiment.promoted.contains(&verdict.lesson) {
                lesson.status = Status::Promoted;
            } else if !experiment.proven.contains(&verdict.lesson)
                && !experiment.open().any(|open| open == verdict.lesson)
            {
                let because = match verdict.ruling {
                    crate::Ruling::Harmful => RetiredBecause::Harmful,
                    _ => RetiredBecause::Unproven,
                };
                lesson.status = Status::Retired(because);
            }
        }
        core.looks.push(look);
        if core.experiment.rounds.is_empty() {
            core.units.clear();
        }
        true
    }
}

impl Core {
    pub(crate) fn unit(&self, key: &str) -> Option<&KeptUnit> {
        self.units.get(key)
    }

    pub(crate) fn next_lesson(&self) -> LessonId {
        LessonId(self.lessons.len() as u32 + 1)
    }

    /// Whether a draw of a trial has all lessons in it that are for every task. Whoever makes a draw up would
    /// leave out what does not fit. Those that some repository's files say are not for its tasks.
    fn is_whole(&self, draw: &Draw) -> bool {
        let is_for_all = |lesson: &LessonId| {
            let lesson = self.lessons.get(lesson);
            lesson.is_some_and(|lesson| {
                lesson.scope == LessonScope::default() && !self.stands_anywhere(lesson)
            })
        };
        let has = |lesson| draw.exposures.iter().any(|it| it.lesson == lesson);
        draw.arm == Arm::Served || self.experiment.open().filter(is_for_all).all(has)
    }

    /// Whether a lesson is for a task, and its agent does not read it anyway.
    pub(crate) fn covers(
        &self,
        lesson: LessonId,
        repository: Option<&RepositoryName>,
        files: &[String],
    ) -> bool {
        let lesson = self.lessons.get(&lesson);
        lesson.is_some_and(|lesson| {
            lesson.scope.covers(repository, files)
                && repository.is_none_or(|repository| !self.stands_in(lesson, repository))
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AggregateRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) core: Core,
}

impl Stored for AggregateRecord {}
