//! What follows from what is known: rounds that begin, looks that are due, lessons that faded.

use core_types::Timestamp;
use journal::Kind;

use super::state::Core;
use crate::{
    Error, Exploration, Lesson, LookPlan, Status,
    lesson::{RetiredBecause, Source},
    record::{
        CHANGED, Change, ChangedRecord, LOOK, LookRecord, ROUND, RoundRecord, Stored, VERSION,
    },
};

/// While a round goes on, another one begins only with so many lessons: each round is a family of claims.
const MIN_LATER_LESSONS: usize = 5;

/// How trials are done.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) exploration: Exploration,
    pub(crate) plan: LookPlan,
    pub(crate) seed: u64,
}

type Due = Option<(Kind, Vec<u8>)>;

impl Rules {
    /// The record that a look or a watch demands; nothing most of the time.
    pub(crate) fn due(&self, core: &Core, at: Timestamp) -> Result<Due, Error> {
        if let Some(look) = core.experiment.due_look() {
            let record = LookRecord {
                v: VERSION,
                at,
                look,
            };
            return Ok(Some((LOOK, record.encode()?)));
        }
        let Some(lesson) = core.experiment.faded().next() else {
            return Ok(None);
        };
        let change = Change::Retired {
            because: RetiredBecause::Faded,
        };
        let record = ChangedRecord {
            v: VERSION,
            at,
            lesson,
            change,
        };
        Ok(Some((CHANGED, record.encode()?)))
    }

    /// The record of a round that can begin.
    pub(crate) fn round(&self, core: &Core, at: Timestamp) -> Result<Due, Error> {
        // What agents read anyway is in no draw, so that it takes no room in one.
        let is_drawn = |lesson: &&Lesson| !core.stands_everywhere(lesson);
        let on_trial = core.experiment.open();
        let on_trial = on_trial.filter_map(|id| core.lessons.get(&id));
        let on_trial: Vec<&Lesson> = on_trial.filter(is_drawn).collect();
        let bytes_on_trial: usize = on_trial.iter().map(|lesson| lesson.text.len()).sum();
        let n_on_trial = on_trial.len();
        let mut room = self.exploration.max_bytes.saturating_sub(bytes_on_trial);
        let is_waiting =
            |lesson: &&Lesson| lesson.status == Status::Candidate && lesson.may_be_tried();
        let waiting = core.lessons.values().filter(is_waiting);
        let mut waiting: Vec<&Lesson> = waiting.filter(is_drawn).collect();
        // People's rules are the better guess, then what was found more often.
        waiting.sort_by_key(|lesson| {
            let is_a_persons = lesson
                .origins
                .first()
                .is_some_and(|it| it.source == Source::Person);
            (!is_a_persons, usize::MAX - lesson.origins.len(), lesson.id)
        });
        let mut lessons = Vec::new();
        for lesson in waiting {
            let is_room = n_on_trial + lessons.len() < self.exploration.max_lessons;
            if is_room && lesson.text.len() <= room {
                room -= lesson.text.len();
                lessons.push(lesson.id);
            }
        }
        let is_worth_it = core.experiment.rounds.is_empty() || lessons.len() >= MIN_LATER_LESSONS;
        if lessons.is_empty() || !is_worth_it || self.exploration.share == 0.0 {
            return Ok(None);
        }
        lessons.sort_unstable();
        let record = RoundRecord {
            v: VERSION,
            at,
            lessons,
            plan: self.plan.clone(),
            seed: self.seed,
        };
        Ok(Some((ROUND, record.encode()?)))
    }
}
