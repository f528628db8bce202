//! Everything that is wrong with a plan, at once.

use std::{collections::HashMap, fmt, num::NonZeroUsize, time::Duration};

use core_types::{ChangeSet, Plan, Task, TaskId};
use engine_parallel::graph::Graph;

use crate::{
    coordination::{self, nodes},
    settings::RepositorySettings,
};

/// How long a task is taken to last when nobody has estimated it.
const UNKNOWN_ESTIMATE: Duration = Duration::from_secs(5 * 60);

/// One thing that is wrong with a plan, worded for people and agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding(pub String);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All findings; empty for a valid plan. With a change set, what its
/// repositories wait for counts as well.
#[must_use]
pub fn validate(
    plan: &Plan,
    repositories: &[RepositorySettings],
    change_set: Option<&ChangeSet>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if plan.tasks.is_empty() {
        findings.push(Finding("the plan has no tasks".to_owned()));
    }
    if let Err(wrong) = coordination::graph(&nodes(plan, change_set)) {
        findings.extend(
            wrong
                .into_iter()
                .map(|finding| Finding(finding.to_string())),
        );
    }
    findings.extend(
        plan.tasks
            .iter()
            .filter_map(|task| repository_finding(task, repositories)),
    );
    findings
}

fn repository_finding(task: &Task, repositories: &[RepositorySettings]) -> Option<Finding> {
    let Task { id, repository, .. } = task;
    match repositories.iter().find(|known| known.name == *repository) {
        None => {
            let known: Vec<_> = repositories
                .iter()
                .map(|known| known.name.as_str())
                .collect();
            let known = known.join(", ");
            Some(Finding(format!(
                "task {id}: unknown repository {repository}; known are: {known}"
            )))
        }
        Some(known) if !known.write => Some(Finding(format!(
            "task {id}: repository {repository} is read-only (write: false)"
        ))),
        Some(_) => None,
    }
}

fn graph(plan: &Plan) -> Result<Graph, Vec<engine_parallel::graph::Finding>> {
    let nodes = plan.tasks.iter().map(|task| {
        (
            task.id.as_str(),
            task.dependencies
                .iter()
                .map(TaskId::as_str)
                .collect::<Vec<_>>(),
        )
    });
    Graph::build(nodes)
}

/// What a valid plan is expected to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The tasks of the longest chain, in order.
    pub critical_path: Vec<TaskId>,
    /// How long the longest chain takes.
    pub critical_time: Duration,
    /// How long all of it takes with the given workers.
    pub makespan: Duration,
    /// How many tasks have no estimate and were taken as 5 minutes.
    pub without_estimate: usize,
}

/// Critical path and predicted time; `None` for a plan that is not valid.
#[must_use]
pub fn predict(plan: &Plan, max_workers: usize) -> Option<Prediction> {
    let graph = graph(plan).ok()?;
    let estimates: HashMap<&str, Duration> = plan
        .tasks
        .iter()
        .map(|task| (task.id.as_str(), task.estimate.unwrap_or(UNKNOWN_ESTIMATE)))
        .collect();
    let duration = |id: &str| estimates.get(id).copied().unwrap_or(UNKNOWN_ESTIMATE);
    let path = graph.critical_path(duration);
    let workers = NonZeroUsize::new(max_workers).unwrap_or(NonZeroUsize::MIN);
    Some(Prediction {
        critical_time: path.length,
        critical_path: path
            .tasks
            .iter()
            .filter_map(|id| TaskId::new(id).ok())
            .collect(),
        makespan: graph.predicted_makespan(duration, workers),
        without_estimate: plan
            .tasks
            .iter()
            .filter(|task| task.estimate.is_none())
            .count(),
    })
}
