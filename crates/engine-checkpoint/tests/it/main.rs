//! The public behavior of the crate.

mod conformance;
mod crash;
mod format;
mod inbox;
mod manager;
mod run;
mod state;
mod support;
mod view;
