//! Which model a task gets, and what a plan will cost.

mod effort;
mod estimate;
mod history;
mod recommendation;
mod select;
#[cfg(test)]
mod tests;

pub use effort::{Effort, EffortModel};
pub use estimate::{Costs, Estimate};
pub use history::{History, PastRun};
pub use recommendation::Recommendation;
pub use select::{CostOptimizer, ModelTier, Selection};
