//! Agents by the name of their kind.

mod argument;
mod programs;
mod sandbox;
mod spec;

pub use argument::{AgentArgument, parse_agent_argument};
pub use programs::{KNOWN_PROGRAMS, find_programs};
pub use spec::{AgentContext, AgentSpec, Constructor, Registry};
