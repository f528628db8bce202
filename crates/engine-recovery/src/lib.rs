//! Repairs failures of a run: tries again within budgets, settles conflicts,
//! fixes failing tests, and tells a person what it could not repair.

// Each area has its folder; they know `strategy` and `options`, not each other.
mod error;
mod options;
mod strategy;
// `mod conflict;` stands here: ConflictResolutionStrategy.
pub mod test_fix;

pub use error::Error;
pub use options::{Options, RetryOptions};
pub use strategy::{RecoveryContext, RecoveryStrategy, StrategyOutcome, Tried};
// `pub use conflict::…;` stands here.
// `pub use test_fix::…;` stands here.
