//! Figures that say how sure they are.

use std::fmt;

/// Fewer values than these say nothing of a rate or a mean.
pub(crate) const ENOUGH: u64 = 30;

/// The 97.5th percentile of the normal distribution.
const Z95: f64 = 1.959_964;

/// An estimate with its 95 % interval, or the honest answer that there is none yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// It is about this.
    Known {
        /// The estimate.
        value: f64,
        /// The lower end of its 95 % interval.
        low: f64,
        /// The upper end.
        high: f64,
        /// How many values it comes from.
        n: u64,
    },
    /// Not enough evidence.
    NotEnough {
        /// How many values there are.
        n: u64,
        /// How many it takes.
        needed: u64,
    },
}

impl Figure {
    /// A rate with Wilson's score interval.
    pub(crate) fn rate(successes: u64, n: u64) -> Self {
        if n < ENOUGH {
            return Self::NotEnough { n, needed: ENOUGH };
        }
        let (count, rate) = (n as f64, successes as f64 / n as f64);
        let spread = 1.0 + Z95 * Z95 / count;
        let center = (rate + Z95 * Z95 / (2.0 * count)) / spread;
        let half =
            Z95 * (rate * (1.0 - rate) / count + Z95 * Z95 / (4.0 * count * count)).sqrt() / spread;
        Self::Known {
            value: rate,
            low: center - half,
            high: center + half,
            n,
        }
    }

    /// A mean, from the sum of values and that of their squares.
    pub(crate) fn mean(sum: f64, squares: f64, n: u64) -> Self {
        if n < ENOUGH {
            return Self::NotEnough { n, needed: ENOUGH };
        }
        let count = n as f64;
        let mean = sum / count;
        let variance = (squares / count - mean * mean).max(0.0) * count / (count - 1.0);
        Self::around(mean, (variance / count).sqrt(), n)
    }

    pub(crate) fn around(value: f64, standard_error: f64, n: u64) -> Self {
        Self::Known {
            value,
            low: value - Z95 * standard_error,
            high: value + Z95 * standard_error,
            n,
        }
    }

    /// The estimate, where there is one.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        match self {
            Self::Known { value, .. } => Some(*value),
            Self::NotEnough { .. } => None,
        }
    }

    /// The same as hundredths, for people: `63.2 % [58.1, 68.0], n=212`.
    #[must_use]
    pub const fn as_percent(&self) -> impl fmt::Display {
        Percent(*self)
    }
}

/// `0.632 [0.581, 0.680], n=212`, or `not enough evidence (12 of 30)`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known {
                value,
                low,
                high,
                n,
            } => write!(f, "{value:.3} [{low:.3}, {high:.3}], n={n}"),
            Self::NotEnough { n, needed } => write!(f, "not enough evidence ({n} of {needed})"),
        }
    }
}

struct Percent(Figure);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Figure::Known {
                value,
                low,
                high,
                n,
            } => {
                let (value, low, high) = (value * 100.0, low * 100.0, high * 100.0);
                write!(f, "{value:.1} % [{low:.1}, {high:.1}], n={n}")
            }
            not_enough @ Figure::NotEnough { .. } => not_enough.fmt(f),
        }
    }
}
