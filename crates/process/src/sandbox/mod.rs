//! What a contained program may reach: files, network, sockets, and how much of the machine.
//!
//! - `policy`: what a caller asks for.
//! - `paths`: which paths programs need.
//! - `landlock`: files, ports and signals, by rules of the kernel that hold for all descendants.
//! - `seccomp`: system calls that reach what Landlock does not rule: kinds of sockets, namespaces, tracing.
//! - `confinement`: all of it laid out before the child exists.

mod confinement;
mod landlock;
mod paths;
mod policy;
mod seccomp;

pub(crate) use confinement::{Confinement, Filter, Layers};
pub use landlock::landlock_version;
pub(crate) use landlock::{READ, WRITE, add_path};
pub(crate) use paths::moved;
pub use paths::{program_paths, usual_paths};
pub(crate) use policy::MOST_PORTS;
pub use policy::{
    Limits, Network, Sandbox, SandboxSupport, SandboxedBy, UnixSockets, make_private,
    sandbox_support,
};
