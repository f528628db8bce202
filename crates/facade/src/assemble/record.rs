use std::{collections::BTreeMap, path::PathBuf};

use core_types::{RepositoryName, RunId};
use engine_checkpoint::RunView;
use engine_workflow::{LandingMode, Settings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AgentRecord, BudgetRecord, Error, GatewayRecord, Home, LearningRecord, ModelsRecord,
    RecoveryRecord, RepositorySource, SandboxRecord, Surroundings,
};

/// The name of the run record that replaces the header's after `resume --reload`.
pub(crate) const RELOADED: &str = "reloaded";

/// The newest version of [`RunRecord`] that this program reads and writes.
pub(crate) const VERSION: u16 = 1;

/// What of a run's record the command line said. The rest came from the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The roots of the repositories, where they are not those of the configuration.
    pub repositories: Vec<PathBuf>,
    /// The agent, as it was written.
    pub agent: Option<String>,
    /// Whether to wait for a person after planning.
    pub approve_plan: bool,
    /// Whether to wait for a person before landing.
    pub approve_landing: bool,
    /// Which repositories land when one has failed.
    pub landing: Option<LandingMode>,
    /// Whether a checked-out target moves together with its files.
    pub update_checkout: bool,
    /// Whether what no test has verified may land.
    pub allow_unverified: bool,
    /// Whether agents and commands run without a sandbox.
    #[serde(default)]
    pub no_sandbox: bool,
    /// The run whose models' answers are given again.
    #[serde(default)]
    pub replay: Option<RunId>,
    /// How many tasks run at a time.
    pub max_workers: Option<usize>,
    /// The cross-repository workflow.
    #[serde(default)]
    pub workflow: Option<String>,
    /// What was said about the change.
    #[serde(default)]
    pub context: BTreeMap<String, String>,
}

/// What a run was asked to do, as its journal keeps it: a resumed run goes on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this format, now 1.
    pub v: u16,
    /// What the workflow does.
    pub settings: Settings,
    /// Who works.
    pub agent: AgentRecord,
    /// How many bytes of the output of one command or agent are kept on disk.
    pub output_disk_bytes: u64,
    /// What the command line said, which a reload leaves as it is; `None` in
    /// records that do not tell, of which a reload leaves all.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// How failures are repaired; `None` where each goes to a person at once.
    #[serde(default)]
    pub recovery: Option<RecoveryRecord>,
    /// How much it may spend; `None` in records of before there were limits.
    #[serde(default)]
    pub budget: Option<BudgetRecord>,
    /// How it chooses models; `None` in records of before it did.
    #[serde(default)]
    pub models: Option<ModelsRecord>,
    /// What its agents and commands may reach.
    #[serde(default)]
    pub sandbox: SandboxRecord,
    /// How its agents reach their models.
    #[serde(default)]
    pub gateway: GatewayRecord,
    /// What it learns; `None` for nothing.
    #[serde(default)]
    pub learning: Option<LearningRecord>,
    /// Where the repositories are, in the order of the settings.
    pub sources: Vec<RepositorySource>,
}

impl RunRecord {
    /// Reads what a run of a home was asked to do, from any process.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`], [`Error::Record`].
    pub fn read(home: &Home, run: &RunId, surroundings: &Surroundings) -> Result<Self, Error> {
        Self::of(&view(home, run, surroundings)?)
    }

    /// What the run of a view was asked to do: the reloaded configuration, else the first.
    pub(crate) fn of(view: &RunView) -> Result<Self, Error> {
        let data = view.run_record(RELOADED).unwrap_or(&view.header().data);
        Self::from_value(&view.header().run, data.clone())
    }

    pub(crate) fn from_value(run: &RunId, value: Value) -> Result<Self, Error> {
        let version = value.get("v").and_then(Value::as_u64).unwrap_or_default();
        if version > u64::from(VERSION) {
            let message = format!("run {run} was made by a newer version of the program");
            return Err(Error::request(message, "update the program"));
        }
        serde_json::from_value(value).map_err(|source| Error::Record {
            run: run.clone(),
            source,
        })
    }

    pub(crate) fn to_value(&self) -> Result<Value, Error> {
        let run = &self.settings.run;
        serde_json::to_value(self).map_err(|source| Error::Record {
            run: run.clone(),
            source,
        })
    }

    /// The primary repository: where the run reports.
    #[must_use]
    pub fn primary(&self) -> Option<&RepositoryName> {
        self.settings
            .repositories
            .first()
            .map(|repository| &repository.name)
    }
}

/// A run of a home, from any process.
pub(crate) fn view(
    home: &Home,
    run: &RunId,
    surroundings: &Surroundings,
) -> Result<RunView, Error> {
    let folder = home.run_folder(run).join("journal");
    let read = RunView::read_with(folder, &surroundings.journal);
    read.map_err(|source| Error::journal(run, source))
}
