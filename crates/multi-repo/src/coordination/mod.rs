//! Who takes part, who waits for whom, and what a repository's end means for the others.

mod change_set;
mod coordinator;
mod order;

pub use change_set::{Error, Selection, change_set};
pub use coordinator::{Action, Coordinator, Event};
