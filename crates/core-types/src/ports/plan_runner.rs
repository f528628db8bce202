use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    ChangeSet, ChangeSetEnd, GitProvider, Issue, MemberState, OperationId, PortError,
    RepositoryName,
};

/// A change set to be carried out.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// Who takes part, and in which order.
    pub change_set: ChangeSet,
    /// What is to be solved.
    pub issue: Issue,
    /// Where the members' issues and pull requests live; a member may be missing.
    pub providers: BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
}

/// What came of a change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOutcome {
    /// Where each member stands; one entry for each.
    pub members: BTreeMap<RepositoryName, MemberState>,
    /// How far it has landed.
    pub end: ChangeSetEnd,
}

/// Carries out the plan of a change set: one plan, one executor, over all its repositories.
///
/// A change set is known by its id. Running one that has ended MUST return the
/// same outcome and act no more; running one that was cut off MUST go on with it.
/// No member MUST start before all it waits for, none twice, and none whose
/// waiting has become vain: that one is `Skipped`. A failed member is part of
/// the outcome, not an error.
#[async_trait]
pub trait PlanRunner: Debug + Send + Sync {
    /// Runs a change set to its end.
    ///
    /// # Errors
    ///
    /// `Conflict` (the id belongs to another change set), `Cancelled`,
    /// `ResourceExhausted`; others by class.
    ///
    /// # Cancel safety
    ///
    /// A dropped call can be repeated: it goes on.
    async fn run_plan(&self, request: PlanRequest) -> Result<PlanOutcome, PortError>;

    /// Where the members of a change set stand now; `None` for one that was never run.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`, `Internal`.
    async fn member_states(
        &self,
        change_set: &OperationId,
    ) -> Result<Option<BTreeMap<RepositoryName, MemberState>>, PortError>;
}
