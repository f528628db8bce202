//! The one graph that a run executes: its tasks, and what repositories of a
//! change set wait for.
//!
//! A repository that waits for others does so at *gates*: nodes without work
//! of their own between the tasks of the one and the tasks of the other. So a
//! cross-repository workflow is edges in the one plan, not a second driver.

use core_types::{ChangeSet, Plan, RepositoryName, Task, TaskId, TriggerWhen};
use engine_parallel::graph::{Finding, Graph};

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// A task's id, or a name with a slash, which no task can have.
    pub(crate) id: String,
    pub(crate) kind: NodeKind,
    /// The nodes that must have succeeded before.
    pub(crate) dependencies: Vec<String>,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// It is a task of the plan.
    Task(TaskId),
    /// All tasks of the repository have succeeded; nothing is to be done.
    Succeeded,
    /// The repository's integration head passes Testing.
    Completed(RepositoryName),
    /// One of these repositories has completed.
    AnyCompleted(Vec<RepositoryName>),
}

fn succeeded(repository: &RepositoryName) -> String {
    format!("succeeded/{repository}")
}

/// The node in which a repository's integration head passes Testing.
pub(crate) fn completed(repository: &RepositoryName) -> String {
    format!("completed/{repository}")
}

/// The nodes of a plan: its tasks, in their order, and then the gates.
pub(crate) fn nodes(plan: &Plan, change_set: Option<&ChangeSet>) -> Vec<Node> {
    let mut nodes: Vec<_> = plan
        .tasks
        .iter()
        .map(|task| {
            let own = task.dependencies.iter().map(ToString::to_string);
            let entry = entry(change_set, &task.repository);
            Node {
                id: task.id.to_string(),
                kind: NodeKind::Task(task.id.clone()),
                dependencies: own.chain(entry).collect(),
            }
        })
        .collect();
    let Some(change_set) = change_set else {
        return nodes;
    };
    let is_waited_for = |id: &str| {
        let mut members = change_set.members.iter();
        members.any(|member| entry_of(Some(change_set), &member.repository, id))
    };
    for member in &change_set.members {
        let repository = &member.repository;
        let of_repository = |task: &&Task| task.repository == *repository;
        let tasks = plan.tasks.iter().filter(of_repository);
        let before: Vec<_> = tasks
            .map(|task| task.id.to_string())
            .chain(entry(Some(change_set), repository))
            .collect();
        let gates = [
            (succeeded(repository), NodeKind::Succeeded),
            (
                completed(repository),
                NodeKind::Completed(repository.clone()),
            ),
        ];
        for (id, kind) in gates {
            let any_of = change_set.members.iter().filter_map(any_trigger);
            let watched = any_of
                .flatten()
                .any(|on| kind == NodeKind::Completed(on.clone()));
            if watched || is_waited_for(&id) {
                let dependencies = before.clone();
                nodes.push(Node {
                    id,
                    kind,
                    dependencies,
                });
            }
        }
        if let Some(on) = any_trigger(member) {
            nodes.push(Node {
                id: triggered(repository),
                kind: NodeKind::AnyCompleted(on.clone()),
                dependencies: Vec::new(),
            });
        }
    }
    nodes
}

fn any_trigger(member: &core_types::Member) -> Option<&Vec<RepositoryName>> {
    let trigger = member.trigger.as_ref()?;
    (trigger.when == TriggerWhen::Any).then_some(&trigger.on)
}

fn triggered(repository: &RepositoryName) -> String {
    format!("triggered/{repository}")
}

/// What every task of a repository waits for.
fn entry(change_set: Option<&ChangeSet>, repository: &RepositoryName) -> Vec<String> {
    let member = change_set.and_then(|it| it.member(repository));
    let Some(member) = member else {
        return Vec::new();
    };
    let mut entry: Vec<_> = member
        .after
        .iter()
        .map(|wait| succeeded(&wait.repository))
        .collect();
    match &member.trigger {
        Some(trigger) if trigger.when == TriggerWhen::All => {
            entry.extend(trigger.on.iter().map(completed));
        }
        Some(_) => entry.push(triggered(repository)),
        None => {}
    }
    entry
}

fn entry_of(change_set: Option<&ChangeSet>, repository: &RepositoryName, id: &str) -> bool {
    entry(change_set, repository).iter().any(|it| it == id)
}

/// The nodes that wait for any of several repositories, of which this node completes one.
pub(crate) fn any_of(nodes: &[Node], node: &str) -> Vec<String> {
    let waits = |it: &&Node| match &it.kind {
        NodeKind::AnyCompleted(of) => of.iter().any(|name| completed(name) == node),
        NodeKind::Task(_) | NodeKind::Succeeded | NodeKind::Completed(_) => false,
    };
    nodes.iter().filter(waits).map(|it| it.id.clone()).collect()
}

/// The graph of nodes, validated.
pub(crate) fn graph(nodes: &[Node]) -> Result<Graph, Vec<Finding>> {
    Graph::build(nodes.iter().map(|node| {
        let dependencies = node.dependencies.iter().map(String::as_str);
        (node.id.as_str(), dependencies.collect::<Vec<_>>())
    }))
}

/// Adds a task for each triggered repository that has none: its start is what the trigger means.
pub(crate) fn with_triggered(mut plan: Plan, change_set: Option<&ChangeSet>) -> Plan {
    let members = change_set.iter().flat_map(|it| &it.members);
    for member in members.filter(|member| member.trigger.is_some() && member.write) {
        let repository = &member.repository;
        if plan.tasks.iter().any(|task| task.repository == *repository) {
            continue;
        }
        let is_free = |id: &TaskId| plan.tasks.iter().all(|task| task.id != *id);
        let names = [repository.to_string(), format!("{repository}-triggered")];
        let id = names.iter().filter_map(|name| TaskId::new(name).ok());
        let Some(id) = id.into_iter().find(is_free) else {
            continue;
        };
        plan.tasks.push(Task {
            id,
            title: plan.title.clone(),
            description: "Other repositories of this change are done; follow them up here, \
                          if there is something to follow up."
                .to_owned(),
            repository: repository.clone(),
            dependencies: Vec::new(),
            files: Vec::new(),
            estimate: None,
        });
    }
    plan
}
