//! Failing tests: reading what failed, having it fixed, and judging the fix.
//!
//! [`TestFixRecoveryStrategy`] is the loop, [`readers`] find the failed tests
//! in a command's output, and [`integrity`] says whether a fix leaves the tests
//! what they were. The latter two are pure and useful alone.

pub mod integrity;
mod narrow;
pub mod readers;
mod report;
mod rounds;
mod run;
mod strategy;

pub use strategy::TestFixRecoveryStrategy;
