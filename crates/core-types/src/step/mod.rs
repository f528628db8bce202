//! Durable steps: effects that are recorded before and after they act, so that
//! a resumed run replays what has happened and goes on.
//!
//! [`run`] is the whole mechanism; the [`StepLog`](crate::StepLog) port holds
//! the records.

mod driver;
mod fingerprint;
mod key;
#[cfg(test)]
mod tests;

pub use driver::{Look, Step, StepError, StepState, WhenUnknown, run};
pub use fingerprint::Fingerprint;
pub use key::{Scope, StepKey};
