use std::collections::BTreeMap;

use core_types::{Event, PlanId, Stage, TaskId, TaskStatus};

/// Where a run's plan stands: a fold of its events.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    plan: Option<PlanId>,
    /// The furthest stage that was begun. Stages that a resumed run begins again are
    /// behind it or the same, and change nothing.
    stage: Option<Stage>,
    completed: Vec<Stage>,
    tasks: BTreeMap<TaskId, TaskStatus>,
}

impl Progress {
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::PlanReady { plan, .. } => self.plan = Some(plan.clone()),
            Event::StageStarted { stage }
                if self.stage.is_none_or(|furthest| *stage > furthest) =>
            {
                self.completed.extend(self.stage);
                self.stage = Some(*stage);
            }
            Event::TaskChanged { task, status, .. } => {
                self.tasks.insert(task.clone(), *status);
            }
            Event::RunEnded { exit_code: 0, .. } => self.completed.extend(self.stage.take()),
            _ => {}
        }
    }

    pub(crate) fn completed(&self, plan: &PlanId) -> Vec<String> {
        if self.plan.as_ref() != Some(plan) {
            return Vec::new();
        }
        let names = self.completed.iter().map(|stage| stage.as_str().to_owned());
        names.collect()
    }

    pub(crate) fn tasks(&self, plan: &PlanId) -> BTreeMap<TaskId, TaskStatus> {
        if self.plan.as_ref() != Some(plan) {
            return BTreeMap::new();
        }
        self.tasks.clone()
    }
}
