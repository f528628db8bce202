use serde::{Deserialize, Serialize};

use crate::{LessonId, chance::Chance};

/// Which part of the experiment a task is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// Chance decides for each lesson, with the logged propensity: what comes of it is evidence.
    Trial,
    /// It gets what is promoted, by Thompson sampling. What comes of it is no evidence.
    Served,
}

impl Arm {
    /// The name as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Served => "served",
        }
    }
}

/// Whether one lesson was shown to one task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// The lesson.
    pub lesson: LessonId,
    /// Whether its text was in the prompt.
    pub shown: bool,
    /// The probability with which it was to be shown, within (0, 1) in a trial.
    pub propensity: f64,
}

/// What chance decided for one task, logged before the task begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Which part the task is in.
    pub arm: Arm,
    /// The lessons that could have been shown; in the order of their numbers.
    pub exposures: Vec<Exposure>,
}

impl Draw {
    /// The probability of exactly this draw, given its arm; in a served one that of what is shown is not known
    /// in closed form, and 1 stands for it.
    #[must_use]
    pub fn propensity(&self) -> f64 {
        match self.arm {
            Arm::Served => 1.0,
            Arm::Trial => self
                .exposures
                .iter()
                .map(|it| {
                    if it.shown {
                        it.propensity
                    } else {
                        1.0 - it.propensity
                    }
                })
                .product(),
        }
    }

    /// Whether it is what chance decides for this task: a record that says otherwise was made up.
    pub(crate) fn is_genuine(&self, seed: u64, unit: [&str; 2]) -> bool {
        let is_drawn = |it: &Exposure| {
            it.propensity > 0.0
                && it.propensity < 1.0
                && it.shown == is_shown(seed, unit, it.lesson, it.propensity)
        };
        let is_ordered = |pair: &[Exposure]| pair[0].lesson < pair[1].lesson;
        self.exposures.windows(2).all(is_ordered)
            && (self.arm == Arm::Served || self.exposures.iter().all(is_drawn))
    }

    /// The lessons that are shown.
    pub fn shown(&self) -> impl Iterator<Item = LessonId> {
        self.exposures
            .iter()
            .filter(|exposure| exposure.shown)
            .map(|exposure| exposure.lesson)
    }
}

/// What there is to draw from for one task.
#[derive(Debug, Default)]
pub(crate) struct Lineup {
    /// Lessons on trial, and promoted ones that stay under watch, each with its propensity.
    pub(crate) trial: Vec<(LessonId, f64)>,
    /// Promoted lessons, each with the gain to expect and how uncertain it is.
    pub(crate) served: Vec<(LessonId, f64, f64)>,
}

impl Lineup {
    /// Each lesson has its own stream of chance, so that a draw does not change with what else is drawn.
    pub(crate) fn draw(&self, seed: u64, unit: [&str; 2], share: f64) -> Draw {
        let chance = |what: &str| Chance::of(seed, &[what, unit[0], unit[1]]);
        let is_trial = !self.trial.is_empty() && chance("arm").happens(share);
        let exposure = |lesson: LessonId, propensity, shown| Exposure {
            lesson,
            shown,
            propensity,
        };
        let mut exposures: Vec<Exposure> = if is_trial {
            let drawn = self.trial.iter().map(|&(lesson, propensity)| {
                let shown = is_shown(seed, unit, lesson, propensity);
                exposure(lesson, propensity, shown)
            });
            drawn.collect()
        } else {
            // Thompson sampling: a lesson is shown if a gain drawn from what is believed of it is one.
            let drawn = self.served.iter().map(|&(lesson, gain, error)| {
                let imagined = gain + error * chance(&lesson.to_string()).normal();
                exposure(lesson, 1.0, imagined > 0.0)
            });
            drawn.collect()
        };
        exposures.sort_by_key(|exposure| exposure.lesson);
        Draw {
            arm: if is_trial { Arm::Trial } else { Arm::Served },
            exposures,
        }
    }
}

fn is_shown(seed: u64, unit: [&str; 2], lesson: LessonId, propensity: f64) -> bool {
    Chance::of(seed, &[&lesson.to_string(), unit[0], unit[1]]).happens(propensity)
}
