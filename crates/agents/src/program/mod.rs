//! Coding agents that are programs of their own: Claude Code and Codex.
//!
//! They are run without a terminal and say what they do as a stream of JSON, one event a line. What a
//! person can read of it becomes the transcript while they work; tokens are counted as they are told,
//! and the whole process tree is ended where no more may be spent.

mod agent;
mod claude_code;
mod codex;
mod kind;
pub(crate) mod schema;
mod stream;
mod told;

pub use agent::{ProgramAgent, ProgramAgentOptions};
pub use kind::Program;
pub(crate) use told::{call_line, cut};
