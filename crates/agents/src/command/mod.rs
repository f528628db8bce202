//! The `command` agent: any program, contained.

mod agent;
mod announce;
mod interim;

pub use agent::{CommandAgent, CommandAgentOptions};
pub(crate) use agent::{never_started, on_disk_thread, process_error, with_request};
pub(crate) use announce::Announced;
