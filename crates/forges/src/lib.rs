//! Forges: where issues, comments and pull requests live.
//!
//! A [`Forge`] gives a [`GitProvider`](core_types::GitProvider) for each
//! repository; kinds of forges are chosen by name from a [`Registry`]. The kind
//! `local` is [`LocalForge`]: one journal beside the repositories, without a
//! server, an account or a network.
//!
//! ```
//! use std::sync::Arc;
//! use core_types::{NewIssue, OperationId, RepositoryName, SystemClock};
//! use forges::{Forge, LocalForge, LocalForgeOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let home = tempfile::tempdir()?;
//! # let folder = home.path().join("forge");
//! let forge = LocalForge::open(&folder, LocalForgeOptions::default(), Arc::new(SystemClock))?;
//! let backend = forge.provider(&RepositoryName::new("backend")?);
//!
//! let new = NewIssue { title: "Add a login page".into(), ..NewIssue::default() };
//! let operation = OperationId::new("cli:issue-new:1")?;
//! let issue = backend.create_issue(&operation, new.clone()).await?;
//! assert_eq!(issue.number, 1);
//!
//! // Said twice, done once.
//! assert_eq!(backend.create_issue(&operation, new).await?, issue);
//! assert_eq!(backend.list_issues().await?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).map_err(|error| error.to_string())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `remote` there is `remote`: Gitea, Forgejo, GitHub and GitLab.
//!
//! # Guarantees of the local forge
//!
//! - A mutation that returned is on disk. Repeated under its operation id it
//!   returns what the first one left, in this process or another, after a
//!   `kill -9` between the write and the answer too.
//! - Issues and pull requests of a repository share one sequence of numbers,
//!   from 1 without a gap, whoever creates them at the same time.
//! - What [`find`](core_types::GitProvider::find) returns is on disk.
//!
//! # Limits
//!
//! All issues of a home are held in memory. After a failed write (a full disk)
//! a handle takes no more mutations; what is there stays readable, and a forge
//! opened anew goes on.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `remote` | `remote`, with hyper and rustls |

mod error;
mod local;
mod registry;
#[cfg(feature = "remote")]
pub mod remote;
mod texts;

pub use error::{Error, Refusal};
pub use local::{LocalForge, LocalForgeOptions};
pub use registry::{Constructor, Forge, ForgeContext, ForgeSpec, Registry};
