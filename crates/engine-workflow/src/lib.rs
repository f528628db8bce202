//! The main job: an issue becomes a plan, its tasks run in parallel, each
//! result is verified, merged, tested, reviewed and landed.
//!
//! Everything outside is a port of `core-types`; this crate knows no git, no
//! forge, no agent program and no file format. It decides what happens in
//! which order, and makes each effect a durable step.
//!
//! # The model
//!
//! A [`Workflow`] is one run in one process: [`Settings`] say what to do and
//! [`Ports`] with what. [`Workflow::execute`] goes through the stages Planning,
//! Implementation, Testing, Review and Landing, replays the steps that an
//! earlier process recorded, and ends with a [`RunEnd`].
//!
//! # Guarantees
//!
//! - A task's agent does not run again once its step is recorded.
//! - A task has succeeded when its verified result is in its repository's
//!   integration branch; a dependent starts from a head that holds it.
//! - A failure of one task ends that task and skips what depends on it. What
//!   stops one for a reason of ours (a full disk) pauses the whole run.
//! - No target branch moves unless every task of the run, or with
//!   [`LandingMode::Each`] of its repository, succeeded or was unchanged.
//!
//! # Limits
//!
//! Target branches of several repositories are moved one after another.

mod agent;
mod attempt;
mod end;
mod error;
mod implementation;
mod landing;
mod merge;
pub mod plan;
mod planning;
mod ports;
mod progress;
mod report;
mod review;
mod run;
mod settings;
mod task;
mod testing;
mod text;
mod verify;
mod workflow;

pub use end::{EndStatus, RepositoryEnd, RepositoryState, RunEnd, TaskEnd};
pub use error::Error;
pub use ports::{Aids, PlanFile, Ports, RepositoryPorts};
pub use settings::{Approvals, LandingMode, LandingSettings, Limits, RepositorySettings, Settings};
pub use workflow::Workflow;
