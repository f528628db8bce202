//! `config/automation.yaml`: how the engine works.

mod render;
mod settings;

#[cfg(test)]
mod tests;

pub use render::{AgentChoice, InitChoices, render};
pub(crate) use settings::load;
pub use settings::{
    AgentEntry, AgentNetwork, Approvals, Budget, Changes, Gateway, KeepPrompts, Labels, Landing,
    LandingMode, Learning, Limits, Recovery, Retention, Sandbox, Serve, Settings,
};
