use super::{
    account::{LessonFigures, figures},
    feedback_loop::FeedbackLoop,
};
use crate::{
    Error, Figure, Status,
    export::{Line, merge},
};

impl FeedbackLoop {
    /// The contents of a file that agents read, such as AGENTS.md, with the promoted lessons in the part of it
    /// that is ours; largest gain first, each with its evidence. Everything else stays as it is, byte for byte;
    /// a file without such a part gets one at its end. The same lessons give the same bytes.
    ///
    /// Where the file is one that agents in a repository read, [`FeedbackLoop::note_guidance`] should be told, so
    /// that nobody waits there for a difference that the lesson can no longer make.
    ///
    /// Lessons for one repository alone are exported where `repository` is it, or none is named.
    ///
    /// # Errors
    ///
    /// `Validation` ([`Error::EditedExport`], with the line) where the part that is ours was changed by hand,
    /// else as [`FeedbackLoop::lessons`].
    pub async fn export(
        &self,
        contents: &str,
        repository: Option<&core_types::RepositoryName>,
    ) -> Result<String, Error> {
        let repository = repository.cloned();
        let promoted = self
            .blocking(move |inner| {
                inner.store.read(|state| {
                    let core = &state.core;
                    let promoted = core.lessons.values().filter(|lesson| {
                        let scope = lesson.scope.repository.as_ref();
                        let is_for_it =
                            repository.is_none() || scope.is_none() || scope == repository.as_ref();
                        // Evidence alone makes no instruction of foreign words.
                        lesson.status == Status::Promoted && !lesson.needs_approval() && is_for_it
                    });
                    promoted.map(|lesson| figures(core, lesson)).collect()
                })
            })
            .await?;
        merge(contents, &lines(promoted))
    }
}

fn lines(mut lessons: Vec<LessonFigures>) -> Vec<Line> {
    lessons.sort_by(|a, b| {
        let gain = |it: &LessonFigures| it.gain.value().unwrap_or_default();
        gain(b)
            .total_cmp(&gain(a))
            .then(a.lesson.id.cmp(&b.lesson.id))
    });
    let line = |it: &LessonFigures| {
        let gain = match it.gain {
            Figure::Known {
                value, low, high, ..
            } => format!(
                "{:+.0}pp [{:.0}, {:.0}]",
                value * 100.0,
                low * 100.0,
                high * 100.0
            ),
            Figure::NotEnough { .. } => it.gain.to_string(),
        };
        Line {
            text: it.lesson.exported(),
            note: format!("{} {gain} n={}/{}", it.lesson.id, it.with.0, it.without.0),
        }
    };
    lessons.iter().map(line).collect()
}
