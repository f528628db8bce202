//! A forge on the loopback: stateful, with real git behind it, and failing on demand.
//!
//! It speaks Gitea's API, or GitHub's, as far as their published descriptions were cut for us, or GitLab's, as far
//! as we have described it ([`crate::contract`] checks them), and git over HTTP. What it answers comes from its state alone; nothing is canned.
//!
//! ```
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! use testkit::forge::{Faults, SimulatedForge};
//!
//! let forge = SimulatedForge::start(folder.path()).await;
//! forge.add_repository("ada", "backend", &[("automation/a", "a.txt")]);
//! forge.set_faults(Faults { lost: 0.2, ..Faults::default() }, 7);
//! assert!(forge.url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it does not do
//!
//! Merges other than `fast-forward-only` and `manually-merged` (GitLab: `ff` and `merge`); checks and approvals that a merge waits
//! for; webhooks of its own accord ([`Webhook`]); milestones, teams and all else that our client never asks for.

mod exchange;
mod faults;
mod git;
mod git_http;
mod gitea;
mod github;
mod gitlab;
mod limits;
mod server;
mod state;
mod webhook;
mod world;

pub use self::{
    faults::Faults,
    server::{Call, Dialect, SimulatedForge},
    state::Shown,
    webhook::{Signature, Webhook},
};
