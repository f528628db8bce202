use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::Task;

/// The model that an agent is to work with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelChoice {
    /// The model, by a name that has a price.
    pub model: String,
    /// The class that it was chosen for, such as `FAST`; empty where a person has fixed the model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tier: String,
}

/// Chooses the model of each request to an agent.
///
/// It MUST give the same choice for the same task as long as it lives, without waiting for anything.
pub trait ModelSelector: Debug + Send + Sync {
    /// The model for work on a task, or with none for planning and review. `None` leaves it to the agent.
    fn select(&self, task: Option<&Task>) -> Option<ModelChoice>;
}

/// Leaves the model to the agent.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSelection;

impl ModelSelector for NoSelection {
    fn select(&self, _: Option<&Task>) -> Option<ModelChoice> {
        None
    }
}
