use core_types::RepositoryName;

use super::feedback_loop::FeedbackLoop;
use crate::{Error, Figure, Lesson, LessonId, LookTaken, Status, experiment::Tally, store::Core};

/// A lesson and what is known of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LessonFigures {
    /// The lesson.
    pub lesson: Lesson,
    /// Randomised tasks in which it was shown, and how many of them ended well.
    pub with: (u64, u64),
    /// Randomised tasks in which it was not shown, and how many of them ended well.
    pub without: (u64, u64),
    /// The gain in success rate, from −1 to 1. Before the first look there is not enough evidence.
    pub gain: Figure,
    /// Evidence speaks for it, and a person has not approved it yet.
    pub awaits_approval: bool,
    /// Repositories whose files for agents say it, so that it is neither tried nor watched there.
    pub stands_in: Vec<RepositoryName>,
}

/// Everything that speaks for or against a lesson.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LessonAccount {
    /// The lesson and its figures.
    pub figures: LessonFigures,
    /// The looks in which it was judged, earliest first; of each look only the verdict on this lesson.
    pub looks: Vec<LookTaken>,
    /// When its round is looked at next: tasks so far, and tasks then.
    pub next_look: Option<(u64, u64)>,
}

impl FeedbackLoop {
    /// All lessons, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal`.
    pub async fn lessons(&self) -> Result<Vec<LessonFigures>, Error> {
        self.blocking(|inner| {
            inner.store.read(|state| {
                let core = &state.core;
                core.lessons.values().map(|it| figures(core, it)).collect()
            })
        })
        .await
    }

    /// What speaks for and against a lesson.
    ///
    /// # Errors
    ///
    /// `NotFound`, else as [`FeedbackLoop::lessons`].
    pub async fn why(&self, lesson: LessonId) -> Result<LessonAccount, Error> {
        let unknown = || Error::UnknownLesson { lesson };
        let look = move |core: &Core| {
            let known = core.lessons.get(&lesson)?;
            let of_lesson = |look: &LookTaken| {
                let mut look = look.clone();
                look.verdicts.retain(|verdict| verdict.lesson == lesson);
                (!look.verdicts.is_empty()).then_some(look)
            };
            Some(LessonAccount {
                figures: figures(core, known),
                looks: core.looks.iter().filter_map(of_lesson).collect(),
                next_look: next_look(core, lesson),
            })
        };
        self.blocking(move |inner| inner.store.read(|state| look(&state.core)))
            .await?
            .ok_or_else(unknown)
    }
}

fn next_look(core: &Core, lesson: LessonId) -> Option<(u64, u64)> {
    let rounds = core.experiment.rounds.iter();
    let round = rounds.rev().find(|round| round.open.contains(&lesson))?;
    let look = round.plan.looks().get(round.looks_taken)?;
    Some((round.tasks, look.tasks))
}

pub(crate) fn figures(core: &Core, lesson: &Lesson) -> LessonFigures {
    let none = Tally::default();
    let tally = core.experiment.tallies.get(&lesson.id).unwrap_or(&none);
    let was_looked_at = core
        .looks
        .iter()
        .any(|look| look.verdicts.iter().any(|it| it.lesson == lesson.id));
    // Between looks an estimate would be a look; before the first one it would mislead.
    let gain = match tally.total.gain() {
        Some((gain, error)) if was_looked_at => Figure::around(gain, error, tally.tasks()),
        _ => {
            let first = || core.looks_planned(lesson);
            let (n, needed) =
                next_look(core, lesson.id).unwrap_or_else(|| (tally.tasks(), first()));
            Figure::NotEnough { n, needed }
        }
    };
    LessonFigures {
        with: (tally.shown, tally.shown_successes),
        without: (tally.hidden, tally.hidden_successes),
        gain,
        awaits_approval: core.experiment.proven.contains(&lesson.id),
        stands_in: core.standing(lesson),
        lesson: lesson.clone(),
    }
}

impl Core {
    /// How many tasks the first look at a lesson takes.
    fn looks_planned(&self, lesson: &Lesson) -> u64 {
        let of_round = match lesson.status {
            Status::Trial { round } => {
                let mut rounds = self.experiment.rounds.iter();
                rounds.find(|it| it.number == round).map(|it| &it.plan)
            }
            _ => None,
        };
        let plan = of_round.cloned().unwrap_or_default();
        plan.looks().first().map_or(0, |look| look.tasks)
    }
}
