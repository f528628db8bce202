//! The `scripted` agent: a playbook of edits, for tests and for the demo.

mod agent;
mod edit;
mod playbook;
#[cfg(test)]
mod tests;

pub use agent::{ScriptedAgent, ScriptedAgentOptions};
pub(crate) use edit::{apply, guard, read};
pub use playbook::{
    Action, InvalidStep, PlanScene, Playbook, Replacement, ReviewScene, Reviews, Scene, Step, Text,
    WorkPath,
};
