//! Faults made on purpose: a process that ends itself at an append ([`Faults`]), and a file system
//! in memory that fails and forgets ([`SimulatedStorage`]).

mod crash;
mod simulated;

pub(crate) use crash::Point;
pub use crash::{Faults, Moment};
pub use simulated::{Crash, Fault, FaultKind, Repeat, SimulatedStorage};
