//! What a run is asked to do. The caller records it, so that a resumed run
//! goes on with the same values.

use std::time::Duration;

use core_types::{
    BranchName, ChangeSet, CommandLine, Issue, IssueNumber, Plan, PlanId, RepositoryName, RunId,
    Timestamp,
};
use serde::{Deserialize, Serialize};

/// All that a run is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The run.
    pub run: RunId,
    /// The name of its plan.
    pub plan_id: PlanId,
    /// What is to be solved.
    pub issue: Issue,
    /// Where the issue is kept, if a forge holds it: repository and number.
    pub issue_home: Option<(RepositoryName, IssueNumber)>,
    /// The repositories, primary first; names are unique.
    pub repositories: Vec<RepositorySettings>,
    /// A plan given by a person; without one the agent plans.
    pub plan: Option<Plan>,
    /// Gates at which the run waits for a person.
    pub approvals: Approvals,
    /// Limits of time and number.
    pub limits: Limits,
    /// What is done with the result.
    pub landing: LandingSettings,
    /// Patterns of paths whose change lands only when a person says so, beside those that always need one: a file,
    /// a folder ending in `/`, or `*` for any characters.
    #[serde(default)]
    pub protected_paths: Vec<String>,
    /// How the repositories wait for each other; `None` where they do not.
    #[serde(default)]
    pub change_set: Option<ChangeSet>,
    /// Who follows the issue; `None` where nobody does, and the run itself tells it what was made of it.
    #[serde(default)]
    pub followed: Option<Followed>,
}

/// An issue that a process follows: it tells the issue what becomes of the run, in one comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Who asked for the run there.
    pub by: String,
    /// When, by the forge's clock: what was said there before is not meant for this run.
    pub since: Timestamp,
}

/// One repository of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySettings {
    /// Its name.
    pub name: RepositoryName,
    /// The branch that the run starts from and lands on.
    pub target: BranchName,
    /// What prepares a clone before the agent or the tests; may be missing.
    pub setup_command: Option<CommandLine>,
    /// What verifies a clone; without it nothing is verified, and every report says so.
    pub test_command: Option<CommandLine>,
    /// When the tests are ended; `None` for the run's limit.
    pub test_timeout: Option<Duration>,
    /// Whether tasks may change it.
    pub write: bool,
}

/// Gates at which the run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Approvals {
    /// After planning.
    pub plan: bool,
    /// Before a target branch moves.
    pub landing: bool,
    /// Before a landed change is deployed.
    #[serde(default)]
    pub deploy: bool,
}

/// Limits of time and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many tasks run at a time, at least 1.
    pub max_workers: usize,
    /// How often an attempt that was killed with the engine is run, the first time included.
    pub max_executions: u32,
    /// When an agent is ended.
    pub agent_timeout: Duration,
    /// When a set-up command is ended.
    pub setup_timeout: Duration,
    /// When a test command is ended.
    pub test_timeout: Duration,
}

/// What is done with the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingSettings {
    /// Whether target branches are moved, beside opening pull requests.
    pub land: bool,
    /// Which repositories land when one has failed.
    pub mode: LandingMode,
    /// Whether a checked-out, clean target branch is moved together with its files.
    pub update_checkout: bool,
    /// Whether a change that no test has verified may land.
    pub allow_unverified: bool,
}

/// Which repositories land when one has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LandingMode {
    /// None.
    All,
    /// Those without a failure.
    Each,
}

impl Settings {
    /// The settings of a repository of the run.
    #[must_use]
    pub fn repository(&self, name: &RepositoryName) -> Option<&RepositorySettings> {
        self.repositories
            .iter()
            .find(|repository| repository.name == *name)
    }
}
