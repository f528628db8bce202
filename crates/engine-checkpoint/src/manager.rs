//! Checkpoints by themselves, as a folder that several processes share.

use std::path::Path;

use async_trait::async_trait;
use core_types::{Checkpoint, CheckpointId, CheckpointStore, PlanId, PortError};
use serde_json::Value;

use crate::{
    Error, Options, Retention,
    record::{CheckpointMade, CheckpointsRemoved, PlanFinished, VERSION},
    shared::{Shared, stage},
    table::{CheckpointTable, check_stage, id_of},
};

/// Keeps checkpoints in a folder of their own; several processes may use it at once.
///
/// Order is that of the making, never a clock or a name. What a method has
/// answered is on disk. Inside a run, use [`RunJournal::checkpoints`](crate::RunJournal::checkpoints) instead.
///
/// ```standalone_crate
/// use core_types::PlanId;
/// use engine_checkpoint::CheckpointManager;
/// use serde_json::json;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let checkpoint = CheckpointManager::open(".automation/checkpoints")?;
/// let plan_id = PlanId::new("plan-42")?;
///
/// // Create a checkpoint before a risky operation.
/// let checkpoint_id = checkpoint
///     .create_checkpoint(
///         &plan_id,
///         "implementation",
///         json!({
///             "current_task": "task-3",
///             "completed_files": ["file1.py", "file2.py"],
///             "pending_files": ["file3.py"],
///         }),
///     )
///     .await?;
///
/// // Retrieve the latest checkpoint if a failure occurs.
/// let latest = checkpoint.get_latest_checkpoint(&plan_id).await?;
/// let latest = latest.expect("one was made");
/// assert_eq!(latest.id, checkpoint_id);
/// assert_eq!(latest.data["pending_files"], json!(["file3.py"]));
/// # Ok(())
/// # }
/// # let folder = tempfile::tempdir()?;
/// # std::env::set_current_dir(&folder)?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
///
/// A dropped call drops the answer only; what it began happens all the same,
/// whole or not at all. This holds for all methods.
#[derive(Debug, Clone)]
pub struct CheckpointManager {
    shared: Shared<CheckpointTable>,
}

