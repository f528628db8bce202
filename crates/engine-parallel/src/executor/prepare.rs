//! From tasks as they were given to what the machine and the shell work on.

use std::{collections::HashMap, sync::Arc};

use super::ParallelExecutor;
use crate::{
    Error, ExecutionTask, Outcome,
    graph::{Finding, Graph},
    machine::{Ending, Limits, Spec},
    task::Work,
};

pub(super) struct Prepared<T> {
    pub(super) graph: Arc<Graph>,
    pub(super) specs: Vec<Spec>,
    pub(super) limits: Limits,
    pub(super) tasks: Vec<ExecutionTask<T>>,
}

pub(super) fn prepare<T>(
    executor: &ParallelExecutor,
    tasks: Vec<ExecutionTask<T>>,
) -> Result<Prepared<T>, Error> {
    let graph = Arc::new(graph_of(executor, &tasks)?);
    let (numbers, limits) = resources_of(executor);
    let specs = tasks
        .iter()
        .map(|task| spec(task, &graph, &numbers))
        .collect();
    Ok(Prepared {
        graph,
        specs,
        limits,
        tasks,
    })
}

/// Checks everything about the tasks that can be wrong.
pub(crate) fn graph_of<T>(
    executor: &ParallelExecutor,
    tasks: &[ExecutionTask<T>],
) -> Result<Graph, Error> {
    let built = Graph::build(
        tasks
            .iter()
            .map(|task| (Arc::clone(&task.id), &task.dependencies)),
    );
    let resource_findings = resource_findings(executor, tasks);
    match built {
        Ok(graph) if resource_findings.is_empty() => Ok(graph),
        Ok(_) => Err(Error::InvalidTasks {
            findings: resource_findings,
        }),
        Err(mut findings) => {
            findings.extend(resource_findings);
            Err(Error::InvalidTasks { findings })
        }
    }
}

fn resource_findings<T>(executor: &ParallelExecutor, tasks: &[ExecutionTask<T>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for task in tasks {
        for (resource, &needed) in &task.resources {
            let (task, resource) = (Arc::clone(&task.id), Arc::clone(resource));
            match executor.options.resources.get(&resource) {
                None => findings.push(Finding::UnknownResource { task, resource }),
                Some(&capacity) if needed > capacity => {
                    findings.push(Finding::ResourceExceeded {
                        task,
                        resource,
                        needed,
                        capacity,
                    });
                }
                Some(_) => {}
            }
        }
    }
    findings
}

/// Numbers the executor's resources, and gives the machine's limits in that order.
pub(crate) fn resources_of(executor: &ParallelExecutor) -> (HashMap<&str, u32>, Limits) {
    let resources = &executor.options.resources;
    let limits = Limits {
        slots: executor.max_workers.get(),
        max_bypass: executor.options.max_bypass,
        capacities: resources.values().copied().collect(),
    };
    (
        resources.keys().map(AsRef::as_ref).zip(0..).collect(),
        limits,
    )
}

fn spec<T>(task: &ExecutionTask<T>, graph: &Graph, resources: &HashMap<&str, u32>) -> Spec {
    let ended = match &task.work {
        Work::Todo(_) => None,
        Work::Ended(outcome) => Some(match outcome {
            Outcome::Succeeded(_) => Ending::Succeeded,
            Outcome::Failed(_) => Ending::Failed,
            Outcome::TimedOut => Ending::TimedOut,
            Outcome::Cancelled => Ending::Cancelled,
            Outcome::Panicked(_) => Ending::Panicked,
            // The blamed task may belong to the earlier run alone; then its heir is to blame.
            Outcome::Skipped { dependency } => graph
                .number(dependency)
                .map_or(Ending::Cancelled, Ending::Skipped),
        }),
    };
    Spec {
        priority: task.priority,
        b_level: task.b_level,
        needs: needs(task, resources),
        ended,
    }
}

pub(crate) fn needs<T>(task: &ExecutionTask<T>, resources: &HashMap<&str, u32>) -> Vec<(u32, u32)> {
    let positive = task.resources.iter().filter(|(_, units)| **units > 0);
    positive
        .filter_map(|(name, &units)| Some((*resources.get(&**name)?, units)))
        .collect()
}
