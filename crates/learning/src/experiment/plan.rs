use serde::{Deserialize, Serialize};

use crate::Error;

/// One planned look at the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Taken once this many randomised tasks of the round have a measured outcome.
    pub tasks: u64,
    /// The share of false discoveries that this look may add.
    pub false_discoveries: f64,
    /// The probability that this look finds anything where nothing helps.
    pub any: f64,
}

/// When a round of trials is looked at, fixed before it begins. Between looks nothing is concluded, so
/// that looking often finds no more than looking rarely.
///
/// The shares add up to the bound for the round: at each look the lessons with small p-values are
/// promoted by the step-up rule of Benjamini and Hochberg at `false_discoveries`, and not before some
/// look finds something by the same rule at the stricter `any`. See `docs/decisions/0013` for why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookPlan {
    looks: Vec<Look>,
}

impl LookPlan {
    /// A plan of looks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPlan`] for none, for looks that do not come one after the other, for a share
    /// outside (0, 1), for `any` above `false_discoveries`, and for shares that add up to 1 or more.
    pub fn new(looks: Vec<Look>) -> Result<Self, Error> {
        let invalid = |reason| Err(Error::InvalidPlan { reason });
        if looks.is_empty() {
            return invalid("it has no look");
        }
        if looks[0].tasks == 0 || looks.windows(2).any(|pair| pair[0].tasks >= pair[1].tasks) {
            return invalid("its looks do not come one after the other");
        }
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        if !looks
            .iter()
            .all(|look| is_share(look.any) && look.any <= look.false_discoveries)
            || !is_share(looks.iter().map(|look| look.false_discoveries).sum())
        {
            return invalid("its shares are not probabilities that add up to less than 1");
        }
        Ok(Self { looks })
    }

    /// The looks, earliest first; at least one.
    #[must_use]
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// The bound on the expected share of false discoveries of a round.
    #[must_use]
    pub fn bound(&self) -> f64 {
        self.looks.iter().map(|look| look.false_discoveries).sum()
    }
}

/// Looks after 250, 500, 1,000, 2,000 and 4,000 tasks. In all at most a tenth of what is promoted is
/// false, and nothing is found at all in 95 of 100 rounds where nothing helps. Most of it is spent at
/// 1,000 tasks, where a gain of nine points becomes visible.
impl Default for LookPlan {
    fn default() -> Self {
        let look = |tasks, false_discoveries, any| Look {
            tasks,
            false_discoveries,
            any,
        };
        Self {
            looks: vec![
                look(250, 0.002, 0.001),
                look(500, 0.005, 0.003),
                look(1_000, 0.083, 0.040),
                look(2_000, 0.006, 0.004),
                look(4_000, 0.004, 0.002),
            ],
        }
    }
}

/// What trials may cost: the exploration budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exploration {
    /// The share of tasks that take part in trials, from 0 to 1; default a half. The others get what is
    /// promoted.
    pub share: f64,
    /// How many lessons are tried at once; default 20. More lessons need more evidence each.
    pub max_lessons: usize,
    /// How many bytes all lessons of a round together may add to a prompt; default 4 KiB, about a thousand
    /// tokens.
    pub max_bytes: usize,
}

impl Default for Exploration {
    fn default() -> Self {
        Self {
            share: 0.5,
            max_lessons: 20,
            max_bytes: 4 << 10,
        }
    }
}

impl Exploration {
    /// Every task takes part.
    #[must_use]
    pub fn full() -> Self {
        Self {
            share: 1.0,
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if (0.0..=1.0).contains(&self.share) {
            return Ok(());
        }
        Err(Error::InvalidShare { share: self.share })
    }
}
