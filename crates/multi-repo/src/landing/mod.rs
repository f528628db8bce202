//! Landing a change set in all repositories or in none.

mod attempt;
mod calls;
mod forge;
mod local;
mod ordered;
mod report;

pub use forge::{ForgeEnd, ForgeLanding, ForgeMember, Options, TakenBack, Undo, land_on_forges};
pub use local::{TwoPhase, land_change_set};
pub use ordered::OrderedMerge;
pub use report::end_report;
