//! Child processes: every program the engine runs starts here.
//!
//! A [`Launch`] says what to run, in which folder, with which environment (nothing is inherited), how
//! much output to keep and how long it may take. [`Launch::run`] gives back a [`Finished`]: how it
//! ended, what it printed, and by what means its process tree was held together.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), process::Error> {
//! use std::time::Duration;
//! use process::{Containment, Exit, Launch};
//!
//! let finished = Launch::new("sh")
//!     .args(["-c", "echo $GREETING; exit 3"])
//!     .env("PATH", "/usr/bin:/bin")
//!     .env("GREETING", "hello")
//!     .deadline(Duration::from_secs(10))
//!     .containment(Containment::Tree)
//!     .run()
//!     .await?;
//! assert_eq!(finished.exit, Exit::Code(3));
//! assert_eq!(finished.stdout.bytes, b"hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - [`Containment::None`] is for children we trust, git above all: one process in a process group of
//!   its own, started like `posix_spawn` does it (nothing of our memory is copied).
//! - [`Containment::Tree`] is for agents, tests and hooks. Between us and the program stands a *keeper*,
//!   a copy of our process that does nothing but reap. Where the kernel lets us, the keeper is the first
//!   process of a PID namespace, so that the kernel ends every descendant with it, however it hid.
//!   Elsewhere it is the reaper of its orphans, so that they stay its descendants and are found there.
//!   [`Finished::contained_by`] says which it was.
//! - A [`Sandbox`] says what a contained program may reach; everything else is refused. [`sandbox_support`] says
//!   whether this system can, and [`Finished::sandboxed_by`] by what means it did.
//! - [`Runner`] is the `CommandRunner` port over it; [`run_recorded`] is what adapters run agents and hooks with: the tree
//!   is on record before its program starts.
//! - A [`Dialog`] talks with a child that we trust while it runs, line by line.
//!
//! # Guarantees
//!
//! - Nothing is inherited: no environment variable, no descriptor but the three standard ones, no signal
//!   mask, and with `Tree` no terminal.
//! - When a future returns or is dropped, its child is ended and reaped; with `Tree`, all descendants too.
//! - A program that may talk with ports of this machine has, where the kernel lets us, a network of its own in which
//!   these alone are there; what connects to them, we carry over.
//! - When our process dies, however it dies, its children get SIGKILL; in a PID namespace their
//!   descendants too. What may outlive us otherwise is found again by [`find_marked`].
//! - Memory for output is bounded by [`OutputLimit`], and the end of a program never waits for the end
//!   of its output: whoever holds the pipe open is not waited for.
//!
//! # Limits
//!
//! Linux 5.11 or newer. Without a PID namespace a descendant that kills its keeper escapes until the
//! mark is searched for.

#[cfg(not(target_os = "linux"))]
compile_error!("crate process needs Linux: pidfd, /proc and PID namespaces");

mod capture;
mod child;
mod environment;
mod error;
mod launch;
mod marked;
mod relay;
mod runner;
mod sandbox;
mod spawn;
mod table;

pub use capture::{Captured, OutputLimit};
pub use core_types::Exit;
pub use environment::allowed_environment;
pub use error::Error;
pub use launch::{ContainedBy, Containment, Dialog, Finished, Held, Launch};
pub use marked::{Found, RUN_MARK, end_marked, find_at, find_marked, is_running};
pub use runner::{CommandSandbox, Runner, run_recorded};
pub use sandbox::{
    Limits, Network, Sandbox, SandboxSupport, SandboxedBy, UnixSockets, landlock_version,
    make_private, program_paths, sandbox_support, usual_paths,
};
