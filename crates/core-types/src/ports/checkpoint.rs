use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CheckpointId, PlanId, PortError, Timestamp};

/// A named point to resume or fork from, with the data its maker gave it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Unique within its store.
    pub id: CheckpointId,
    /// The plan it belongs to.
    pub plan: PlanId,
    /// The stage, as its maker names it; at most 64 characters.
    pub stage: String,
    /// What is needed to go on.
    pub data: Value,
    /// When it was made; order is [`Checkpoint::seq`].
    pub created: Timestamp,
    /// Its place in the order of the store.
    pub seq: u64,
}

/// Keeps checkpoints.
#[async_trait]
pub trait CheckpointStore: Debug + Send + Sync {
    /// Adds a checkpoint; returns when it is on disk.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when the disk is full or read-only; the earlier state is intact.
    async fn create(
        &self,
        plan: &PlanId,
        stage: &str,
        data: Value,
    ) -> Result<CheckpointId, PortError>;

    /// The newest checkpoint of a plan; of the given stage, if one is given.
    ///
    /// # Errors
    ///
    /// `Internal` when the store is damaged.
    async fn latest(
        &self,
        plan: &PlanId,
        stage: Option<&str>,
    ) -> Result<Option<Checkpoint>, PortError>;

    /// All checkpoints of a plan, oldest first.
    ///
    /// # Errors
    ///
    /// As [`CheckpointStore::latest`].
    async fn list(&self, plan: &PlanId) -> Result<Vec<Checkpoint>, PortError>;
}
