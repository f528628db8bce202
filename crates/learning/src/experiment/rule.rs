//! What a look concludes.

use serde::{Deserialize, Serialize};

use super::{plan::Look, tally::Tally};
use crate::LessonId;

/// Fewer tasks with the lesson, or without, say nothing that the normal distribution describes.
const MIN_TASKS: u64 = 20;

/// A lesson that makes things worse by so many standard errors is stopped; a chance of 1 in 100 to be wrong
/// costs a lesson, not a false claim.
const HARM: f64 = -2.33;

/// The last third of the tasks must not point downwards, by more than one standard error.
const RECENT: f64 = 1.0 / 3.0;
const DOWNWARDS: f64 = -1.0;

/// What a look means for a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Not enough evidence; the trial goes on.
    GoOn,
    /// It helps, as far as the plan's bound goes.
    Promote,
    /// It does harm.
    Harmful,
    /// The plan is at its end and it is not shown to help.
    Unproven,
}

/// What a look found of one lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The lesson.
    pub lesson: LessonId,
    /// Tasks in which it was shown, and in which it was not.
    pub tasks: (u64, u64),
    /// The gain in success rate, from −1 to 1, and its standard error, where there is evidence.
    pub gain: Option<(f64, f64)>,
    /// The probability of such evidence, or stronger, if it does not help; 1 with too little evidence.
    pub p: f64,
    /// What follows.
    pub ruling: Ruling,
}

/// A look that was taken, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookTaken {
    /// The round, from 1.
    pub round: u32,
    /// Which look of the plan, from 1.
    pub look: usize,
    /// Randomised tasks with a measured outcome, then.
    pub tasks: u64,
    /// Whether something was found in this round, now or earlier, at the stricter level.
    pub anything: bool,
    /// One a lesson that is still on trial, in the order of their numbers.
    pub verdicts: Vec<Verdict>,
}

/// Judges the lessons of a round. `family` is how many the round began with: stopped ones still count.
pub(super) fn judge(
    look: Look,
    is_last: bool,
    anything_before: bool,
    family: usize,
    lessons: &[(LessonId, &Tally)],
) -> (bool, Vec<Verdict>) {
    let p: Vec<f64> = lessons.iter().map(|(_, tally)| p_value(tally)).collect();
    let anything = anything_before || step_up(&p, family, look.any).is_some();
    let limit = step_up(&p, family, look.false_discoveries).filter(|_| anything);
    let verdicts = lessons.iter().zip(&p).map(|((lesson, tally), &p)| {
        let ruling =
            if limit.is_some_and(|limit| p <= limit) && tally.recent(RECENT).z() > DOWNWARDS {
                Ruling::Promote
            } else if enough(tally) && tally.total.z() < HARM {
                Ruling::Harmful
            } else if is_last {
                Ruling::Unproven
            } else {
                Ruling::GoOn
            };
        Verdict {
            lesson: *lesson,
            tasks: (tally.shown, tally.hidden),
            gain: tally.total.gain(),
            p,
            ruling,
        }
    });
    (anything, verdicts.collect())
}

fn enough(tally: &Tally) -> bool {
    tally.shown.min(tally.hidden) >= MIN_TASKS
}

fn p_value(tally: &Tally) -> f64 {
    if enough(tally) {
        super::normal::upper_tail(tally.weakest_z())
    } else {
        1.0
    }
}

/// The largest p-value that the step-up rule of Benjamini and Hochberg takes at `level`, if any.
pub(super) fn step_up(p: &[f64], family: usize, level: f64) -> Option<f64> {
    let mut sorted = p.to_vec();
    sorted.sort_by(f64::total_cmp);
    let passes = |&(i, p): &(usize, &f64)| *p <= level * (i + 1) as f64 / family as f64;
    sorted.iter().enumerate().rfind(passes).map(|(_, p)| *p)
}
