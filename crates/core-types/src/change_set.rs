//! One change over several repositories: who takes part, and who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{CommandLine, OperationId, RepositoryName};

/// One change over several repositories, as a run is given it and records it.
///
/// It has one identity; it is tested on the combined heads and lands in all
/// repositories or in none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Its identity, the same for every try of it.
    pub id: OperationId,
    /// The name of the cross-repository workflow, if one was asked for.
    pub workflow: Option<String>,
    /// One after another, or side by side.
    pub coordination: Coordination,
    /// The repositories that take part, each once, in the order in which they land:
    /// whatever a member waits for stands before it. Never empty.
    pub members: Vec<Member>,
    /// Tests the combined heads side by side.
    pub test_command: Option<CommandLine>,
    /// What the caller says about this change (`source_repo`, `feature_flag`, …); it
    /// reaches prompts, commands and reports, as data.
    pub context: BTreeMap<String, String>,
}

/// How a change set goes through its repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coordination {
    /// One repository at a time, in order; the first failure stops the rest.
    Sequential,
    /// As far as dependencies allow; a failure stops its dependents alone.
    Parallel,
}

/// One repository of a change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub repository: RepositoryName,
    /// Whether the change may write to it; others are there to be read.
    pub write: bool,
    /// The members whose tasks must all have succeeded before one of its own
    /// starts; each once.
    pub after: Vec<Wait>,
    /// What starts it, where that is not the start of the run. Beside `after`.
    pub trigger: Option<Trigger>,
    /// What is run once after the change set has landed, behind a gate of its own.
    pub deploy: Option<CommandLine>,
}

/// Another member that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wait {
    /// Which.
    pub repository: RepositoryName,
    /// Why.
    pub reason: WaitReason,
}

/// Why a repository waits for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// It depends on it (`depends_on`).
    Dependency,
    /// The workflow is sequential, and the other one comes first.
    Sequence,
    /// The other one's completion starts it (`triggers`).
    Trigger,
}

impl WaitReason {
    /// The reason as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::Sequence => "sequence",
            Self::Trigger => "trigger",
        }
    }
}

/// What starts a repository, once. A repository has completed when its
/// integration head has passed Testing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The members that are waited for, each once; never empty.
    pub on: Vec<RepositoryName>,
    /// How many of them must have completed.
    pub when: TriggerWhen,
}

/// How many of its triggers start a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerWhen {
    /// All that take part.
    All,
    /// The first.
    Any,
}

impl ChangeSet {
    /// The member of a name.
    #[must_use]
    pub fn member(&self, repository: &RepositoryName) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.repository == *repository)
    }

    /// The order in which the repositories land.
    pub fn landing_order(&self) -> impl Iterator<Item = &RepositoryName> {
        self.members.iter().map(|member| &member.repository)
    }
}

impl Member {
    /// All that it waits for, triggers included.
    pub fn waits(&self) -> impl Iterator<Item = Wait> + '_ {
        let triggers = self.trigger.iter().flat_map(|trigger| &trigger.on);
        let triggers = triggers.map(|repository| Wait {
            repository: repository.clone(),
            reason: WaitReason::Trigger,
        });
        self.after.iter().cloned().chain(triggers)
    }
}

/// Where a member of a change set stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum MemberState {
    /// It has not started.
    Waiting {
        /// What it waits for; empty where only a worker slot is missing.
        on: Vec<Wait>,
    },
    /// Its tasks run.
    Running,
    /// All its tasks have succeeded.
    Succeeded,
    /// Its integration head has passed Testing.
    Completed,
    /// Its target branch holds the change.
    Landed,
    /// It was rightly left as it is.
    Unchanged,
    /// It failed.
    Failed {
        /// One line for people.
        reason: String,
    },
    /// It never started, since another one did not succeed.
    Skipped {
        /// Which.
        because: RepositoryName,
    },
}

impl MemberState {
    /// The state's name as it is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Completed => "completed",
            Self::Landed => "landed",
            Self::Unchanged => "unchanged",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }
}

/// How far a change set has landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
#[non_exhaustive]
pub enum ChangeSetEnd {
    /// In all repositories.
    All,
    /// In none.
    None {
        /// Why, one line for each reason; empty where landing was not asked for.
        reasons: Vec<String>,
    },
    /// In some: a person must look.
    Partial {
        /// Where it has landed.
        landed: BTreeSet<RepositoryName>,
        /// Where it has not, each with the reason.
        missing: BTreeMap<RepositoryName, String>,
    },
}
