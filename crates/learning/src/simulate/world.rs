use crate::chance::Chance;

/// How a simulated world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Chance alone decides who gets a lesson.
    Randomised,
    /// Beside the trial, people give lessons to tasks that look easy to them: what they give seems to help.
    Confounded,
    /// The success rate of all tasks moves, and two lessons that helped turn into harm halfway.
    Drift,
    /// Nothing helps or harms.
    AllNull,
    /// A fifth of all records is made to promote one useless lesson: agents that praise themselves, draws that
    /// were never made, and one outsider whose tasks succeed exactly where that lesson is shown.
    Adversary,
}

pub(super) const N_LESSONS: u32 = 20;
/// The lesson that the adversary wants, and that nothing speaks for.
pub(super) const WANTED: u32 = N_LESSONS;
const KINDS: u64 = 12;
const EFFECT: f64 = 0.09;

impl World {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Randomised,
        Self::Confounded,
        Self::Drift,
        Self::AllNull,
        Self::Adversary,
    ];

    /// Its name, for reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Randomised => "randomised",
            Self::Confounded => "confounded",
            Self::Drift => "drift",
            Self::AllNull => "all-null",
            Self::Adversary => "adversary",
        }
    }

    /// What a lesson truly adds to the success rate at a time from 0 to 1.
    pub(super) fn effect(self, lesson: u32, time: f64) -> f64 {
        match (self, lesson) {
            (Self::AllNull, _) => 0.0,
            (_, 1..=3) => EFFECT,
            (_, 4..=5) => -EFFECT,
            (Self::Drift, 6..=7) if time < 0.5 => EFFECT,
            (Self::Drift, 6..=7) => -EFFECT,
            _ => 0.0,
        }
    }

    /// What all tasks gain or lose at a time.
    pub(super) fn tide(self, time: f64) -> f64 {
        match self {
            // A slow swell, and a better model from two thirds on.
            Self::Drift => {
                let swell = 0.06 * (time * 9.0).sin();
                if time > 0.66 { swell + 0.10 } else { swell }
            }
            _ => 0.0,
        }
    }
}

/// A task, before anything is done about it.
#[derive(Debug)]
pub(super) struct SimulatedTask {
    /// Known: from 0 to 11.
    pub(super) kind: u64,
    /// Known: how hard it looks, from 0 to 1.
    pub(super) complexity: f64,
    /// Unknown to all: what it adds to the success rate.
    pub(super) ease: f64,
    rate: f64,
}

impl SimulatedTask {
    pub(super) fn next(chance: &mut Chance) -> Self {
        let kind = chance.next() % KINDS;
        // Evenly from −0.15 to 0.15 around the mean.
        let of_kind = 0.3 * (kind as f64 / (KINDS - 1) as f64 - 0.5);
        let complexity = (0.5 + 0.2 * chance.normal()).clamp(0.0, 1.0);
        let ease = 0.08 * chance.normal();
        Self {
            kind,
            complexity,
            ease,
            rate: 0.577 + of_kind - 0.6 * (complexity - 0.5) + ease,
        }
    }

    /// Whether it succeeds with these gains.
    pub(super) fn succeeds(&self, gains: f64, chance: &mut Chance) -> bool {
        chance.happens((self.rate + gains).clamp(0.02, 0.98))
    }
}
