//! The pages, each a function of views.

pub(super) mod assets;
mod costs;
pub(super) mod entry;
mod history;
mod learning;
mod overview;
mod report;
mod run;
mod spend;
mod task;

pub use self::report::report;
pub(super) use self::{
    costs::costs,
    history::history,
    learning::learning,
    overview::overview,
    run::{Filter, Log, RunPage, run},
    task::{TaskPage, task},
};

use core_types::Timestamp;

use super::Control;

/// What all pages need besides their views.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) now: Timestamp,
    pub(super) control: Control,
    /// What each form carries.
    pub(super) form_token: &'a str,
}
