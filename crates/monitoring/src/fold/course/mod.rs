//! One run: its events in, its views out.

mod account;
mod attempt;
mod explain;
mod lane;
mod path;
mod recovery;
mod repository;
mod run_fold;
mod standing;
mod summary;
mod told;
mod views;

pub(crate) use path::Network;
pub use run_fold::RunFold;
