//! Git repositories as a run uses them: [`GitRepository`] implements the ports
//! [`Repository`](core_types::Repository) and [`Workspace`](core_types::Workspace).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use core_types::{BranchName, Capture, Repository};
//! use git_workspace::{Git, GitRepository, Options, Places};
//!
//! # let home = tempfile::tempdir()?;
//! # let source = home.path().join("user");
//! # for arguments in [&["init", "-q", "-b", "main", "user"][..], &["-C", "user", "-c", "user.name=u", "-c", "user.email=u@h", "commit", "-q", "--allow-empty", "-m", "first"]] {
//! #     let launch = process::Launch::new("git").args(arguments).folder(home.path()).run().await?;
//! #     assert!(launch.exit.is_success());
//! # }
//! let git = Arc::new(Git::new(Options::default()));
//! let places = Places {
//!     mirrors: home.path().join("mirrors"),
//!     workspaces: home.path().join("workspaces"),
//! };
//! let repository = GitRepository::open(git, "app".parse()?, &source, &places).await?;
//! let base = repository.fetch(&BranchName::new("main")?).await?;
//!
//! let clone = repository.lease(&base).await?;
//! std::fs::File::create(clone.folder().join("NEWS"))?;
//! let Capture::Committed { commit, files } = clone.commit(None, "Add NEWS").await? else {
//!     return Err("nothing was changed".into());
//! };
//! assert_eq!(files[0].path, "NEWS");
//! repository.publish(&BranchName::new("automation/run-1/change")?, &commit).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - The *user's repository* is read by fetching from it. Written are only
//!   branches below `automation/` ([`publish`](core_types::Repository::publish))
//!   and the target branch ([`land`](core_types::Repository::land)).
//! - The *mirror* is a bare repository of ours that holds all objects of its own.
//!   Commits, merges and references of a run are made there. What a merge cannot
//!   settle is listed ([`conflicts`](core_types::Repository::conflicts)), leased
//!   with markers, and remembered when it is settled, for every later run.
//! - A *clone* is a folder from a pool, reset to a commit by what differs. What
//!   its holder leaves is read by a git directory and an index that the holder
//!   never sees; the `.git` in the clone is the holder's own and is never read.
//!
//! # Guarantees
//!
//! - No hook, filter, file-system monitor, external diff, configured credential helper or
//!   configured transport of any repository runs, and no configuration of the
//!   system or the user is read.
//! - Objects are flushed to disk before a reference to them moves, and
//!   references before the call that moved them returns. git does not flush the
//!   folders that hold them; file systems that keep the order of a journal, such
//!   as ext4 and xfs, write these with the next flush of anything.
//! - A process may be killed at any point; what it left is found and mended by
//!   the next call that meets it.
//! - Any number of processes share mirrors and pools.
//!
//! # Repositories on a server
//!
//! A [`RemoteCopy`] is a bare copy of a [`Remote`] that takes the place of the user's repository:
//! fetched and pushed over HTTP by git itself. Credentials reach git's helper through the
//! environment, for their server alone; they stand in no argument and no URL.
//!
//! # Limits
//!
//! git 2.38 or newer. Filters such as LFS do not run, so that a clone holds the
//! pointers; submodules are empty folders.

mod checkout;
mod clone;
mod discover;
mod disk;
mod error;
mod forget;
mod git;
mod intent;
mod lock;
mod mirror;
mod parse;
mod pool;
mod remote;
mod repository;
mod scene;
mod show;
mod sweep;
mod unseen;
mod workspace;

pub use discover::{Found, Head, discover, find_repositories};
pub use error::Error;
pub use forget::forget_run;
pub use git::{Git, Identity, Options, Version};
pub use remote::{Remote, RemoteCopy};
pub use repository::{GitRepository, Places};
pub use show::show_change;
