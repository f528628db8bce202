//! Words and figures as people read them: foreign text made harmless, times, money, counts.

mod figures;
mod foreign;
#[cfg(test)]
mod tests;

pub use self::figures::{duration, money};
pub(super) use self::{
    figures::{ago, clock, clock_of_day, count, day, percent, short_commit, tokens},
    foreign::{Foreign, harmless},
};
