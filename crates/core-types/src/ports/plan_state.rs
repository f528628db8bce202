use std::{collections::BTreeMap, fmt::Debug};

use async_trait::async_trait;

use crate::{PlanId, PortError, TaskId, TaskStatus};

/// Tells where a plan stands; it changes nothing.
///
/// A plan that is not known has no stage and no task. What one call shows is
/// consistent in itself and at least as new as every change that has returned.
#[async_trait]
pub trait PlanState: Debug + Send + Sync {
    /// The stages that are complete, in the order of their completion, without duplicates.
    ///
    /// # Errors
    ///
    /// `Internal` when the state is damaged.
    async fn completed_stages(&self, plan: &PlanId) -> Result<Vec<String>, PortError>;

    /// The last status of every task that has one.
    ///
    /// # Errors
    ///
    /// As [`PlanState::completed_stages`].
    async fn task_statuses(&self, plan: &PlanId)
    -> Result<BTreeMap<TaskId, TaskStatus>, PortError>;
}
