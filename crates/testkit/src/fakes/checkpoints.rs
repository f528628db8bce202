use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use core_types::{Checkpoint, CheckpointId, CheckpointStore, Clock, ErrorClass, PlanId, PortError};
use serde_json::Value;

use super::{FixedClock, lock};

/// Checkpoints of one process.
#[derive(Debug)]
pub struct MemoryCheckpoints {
    clock: Arc<dyn Clock>,
    checkpoints: Mutex<Vec<Checkpoint>>,
}

impl MemoryCheckpoints {
    /// An empty store that takes its times from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let checkpoints = Mutex::default();
        Self { clock, checkpoints }
    }
}

impl Default for MemoryCheckpoints {
    fn default() -> Self {
        Self::new(Arc::new(FixedClock::default()))
    }
}

#[async_trait]
impl CheckpointStore for MemoryCheckpoints {
    async fn create(
        &self,
        plan: &PlanId,
        stage: &str,
        data: Value,
    ) -> Result<CheckpointId, PortError> {
        if !(1..=64).contains(&stage.chars().count()) {
            let error = PortError::new(ErrorClass::Validation, "create a checkpoint");
            return Err(error.because("a stage's name has 1 to 64 characters"));
        }
        let mut checkpoints = lock(&self.checkpoints);
        let seq = checkpoints.len() as u64 + 1;
        let id =
            CheckpointId::new(format!("checkpoint-{seq}")).expect("a word and a number make an id");
        checkpoints.push(Checkpoint {
            id: id.clone(),
            plan: plan.clone(),
            stage: stage.to_owned(),
            data,
            created: self.clock.now(),
            seq,
        });
        Ok(id)
    }

    async fn latest(
        &self,
        plan: &PlanId,
        stage: Option<&str>,
    ) -> Result<Option<Checkpoint>, PortError> {
        let wanted =
            |c: &&Checkpoint| c.plan == *plan && stage.is_none_or(|stage| c.stage == stage);
        Ok(lock(&self.checkpoints).iter().rev().find(wanted).cloned())
    }

    async fn list(&self, plan: &PlanId) -> Result<Vec<Checkpoint>, PortError> {
        let checkpoints = lock(&self.checkpoints);
        Ok(checkpoints
            .iter()
            .filter(|c| c.plan == *plan)
            .cloned()
            .collect())
    }
}
