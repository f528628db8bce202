//! The `command` agent: any program, contained.

mod agent;
mod announce;
mod interim;

pub use agent::{CommandAgent, CommandAgentOptions};
