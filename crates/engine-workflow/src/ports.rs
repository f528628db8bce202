//! What a run is carried out with.

use std::{collections::BTreeMap, fmt::Debug, path::PathBuf, sync::Arc};

use core_types::{
    Agent, ChangeSetLander, CheckpointStore, Clock, CommandRunner, EventSink, GitProvider, Inbox,
    Ledger, ModelSelector, NoAdvice, NoLedger, NoRecovery, NoSelection, Plan, PortError,
    PromptAdvisor, Recovery, Repository, RepositoryName, StepLog,
};

/// The ports of a run.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The run's steps.
    pub steps: Arc<dyn StepLog>,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// Where checkpoints go.
    pub checkpoints: Arc<dyn CheckpointStore>,
    /// What other processes say to the run.
    pub inbox: Arc<dyn Inbox>,
    /// Who plans, implements and reviews.
    pub agent: Arc<dyn Agent>,
    /// Who runs set-up and test commands.
    pub commands: Arc<dyn CommandRunner>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The repositories, one for each of the settings.
    pub repositories: BTreeMap<RepositoryName, RepositoryPorts>,
    /// Where the settled plan is written for people.
    pub plan_file: Arc<dyn PlanFile>,
    /// The run's folder, for transcripts and logs.
    pub folder: PathBuf,
    /// What may be spent, and what learning and recovery add.
    pub aids: Aids,
}

/// One repository and its forge.
#[derive(Debug, Clone)]
pub struct RepositoryPorts {
    /// The git repository.
    pub repository: Arc<dyn Repository>,
    /// Where its issues and pull requests live.
    pub forge: Arc<dyn GitProvider>,
}

/// Ports with a neutral default.
#[derive(Debug, Clone)]
pub struct Aids {
    /// Default: no limit.
    pub ledger: Arc<dyn Ledger>,
    /// Default: the model is left to the agent.
    pub models: Arc<dyn ModelSelector>,
    /// Default: no advice.
    pub advisor: Arc<dyn PromptAdvisor>,
    /// Default: every failure is handed to a person.
    pub recovery: Arc<dyn Recovery>,
    /// What lands several repositories at once. Without one they land one after another.
    pub lander: Option<Arc<dyn ChangeSetLander>>,
    /// What every pull request says of how the run was made. Default: nothing.
    pub notes: Vec<String>,
}

impl Default for Aids {
    fn default() -> Self {
        Self {
            ledger: Arc::new(NoLedger),
            models: Arc::new(NoSelection),
            advisor: Arc::new(NoAdvice),
            recovery: Arc::new(NoRecovery),
            lander: None,
            notes: Vec::new(),
        }
    }
}

/// Writes the settled plan as a file that people read.
pub trait PlanFile: Debug + Send + Sync {
    /// Replaces the file. Writing the same plan again leaves the same file.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when it could not be written.
    fn write(&self, plan: &Plan) -> Result<(), PortError>;
}
