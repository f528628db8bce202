use core_types::RepositoryName;
use engine_workflow::Settings;
use serde::{Deserialize, Serialize};

use super::{AgentRecord, RepositorySource};

/// The newest version of [`RunRecord`] that this program reads and writes.
pub(crate) const VERSION: u16 = 1;

/// What a run was asked to do, as its journal keeps it: a resumed run goes on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this format, now 1.
    pub v: u16,
    /// What the workflow does.
    pub settings: Settings,
    /// Who works.
    pub agent: AgentRecord,
    /// Where the repositories are, in the order of the settings.
    pub sources: Vec<RepositorySource>,
}

impl RunRecord {
    /// The primary repository: where the run reports.
    #[must_use]
    pub fn primary(&self) -> Option<&RepositoryName> {
        self.settings.repositories.first().map(|repository| &repository.name)
    }
}
