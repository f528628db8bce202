//! Landing a change set in all repositories or in none.

mod forge;
mod local;
mod report;

pub use forge::{ForgeLanding, ForgeMember, Options, land_on_forges};
pub use local::{TwoPhase, land_change_set};
pub use report::end_report;
