//! The journal of feedback, its fold, and its cache.

mod cache;
mod clean;
mod decide;
mod folder;
mod guidance;
mod state;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use decide::Rules;
pub(crate) use folder::Store;
pub(crate) use state::{Core, State};
pub(crate) use table::{Row, Table, key, key_of};
