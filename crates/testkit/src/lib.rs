//! What tests of the workspace share: one conformance suite for each port,
//! in-memory fakes that pass them, git repositories made by script, what a compiler refuses, and the
//! figures of a bench over its rounds.
//!
//! A suite is an async function that takes a constructor and panics at the
//! first broken promise of the port's contract. The constructor is called for
//! each case and gives an implementation without any content.
//!
//! ```
//! use std::sync::Arc;
//! use testkit::{MemoryInbox, inbox};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! inbox::conformance(async || Arc::new(MemoryInbox::default()) as Arc<dyn core_types::Inbox>).await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Not for use outside tests: its functions panic where a library returns an error.

pub mod checkpoint_store;
pub mod compile_fail;
pub mod contract;
pub mod event_sink;
mod fakes;
#[cfg(feature = "forge")]
pub mod forge;
pub mod git;
pub mod git_provider;
pub mod inbox;
pub mod ledger;
#[cfg(feature = "models")]
pub mod models;
pub mod neutral;
pub mod plan_runner;
pub mod plan_state;
mod rounds;
pub mod step_log;

pub use fakes::{
    FixedClock, MemoryCheckpoints, MemoryEvents, MemoryForge, MemoryInbox, MemoryPlanRunner,
    MemoryPlanState, MemoryStepLog,
};
pub use rounds::Rounds;
