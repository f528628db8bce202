//! Forges over the network, one account on each: Gitea, Forgejo, GitHub and GitLab.
//!
//! [`RemoteForge`] is the place, [`RemoteRepository`] one repository there. What all kinds of
//! forges have in common stands here once: marks, the order of mutations, what is done about an
//! answer that never came. What differs is a dialect, which is little more than paths and fields.
//!
//! ```no_run
//! use std::sync::Arc;
//! use core_types::{GitProvider as _, NewIssue, OperationId, RepositoryName, SystemClock};
//! use forges::{Forge as _, remote::{Kind, Options, RemoteForge, Secret, Slug}};
//!
//! # async fn example(token: String) -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock);
//! let (url, token) = ("https://git.example.org", Secret::new(token));
//! let forge = RemoteForge::new(Kind::Gitea, url, token, Options::default(), clock)?
//!     .with_repository(RepositoryName::new("backend")?, Slug::new("ada", "backend-service")?);
//! let backend = forge.provider(&RepositoryName::new("backend")?);
//!
//! let new = NewIssue { title: "Add a login page".into(), ..NewIssue::default() };
//! let issue = backend.create_issue(&OperationId::new("cli:issue-new:1")?, new).await?;
//! println!("#{}", issue.number);
//! # Ok(())
//! # }
//! ```
//!
//! # What happens once
//!
//! No forge has idempotency keys for what we send. Each text that we write ends with a hidden
//! comment that names the operations behind it, and so `find` finds them again, in this process
//! or another. Mutations of an account go out one after another. Where an answer is lost, the
//! mutation counts as *unsettled*: nothing is sent again under its id before the forge's lists
//! have been read, three times and until [`Options::settle`] has passed, without a trace of it.
//! A pull request says itself whether it is merged, and at which commit.
//!
//! [`Options::settle`] also counts from the making of a forge, since a process before this one may
//! have sent something at its last instant: only then does `find` say that there is nothing.
//!
//! # What lists show
//!
//! A forge's lists may be late. What this process has written within [`Options::settle`] is read
//! by its number in addition, so that lists hold what was written before they were asked for.
//!
//! A pull request may notice late where its branch was pushed to. Where a change or a merge names its
//! head, and the branch is there already, that is waited for, as long.
//!
//! # What forges tell of themselves
//!
//! [`webhook`] checks who sent a delivery; what is in it is a reason to look, and nothing else.
//!
//! # Limits
//!
//! - A change of an issue or pull request rewrites its text, for the mark: what a person changes
//!   of the same text in the same instant may be lost. No forge has a compare-and-swap for it.
//! - The last 32 changes of one text are remembered.
//! - Nothing is sent again after a failure; [`Retrying`] does that.

mod base64;
mod client;
mod dialect;
mod forge;
mod gitea;
mod github;
mod gitlab;
mod marks;
mod mutations;
mod provider;
mod reconcile;
mod repository;
mod retrying;
mod secret;
mod state;
pub mod webhook;

pub use self::{
    dialect::{Access, Check, CheckState, LabelChange, PullRequestReview, Slug, Verdict},
    forge::{Kind, Options, Reads, RemoteForge},
    repository::{Changed, RemoteRepository},
    retrying::{Patience, Retrying},
    secret::Secret,
};
