use super::feedback_loop::{FeedbackLoop, Inner};
use crate::{
    Error, Lesson, LessonId, NewLesson, Source, Status,
    lesson::{RetiredBecause, one_line},
    record::{CHANGED, Change, ChangedRecord, LESSON, LessonRecord, Stored, VERSION},
    scrub,
};

/// What became of a proposed lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposed {
    /// It is a candidate now.
    New(LessonId),
    /// It was known; where it was found is added to it. One that a person proposes is approved by that.
    Known(LessonId),
}

impl Proposed {
    /// The lesson.
    #[must_use]
    pub const fn id(self) -> LessonId {
        match self {
            Self::New(id) | Self::Known(id) => id,
        }
    }
}

impl FeedbackLoop {
    /// Adds a lesson as a candidate. Its text is made one line and scrubbed of secrets.
    ///
    /// # Errors
    ///
    /// `Validation` (no text, or one above 400 bytes), `ResourceExhausted`, `Internal`.
    pub async fn propose(&self, lesson: NewLesson) -> Result<Proposed, Error> {
        let lesson = lesson.settle()?;
        self.blocking(move |inner| inner.propose(&lesson)).await
    }

    /// A person approves a lesson whose words are foreign: it may be tried, shown as it stands, and promoted.
    /// Where evidence spoke for it already, it is promoted at once.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Conflict` (it is retired), `ResourceExhausted`, `Internal`.
    pub async fn approve(&self, lesson: LessonId, by: &str) -> Result<(), Error> {
        let by = one_line(&scrub(by).text);
        self.blocking(move |inner| inner.change(lesson, &Change::Approved { by }))
            .await
    }

    /// A person ends a lesson: it is neither tried nor served any more.
    ///
    /// # Errors
    ///
    /// As [`FeedbackLoop::approve`].
    pub async fn retire(&self, lesson: LessonId, reason: &str) -> Result<(), Error> {
        let reason = one_line(&scrub(reason).text);
        let because = RetiredBecause::Person { reason };
        self.blocking(move |inner| inner.change(lesson, &Change::Retired { because }))
            .await
    }
}

impl Inner {
    fn propose(&self, lesson: &NewLesson) -> Result<Proposed, Error> {
        let is_same = |known: &&Lesson| lesson.says(&known.text, &known.scope);
        self.store.batch(|state, batch| {
            let at = self.clock.now();
            let origin = lesson.origin.clone();
            let Some(known) = state.core.lessons.values().find(is_same) else {
                let record = LessonRecord {
                    v: VERSION,
                    at,
                    id: state.core.next_lesson(),
                    kind: lesson.kind,
                    text: lesson.text.clone(),
                    scope: lesson.scope.clone(),
                    origin,
                };
                batch.append(LESSON, record.encode()?)?;
                return Ok(Proposed::New(record.id));
            };
            let mut changes = Vec::new();
            // The same place again is no news.
            if !known.origins.contains(&origin) {
                changes.push(Change::FoundAgain { origin });
            }
            let is_open = !matches!(known.status, Status::Retired(_));
            if known.needs_approval() && lesson.origin.source == Source::Person && is_open {
                let by = match lesson.origin.place.as_str() {
                    "" => Source::Person.as_str().to_owned(),
                    place => place.to_owned(),
                };
                changes.push(Change::Approved { by });
            }
            for change in changes {
                let record = ChangedRecord {
                    v: VERSION,
                    at,
                    lesson: known.id,
                    change,
                };
                batch.append(CHANGED, record.encode()?)?;
            }
            Ok(Proposed::Known(known.id))
        })
    }

    fn change(&self, lesson: LessonId, change: &Change) -> Result<(), Error> {
        self.store.batch(|state, batch| {
            let known = state.core.lessons.get(&lesson);
            let known = known.ok_or(Error::UnknownLesson { lesson })?;
            if matches!(known.status, Status::Retired(_)) {
                return Err(Error::Retired { lesson });
            }
            let record = ChangedRecord {
                v: VERSION,
                at: self.clock.now(),
                lesson,
                change: change.clone(),
            };
            batch.append(CHANGED, record.encode()?)?;
            Ok(())
        })
    }
}
