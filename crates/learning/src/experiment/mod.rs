//! The trial of lessons, as a pure machine: who gets which lesson by chance, what came of it, and what
//! may be concluded at which look. No clock, no disk.

mod baseline;
mod draw;
mod machine;
mod normal;
mod plan;
mod rule;
mod tally;

#[cfg(test)]
mod tests;

pub use draw::{Arm, Draw, Exposure};
pub use plan::{Exploration, Look, LookPlan};
pub use rule::{LookTaken, Ruling, Verdict};

pub(crate) use baseline::{Known, stratum};
pub(crate) use machine::{Experiment, KeptUnit, Unit};
pub(crate) use tally::Tally;
