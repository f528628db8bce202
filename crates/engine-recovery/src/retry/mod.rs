//! Trying again: at once, then after growing waits, within budgets that a
//! crash does not refill, and not against a host that is down.
//!
//! What is decided is a pure function ([`decide`]) and a pure state machine
//! ([`Breaker`]); [`RetryRecoveryStrategy`] records and acts.

mod breaker;
mod budget;
mod decision;
mod strategy;
#[cfg(test)]
mod tests;
mod watch;

pub use breaker::{Admission, Breaker, BreakerOptions, Breakers};
pub use budget::Spent;
pub use decision::{Decision, Exhausted, decide};
pub use strategy::RetryRecoveryStrategy;
