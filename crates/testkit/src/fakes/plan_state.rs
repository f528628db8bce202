use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use async_trait::async_trait;
use core_types::{PlanId, PlanState, PortError, TaskId, TaskStatus};

use super::lock;

/// The states of plans in memory.
#[derive(Debug, Default)]
pub struct MemoryPlanState(Mutex<HashMap<PlanId, State>>);

#[derive(Debug, Default)]
struct State {
    stages: Vec<String>,
    tasks: BTreeMap<TaskId, TaskStatus>,
}

impl MemoryPlanState {
    /// Adds a stage to a plan's completed ones; does nothing if it is among them.
    pub fn complete(&self, plan: &PlanId, stage: &str) {
        let mut plans = lock(&self.0);
        let stages = &mut plans.entry(plan.clone()).or_default().stages;
        if !stages.iter().any(|done| done == stage) {
            stages.push(stage.to_owned());
        }
    }

    /// Sets a task's status.
    pub fn set(&self, plan: &PlanId, task: &TaskId, status: TaskStatus) {
        let mut plans = lock(&self.0);
        let state = plans.entry(plan.clone()).or_default();
        state.tasks.insert(task.clone(), status);
    }
}

#[async_trait]
impl PlanState for MemoryPlanState {
    async fn completed_stages(&self, plan: &PlanId) -> Result<Vec<String>, PortError> {
        let plans = lock(&self.0);
        Ok(plans
            .get(plan)
            .map(|state| state.stages.clone())
            .unwrap_or_default())
    }

    async fn task_statuses(
        &self,
        plan: &PlanId,
    ) -> Result<BTreeMap<TaskId, TaskStatus>, PortError> {
        let plans = lock(&self.0);
        Ok(plans
            .get(plan)
            .map(|state| state.tasks.clone())
            .unwrap_or_default())
    }
}
