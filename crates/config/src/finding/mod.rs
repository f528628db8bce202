//! What is wrong with a file, and where: findings are gathered, never reported one at a time.

mod nearest;
mod report;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use nearest::did_you_mean;
pub use report::{Finding, Findings, Mark};
pub(crate) use report::{Report, quote};
