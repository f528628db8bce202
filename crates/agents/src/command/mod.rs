//! The `command` agent: any program, contained.

mod agent;
mod announce;

pub use agent::{CommandAgent, CommandAgentOptions};
