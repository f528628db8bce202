//! A plan's stages and task statuses by themselves, outside of a run.

use std::{collections::BTreeMap, path::Path};

use async_trait::async_trait;
use core_types::{PlanId, PortError, TaskId, TaskStatus};
use journal::{Fold, FoldError, Record};

use crate::{
    Error, Options, kind,
    record::{Content, PlanStateSet, VERSION},
    shared::{Shared, stage},
    table::check_stage,
};

/// Where a plan stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanState {
    /// The stages that are complete, in the order of their completion, without duplicates.
    pub completed_stages: Vec<String>,
    /// The tasks whose status was ever set.
    pub tasks: BTreeMap<TaskId, TaskStatus>,
}

impl PlanState {
    /// Adds a stage to the completed ones; does nothing if it is among them.
    pub fn complete(&mut self, stage_name: impl Into<String>) {
        let stage_name = stage_name.into();
        if !self.completed_stages.contains(&stage_name) {
            self.completed_stages.push(stage_name);
        }
    }
}

/// Keeps the state of plans in a folder; several processes may use it at once.
///
/// For use alone: inside a run, the run's journal is the truth, and the
/// plan's state a fold of its steps. The folder may be the one of a
/// [`CheckpointManager`](crate::CheckpointManager).
///
/// ```
/// use core_types::{PlanId, TaskId, TaskStatus};
/// use engine_checkpoint::{Error, StateManager};
///
/// # async fn example(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
/// let state = StateManager::open(dir.join(".automation/state"))?;
/// let plan = PlanId::new("plan-42")?;
/// let task = TaskId::new("task-3")?;
///
/// state.mark_stage_complete(&plan, "planning").await?;
/// let last = task.clone();
/// let change = move |state: &mut engine_checkpoint::PlanState| {
///     // Both or neither are recorded.
///     state.tasks.insert(last, TaskStatus::Succeeded);
///     state.complete("implementation");
///     Ok::<_, Error>(state.tasks.len())
/// };
/// assert_eq!(state.transaction(&plan, change).await?, 1);
///
/// let now = state.state(&plan).await?.expect("it was changed");
/// assert_eq!(now.completed_stages, ["planning", "implementation"]);
/// assert_eq!(now.tasks[&task], TaskStatus::Succeeded);
/// # Ok(())
/// # }
/// # let folder = tempfile::tempdir()?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(folder.path()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
///
/// A dropped call drops the answer only; what it began happens all the same,
/// whole or not at all. This holds for all methods.
#[derive(Debug, Clone)]
pub struct StateManager {
    shared: Shared<States>,
}

#[derive(Debug, Default)]
struct States(BTreeMap<PlanId, PlanState>);

impl Fold for States {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        if record.kind == kind::PLAN_STATE {
            let set = PlanStateSet::decode(record)?;
            let state = PlanState {
                completed_stages: set.completed_stages,
                tasks: set.tasks.into_iter().collect(),
            };
            self.0.insert(set.plan, state);
        }
        Ok(())
    }
}

#[async_trait]
impl core_types::PlanState for StateManager {
    async fn completed_stages(&self, plan: &PlanId) -> Result<Vec<String>, PortError> {
        let state = self.state(plan).await;
        let state = state.map_err(|error| error.during("read the state of a plan"))?;
        Ok(state.unwrap_or_default().completed_stages)
    }

    async fn task_statuses(
        &self,
        plan: &PlanId,
    ) -> Result<BTreeMap<TaskId, TaskStatus>, PortError> {
        let state = self.state(plan).await;
        let state = state.map_err(|error| error.during("read the state of a plan"))?;
        Ok(state.unwrap_or_default().tasks)
    }
}

impl StateManager {
    /// Opens the states in a folder with default options, blocking. A missing
    /// folder is one without plans; the first change creates it.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal` (damage, or the disk).
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir, &Options::default())
    }

    /// As [`StateManager::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`StateManager::open`].
    pub fn open_with(dir: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let shared = Shared::open(dir.as_ref(), options)?;
        Ok(Self { shared })
    }

    /// A plan's state, or `None` for a plan that was never changed.
    ///
    /// # Errors
    ///
    /// As [`StateManager::open`].
    pub async fn state(&self, plan_id: &PlanId) -> Result<Option<PlanState>, Error> {
        let plan = plan_id.clone();
        self.shared
            .read(move |states| states.0.get(&plan).cloned())
            .await
    }

    /// Changes a plan's state as one record, while nobody else changes any.
    /// An unknown plan starts with an empty state.
    ///
    /// `change` should be quick, and must not use this manager.
    ///
    /// # Errors
    ///
    /// What `change` answers, and then nothing is changed; else
    /// `ResourceExhausted` (disk full or read-only; the earlier state is intact), `Internal`.
    pub async fn transaction<T, E>(
        &self,
        plan_id: &PlanId,
        change: impl FnOnce(&mut PlanState) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let plan = plan_id.clone();
        let transact = move |states: &States, batch: &mut journal::Batch<'_>, at| {
            let before = states.0.get(&plan).cloned().unwrap_or_default();
            let mut state = before.clone();
            let answer = change(&mut state)?;
            if state != before {
                let set = PlanStateSet {
                    v: VERSION,
                    at,
                    plan,
                    completed_stages: state.completed_stages,
                    tasks: state.tasks.into_iter().collect(),
                };
                stage(batch, &set)?;
            }
            Ok(answer)
        };
        self.shared.batch(transact).await
    }

    /// Records that a plan's stage is complete. `stage_name` has 1 to 64 characters.
    ///
    /// # Errors
    ///
    /// `Validation` (the stage), and as [`StateManager::transaction`].
    pub async fn mark_stage_complete(
        &self,
        plan_id: &PlanId,
        stage_name: &str,
    ) -> Result<(), Error> {
        let stage_name = check_stage(stage_name)?;
        let complete = move |state: &mut PlanState| {
            state.complete(stage_name);
            Ok(())
        };
        self.transaction(plan_id, complete).await
    }

    /// Records a task's status.
    ///
    /// # Errors
    ///
    /// As [`StateManager::transaction`].
    pub async fn mark_task_status(
        &self,
        plan_id: &PlanId,
        task_id: &TaskId,
        status: TaskStatus,
    ) -> Result<(), Error> {
        let task = task_id.clone();
        let mark = move |state: &mut PlanState| {
            state.tasks.insert(task, status);
            Ok(())
        };
        self.transaction(plan_id, mark).await
    }
}
