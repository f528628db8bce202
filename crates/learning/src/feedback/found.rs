use core_types::Timestamp;

use super::feedback_loop::FeedbackLoop;
use crate::{
    Error, Lesson, LessonId, NewLesson, Source, Status,
    record::{CHANGED, Change, ChangedRecord, LESSON, LessonRecord, Stored, VERSION},
    store::Core,
};

/// How many lessons of one source may wait for a round. Machines find more than can ever be tried.
const MAX_WAITING: usize = 50;

/// What became of the lessons that a run has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Found {
    /// They are candidates now.
    pub new: Vec<LessonId>,
    /// They were known, retired ones among them, and stay as they are.
    pub known: Vec<LessonId>,
    /// How many were no lessons: empty, above 400 bytes, or of a source of which 50 wait already.
    pub passed_over: usize,
}

/// What is to be written of found lessons.
#[derive(Debug, Default)]
struct Decided {
    lessons: Vec<LessonRecord>,
    changes: Vec<ChangedRecord>,
    found: Found,
}

impl FeedbackLoop {
    /// Adds what a run has found by itself, all or nothing, with one flush. A lesson is known by its text and its
    /// scope: found again, by the same run or another one, it is no other lesson, so that this may be repeated
    /// after a crash. The first place of each sort of source is kept with it.
    ///
    /// Unlike [`FeedbackLoop::propose`], no person has said this now: nothing is approved by it, whatever its source.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `ResourceExhausted`, `Internal`.
    pub async fn propose_found(&self, lessons: Vec<NewLesson>) -> Result<Found, Error> {
        let n_lessons = lessons.len();
        let lessons: Vec<_> = lessons
            .into_iter()
            .filter_map(|lesson| lesson.settle().ok())
            .collect();
        let unfit = n_lessons - lessons.len();
        self.blocking(move |inner| {
            let at = inner.clock.now();
            let decide = |core: &Core| Decided::on(core, &lessons, at);
            let decided = inner.store.read(|state| decide(&state.core))?;
            // Most of the time there is no news, and no lock to take for it.
            let mut found = match decided.is_empty() {
                true => decided.found,
                false => inner.store.batch(|state, batch| {
                    let decided = decide(&state.core);
                    for lesson in &decided.lessons {
                        batch.append(LESSON, lesson.encode()?)?;
                    }
                    for change in &decided.changes {
                        batch.append(CHANGED, change.encode()?)?;
                    }
                    Ok(decided.found)
                })?,
            };
            found.passed_over += unfit;
            Ok(found)
        })
        .await
    }
}

impl Decided {
    fn on(core: &Core, lessons: &[NewLesson], at: Timestamp) -> Self {
        let mut decided = Self::default();
        let waiting = |source: Source| {
            let of_source = |it: &&Lesson| {
                it.status == Status::Candidate
                    && it.origins.first().map(|it| it.source) == Some(source)
            };
            core.lessons.values().filter(of_source).count()
        };
        for lesson in lessons {
            let known = core
                .lessons
                .values()
                .find(|known| lesson.says(&known.text, &known.scope));
            if let Some(known) = known {
                decided.found.known.push(known.id);
                let origin = &lesson.origin;
                let is_open = !matches!(known.status, Status::Retired(_));
                if is_open && known.origins.iter().all(|it| it.source != origin.source) {
                    let change = Change::FoundAgain {
                        origin: origin.clone(),
                    };
                    decided.changes.push(ChangedRecord {
                        v: VERSION,
                        at,
                        lesson: known.id,
                        change,
                    });
                }
                continue;
            }
            let is_same = |it: &LessonRecord| lesson.says(&it.text, &it.scope);
            if decided.lessons.iter().any(is_same) {
                continue;
            }
            let source = lesson.origin.source;
            let of_source = decided.lessons.iter();
            let of_source = of_source.filter(|it| it.origin.source == source).count();
            if waiting(source) + of_source >= MAX_WAITING {
                decided.found.passed_over += 1;
                continue;
            }
            let id = core.next_lesson().after(decided.lessons.len());
            decided.found.new.push(id);
            decided.lessons.push(LessonRecord {
                v: VERSION,
                at,
                id,
                kind: lesson.kind,
                text: lesson.text.clone(),
                scope: lesson.scope.clone(),
                origin: lesson.origin.clone(),
            });
        }
        decided
    }

    fn is_empty(&self) -> bool {
        self.lessons.is_empty() && self.changes.is_empty()
    }
}
