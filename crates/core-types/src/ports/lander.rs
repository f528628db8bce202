use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Blocked, CommitId, Landing, OperationId, Repository, RepositoryName, StepLog, StepRef,
    step::StepError,
};

/// A change set whose target branches are to be moved.
#[derive(Debug)]
pub struct ChangeSetLanding<'a> {
    /// Its identity; the same for every attempt.
    pub change_set: &'a OperationId,
    /// The attempt, from 1: another one for other commits, that is, after each
    /// [`ChangeSetLanded::TargetMoved`].
    pub attempt: u32,
    /// What is to move where; each repository once, in any order.
    pub members: Vec<LandingMember>,
    /// Where it is recorded.
    pub steps: &'a dyn StepLog,
    /// Is told of each target branch that has moved, within the step that moved it.
    pub observer: &'a dyn LandingObserver,
}

/// One repository of a change set that lands.
#[derive(Debug, Clone)]
pub struct LandingMember {
    /// Where.
    pub repository: Arc<dyn Repository>,
    /// What.
    pub landing: Landing,
}

/// Is told how a landing goes on, for events.
pub trait LandingObserver: Debug + Send + Sync {
    /// A target branch has moved, or held the commit already; `step` is being recorded.
    fn landed(&self, step: &StepRef, repository: &RepositoryName, landing: &Landing);
}

/// How far a change set came. Only [`ChangeSetLanded::All`] and
/// [`ChangeSetLanded::TargetMoved`] are recorded: the same attempt may be
/// asked again after the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ChangeSetLanded {
    /// Every target branch holds its commit.
    All,
    /// Some targets have moved meanwhile: bring those changes up to them, test
    /// them, and land all members again as the next attempt.
    TargetMoved {
        /// Where they point now.
        moved: BTreeMap<RepositoryName, CommitId>,
        /// What has landed all the same: empty, unless the engine was killed
        /// after the decision and a target moved before it went on.
        landed: Vec<RepositoryName>,
        /// What stands for changes that were merged and taken back: a commit with the same files on
        /// what took them back. A new pull request must propose it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        again: BTreeMap<RepositoryName, CommitId>,
    },
    /// Persons must act; nothing has moved.
    Blocked {
        /// Where, and what to do.
        blocked: BTreeMap<RepositoryName, LandingBlock>,
    },
    /// It was decided to land, and somebody came between in the last moment:
    /// asked again, the rest follows.
    Partial {
        /// What has landed.
        landed: Vec<RepositoryName>,
        /// What has not, and what to do.
        blocked: BTreeMap<RepositoryName, LandingBlock>,
    },
}

/// Why a target branch was left, and what a person does about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandingBlock {
    /// Why.
    pub blocked: Blocked,
    /// The line to run, or what to mend.
    pub hint: String,
}

/// Lands a change set in all repositories or in none.
///
/// Killed at any instant and asked again with the same attempt, it MUST end
/// with all target branches moved or with none, and leave no lock behind;
/// where that is out of its hands, with [`ChangeSetLanded::Partial`].
#[async_trait]
pub trait ChangeSetLander: Debug + Send + Sync {
    /// Moves all target branches, or none.
    ///
    /// # Errors
    ///
    /// Those of the step log and of the repositories, by class. It is then to be asked again.
    ///
    /// # Cancel safety
    ///
    /// A dropped call is to be asked again.
    async fn land(&self, landing: ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError>;
}
