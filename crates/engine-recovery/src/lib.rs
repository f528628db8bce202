//! Repairs failures of a run: tries again within budgets, settles conflicts,
//! fixes failing tests, and tells a person what it could not repair.

// Each area has its folder; they know `strategy` and `options`, not each other.
mod advanced;
mod by_repository;
mod checkpoint_steps;
pub mod classify;
mod count;
mod error;
mod manual;
mod no_progress;
mod options;
pub mod retry;
mod strategy;
// `mod conflict;` stands here: ConflictResolutionStrategy.
pub mod test_fix;

use core_types::{ErrorClass, PortError, step::StepError};

pub use advanced::{
    AdvancedRecovery, AdvancedRecoveryBuilder, AttemptEnd, Attempted, FAILED, RECOVERED, Ran, Rerun,
};
pub use by_repository::ByRepository;
pub use error::Error;
pub use manual::ManualInterventionStrategy;
pub use no_progress::NoProgress;
pub use options::{Options, RetryOptions};
pub use retry::RetryRecoveryStrategy;
pub use strategy::{RecoveryContext, RecoveryStrategy, Spending, StrategyOutcome, Tried};
// `pub use conflict::…;` stands here.
pub use test_fix::TestFixRecoveryStrategy;

/// A step's error, with its class, as a port's.
pub(crate) fn step_error(error: StepError, doing: &'static str) -> PortError {
    PortError::new(error.class(), doing).because(error)
}

/// Whether an error ends the recovery and the run with it, instead of the strategy that met it.
pub(crate) fn stops_the_run(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Cancelled
            | ErrorClass::BudgetExceeded
            | ErrorClass::ResourceExhausted
            | ErrorClass::UnknownOutcome
    )
}