impl CheckpointManager {
    /// Opens the checkpoints in a folder with default options. A missing
    /// folder is one without checkpoints; the first checkpoint creates it.
    /// Reads all of it, blocking.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal` (damage, or the disk).
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir, &Options::default())
    }

    /// As [`CheckpointManager::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub fn open_with(dir: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let shared = Shared::open(dir.as_ref(), options)?;
        Ok(Self { shared })
    }

    /// Adds a checkpoint of a plan.
    ///
    /// `stage` has 1 to 64 characters. A plan that was marked as finished is so no longer.
    ///
    /// # Errors
    ///
    /// `Validation` (the stage, or more data than a record takes), `ResourceExhausted` (disk
    /// full or read-only; what was there is intact), `Internal`.
    pub async fn create_checkpoint(
        &self,
        plan_id: &PlanId,
        stage_name: &str,
        checkpoint_data: Value,
    ) -> Result<CheckpointId, Error> {
        let stage_name = check_stage(stage_name)?;
        let plan = plan_id.clone();
        let make = move |_: &CheckpointTable, batch: &mut journal::Batch<'_>, at| {
            let made = CheckpointMade {
                v: VERSION,
                at,
                plan,
                stage: stage_name,
                data: checkpoint_data,
            };
            stage(batch, &made).map(id_of)
        };
        self.shared.batch(make).await
    }

    /// The newest checkpoint of a plan, of whatever stage.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub async fn get_latest_checkpoint(
        &self,
        plan_id: &PlanId,
    ) -> Result<Option<Checkpoint>, Error> {
        self.newest(plan_id, None).await
    }

    /// The newest checkpoint of a plan's stage.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub async fn get_latest_stage_checkpoint(
        &self,
        plan_id: &PlanId,
        stage_name: &str,
    ) -> Result<Option<Checkpoint>, Error> {
        self.newest(plan_id, Some(stage_name)).await
    }

    async fn newest(
        &self,
        plan: &PlanId,
        stage_name: Option<&str>,
    ) -> Result<Option<Checkpoint>, Error> {
        let (plan, stage_name) = (plan.clone(), stage_name.map(str::to_owned));
        let look =
            move |table: &CheckpointTable| table.latest(&plan, stage_name.as_deref()).cloned();
        self.shared.read(look).await
    }

    /// The checkpoint of this id, unless it was never made or is removed.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub async fn get_checkpoint(&self, id: &CheckpointId) -> Result<Option<Checkpoint>, Error> {
        let id = id.clone();
        self.shared.read(move |table| table.get(&id).cloned()).await
    }

    /// All checkpoints of a plan, oldest first; empty for an unknown plan.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub async fn list_checkpoints(&self, plan_id: &PlanId) -> Result<Vec<Checkpoint>, Error> {
        let plan = plan_id.clone();
        let look = move |table: &CheckpointTable| table.of_plan(&plan).cloned().collect();
        self.shared.read(look).await
    }

    /// The plans that have checkpoints, sorted.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::open`].
    pub async fn plans(&self) -> Result<Vec<PlanId>, Error> {
        let look = |table: &CheckpointTable| table.plans().cloned().collect();
        self.shared.read(look).await
    }

    /// Removes all checkpoints of exactly this plan. Returns how many there were.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::create_checkpoint`].
    pub async fn delete_checkpoints(&self, plan_id: &PlanId) -> Result<usize, Error> {
        let plan = plan_id.clone();
        self.remove(move |table, _| table.of_plan(&plan).map(|c| c.seq).collect())
            .await
    }

    /// Marks a plan as finished: clean-up may then remove its last checkpoint
    /// too. An unknown plan stays unknown.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::create_checkpoint`].
    pub async fn finish_plan(&self, plan_id: &PlanId) -> Result<(), Error> {
        let plan = plan_id.clone();
        let finish = move |table: &CheckpointTable, batch: &mut journal::Batch<'_>, at| {
            if table.is_unfinished(&plan) {
                stage(
                    batch,
                    &PlanFinished {
                        v: VERSION,
                        at,
                        plan,
                    },
                )?;
            }
            Ok(())
        };
        self.shared.batch(finish).await
    }

    /// Removes what `retention` does not keep, but never the last checkpoint
    /// of a plan that is not marked as finished. Returns how many were removed.
    ///
    /// # Errors
    ///
    /// As [`CheckpointManager::create_checkpoint`].
    pub async fn clean_up(&self, retention: &Retention) -> Result<usize, Error> {
        let retention = *retention;
        self.remove(move |table, now| table.expired(now, &retention))
            .await
    }

    async fn remove(
        &self,
        choose: impl FnOnce(&CheckpointTable, core_types::Timestamp) -> Vec<u64> + Send + 'static,
    ) -> Result<usize, Error> {
        let remove = |table: &CheckpointTable, batch: &mut journal::Batch<'_>, at| {
            let seqs = choose(table, at);
            let count = seqs.len();
            if count > 0 {
                stage(
                    batch,
                    &CheckpointsRemoved {
                        v: VERSION,
                        at,
                        seqs,
                    },
                )?;
            }
            Ok(count)
        };
        self.shared.batch(remove).await
    }
}

#[async_trait]
impl CheckpointStore for CheckpointManager {
    async fn create(
        &self,
        plan: &PlanId,
        stage: &str,
        data: Value,
    ) -> Result<CheckpointId, PortError> {
        let created = self.create_checkpoint(plan, stage, data).await;
        created.map_err(|error| error.during("create a checkpoint"))
    }

    async fn latest(
        &self,
        plan: &PlanId,
        stage: Option<&str>,
    ) -> Result<Option<Checkpoint>, PortError> {
        let latest = self.newest(plan, stage).await;
        latest.map_err(|error| error.during("read a checkpoint"))
    }

    async fn list(&self, plan: &PlanId) -> Result<Vec<Checkpoint>, PortError> {
        let list = self.list_checkpoints(plan).await;
        list.map_err(|error| error.during("list checkpoints"))
    }
}
