//! What a contained program may reach: files, network, sockets, and how much of the machine.
//!
//! - [`policy`](self): what a caller asks for.
//! - `landlock`: files, ports and signals, by rules of the kernel that hold for all descendants.
//! - `seccomp`: system calls that reach what Landlock does not rule: kinds of sockets, namespaces, tracing.
//! - `confinement`: all of it laid out before the child exists.

mod confinement;
mod landlock;
mod policy;
mod seccomp;

pub(crate) use confinement::{Confinement, Filter, layers};
pub use landlock::landlock_version;
pub(crate) use landlock::{READ, WRITE, add_path};
pub use policy::{
    Limits, Network, Sandbox, SandboxSupport, SandboxedBy, UnixSockets, sandbox_support,
};
