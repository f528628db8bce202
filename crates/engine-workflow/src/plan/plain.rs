//! The plan for an agent that cannot plan.

use core_types::{Plan, Task, TaskId};

use crate::settings::Settings;

/// One task for each repository that may be changed, none depending on another.
///
/// # Panics
///
/// Never: a repository name is a valid task id.
#[must_use]
pub fn plain_plan(settings: &Settings) -> Plan {
    let tasks = settings
        .repositories
        .iter()
        .filter(|repository| repository.write);
    let tasks = tasks.map(|repository| Task {
        id: TaskId::new(&repository.name).expect("a repository name is a valid task id"),
        title: settings.issue.title.clone(),
        description: settings.issue.body.clone(),
        repository: repository.name.clone(),
        dependencies: Vec::new(),
        files: Vec::new(),
        estimate: None,
    });
    Plan {
        id: settings.plan_id.clone(),
        title: settings.issue.title.clone(),
        tasks: tasks.collect(),
    }
}
