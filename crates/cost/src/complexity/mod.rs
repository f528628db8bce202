//! How complex a task is, by the seven factors of the first description and by its other words, each
//! contribution told.
//!
//! The scale is that of issues with story points: 0.5 is as complex as the median of them. What the
//! factors weigh is fitted by `cargo xtask eval complexity --fit`, where labeled data says something;
//! what no issue tells before it is planned (dependencies, files, estimates) has weights set by hand.
//! No factor but simple words makes a task simpler, and more of a factor never does.

mod explanation;
mod features;
mod model;
mod prose;
#[cfg(test)]
mod tests;
mod vocabulary;
mod wording;

pub use explanation::{Contribution, Explanation, Factor};
pub use features::{FITTED, Features, Subject};
pub use model::ComplexityModel;
pub use wording::{Bag, Part, Wording};
