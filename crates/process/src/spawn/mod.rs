//! Starting processes: what `posix_spawn` cannot do (a parent-death signal, a PID namespace), and at its price.
//!
//! - [`thread`]: the one thread that starts children, because the parent-death signal comes when the
//!   *thread* that started a child ends.
//! - [`image`]: everything a child needs, laid out before it exists.
//! - [`exec`]: the way from a new process to the program.
//! - [`confine`]: what a sandbox takes away on that way.
//! - [`keeper`]: the process that holds a tree together.
//! - [`network`]: the network namespace that it lays out.

mod confine;
mod exec;
mod image;
mod keeper;
mod network;
mod thread;

pub(crate) use exec::{Failure, Stage, spawn};
pub(crate) use image::{Image, above_stdio};
pub(crate) use keeper::{Reach, Report, spawn_keeper};
pub(crate) use thread::on_spawner;
