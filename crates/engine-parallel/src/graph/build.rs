//! Validation: from named dependencies to a graph by number.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    sync::Arc,
};

use petgraph::{Directed, algo::kosaraju_scc, csr::Csr, graph::DiGraph};

use super::Finding;

type Edges = Csr<(), (), Directed, u32>;

/// A dependency graph without cycles, over tasks known by id.
///
/// Tasks keep the order in which they were given.
#[derive(Clone, Debug)]
pub struct Graph {
    ids: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// From a task to what it depends on; ascending, without duplicates.
    dependencies: Edges,
    /// From a task to what depends on it; ascending, without duplicates.
    dependents: Edges,
    /// Every task after all its dependencies.
    order: Vec<u32>,
}

impl Graph {
    /// Builds the graph of tasks given as id and ids of dependencies.
    ///
    /// A dependency that is named twice counts once. No tasks at all are a valid, empty graph.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once: duplicate ids, unknown dependencies and tasks that depend on
    /// themselves in the order given, then one cycle for each knot of tasks that depend on each
    /// other.
    ///
    /// # Examples
    ///
    /// ```
    /// use engine_parallel::graph::Graph;
    ///
    /// let graph = Graph::build([("schema", vec![]), ("api", vec!["schema"])]);
    /// assert!(graph.is_ok());
    ///
    /// let findings = Graph::build([("a", vec!["b"]), ("b", vec!["a", "x"])]).unwrap_err();
    /// let report: Vec<String> = findings.iter().map(ToString::to_string).collect();
    /// assert_eq!(report, [
    ///     "task `b` depends on `x`, which is not among the tasks",
    ///     "tasks depend on each other in a cycle: a → b → a",
    /// ]);
    /// ```
    pub fn build<I, D>(nodes: impl IntoIterator<Item = (I, D)>) -> Result<Self, Vec<Finding>>
    where
        I: Into<Arc<str>>,
        D: IntoIterator<Item: AsRef<str>>,
    {
        let (ids, named): (Vec<Arc<str>>, Vec<D>) = nodes
            .into_iter()
            .map(|(id, dependencies)| (id.into(), dependencies))
            .unzip();
        let mut findings = Vec::new();
        let numbers = number(&ids, &mut findings);
        let edges = resolve(&ids, &numbers, named, &mut findings);

        let dependencies = adjacency(ids.len(), edges.clone());
        let dependents = adjacency(
            ids.len(),
            edges
                .into_iter()
                .map(|(task, dependency)| (dependency, task))
                .collect(),
        );
        let order = topological_order(&dependencies, &dependents);
        if order.len() < ids.len() {
            findings.extend(cycles(&dependencies, &order).map(|path| {
                Finding::Cycle {
                    path: path
                        .into_iter()
                        .map(|task| ids[task as usize].clone())
                        .collect(),
                }
            }));
        }
        if findings.is_empty() {
            Ok(Self {
                ids,
                numbers,
                dependencies,
                dependents,
                order,
            })
        } else {
            Err(findings)
        }
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All ids, in the order given.
    pub fn ids(&self) -> &[Arc<str>] {
        &self.ids
    }

    /// All ids, each after everything it depends on.
    ///
    /// Tasks come in waves (what depends on nothing first); the order is a function of the input.
    pub fn topological_order(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> {
        self.order.iter().map(|&task| self.id(task))
    }

    /// What the task depends on directly, in the order given; empty for an unknown id.
    pub fn dependencies(&self, id: &str) -> impl Iterator<Item = &Arc<str>> {
        self.number(id)
            .into_iter()
            .flat_map(|task| self.dependencies_of(task))
            .map(|&task| self.id(task))
    }

    /// What depends directly on the task, in the order given; empty for an unknown id.
    pub fn dependents(&self, id: &str) -> impl Iterator<Item = &Arc<str>> {
        self.number(id)
            .into_iter()
            .flat_map(|task| self.dependents_of(task))
            .map(|&task| self.id(task))
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn id(&self, task: u32) -> &Arc<str> {
        &self.ids[task as usize]
    }

    pub(crate) fn dependencies_of(&self, task: u32) -> &[u32] {
        self.dependencies.neighbors_slice(task)
    }

    pub(crate) fn dependents_of(&self, task: u32) -> &[u32] {
        self.dependents.neighbors_slice(task)
    }

    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }
}

fn number(ids: &[Arc<str>], findings: &mut Vec<Finding>) -> HashMap<Arc<str>, u32> {
    let mut numbers = HashMap::with_capacity(ids.len());
    let mut reported = HashSet::new();
    for (task, id) in (0..).zip(ids) {
        match numbers.entry(id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(task);
            }
            Entry::Occupied(_) if reported.insert(id) => {
                findings.push(Finding::DuplicateId { id: id.clone() })
            }
            Entry::Occupied(_) => {}
        }
    }
    numbers
}

/// The edges from task to dependency.
fn resolve<D>(
    ids: &[Arc<str>],
    numbers: &HashMap<Arc<str>, u32>,
    named: Vec<D>,
    findings: &mut Vec<Finding>,
) -> Vec<(u32, u32)>
where
    D: IntoIterator<Item: AsRef<str>>,
{
    let mut edges = Vec::with_capacity(ids.len());
    for ((task, id), dependencies) in (0..).zip(ids).zip(named) {
        for dependency in dependencies {
            let dependency = dependency.as_ref();
            if dependency == &**id {
                findings.push(Finding::SelfDependency { task: id.clone() });
            } else if let Some(&dependency) = numbers.get(dependency) {
                edges.push((task, dependency));
            } else {
                findings.push(Finding::UnknownDependency {
                    task: id.clone(),
                    dependency: dependency.into(),
                });
            }
        }
    }
    edges
}

fn adjacency(n_tasks: usize, mut edges: Vec<(u32, u32)>) -> Edges {
    edges.sort_unstable();
    edges.dedup();
    let mut adjacency =
        Edges::from_sorted_edges(&edges).expect("edges were sorted and made unique above");
    while adjacency.node_count() < n_tasks {
        adjacency.add_node(());
    }
    adjacency
}

/// Kahn's algorithm; what lies on a cycle or behind one is missing from the result.
fn topological_order(dependencies: &Edges, dependents: &Edges) -> Vec<u32> {
    let n_tasks = dependencies.node_count();
    let mut missing: Vec<usize> = (0..n_tasks)
        .map(|task| dependencies.out_degree(task as u32))
        .collect();
    let mut order: Vec<u32> = (0..)
        .zip(&missing)
        .filter(|(_, missing)| **missing == 0)
        .map(|(task, _)| task)
        .collect();
    let mut next = 0;
    while let Some(&task) = order.get(next) {
        next += 1;
        for &dependent in dependents.neighbors_slice(task) {
            missing[dependent as usize] -= 1;
            if missing[dependent as usize] == 0 {
                order.push(dependent);
            }
        }
    }
    order
}

/// One shortest cycle through the first task of each strongly connected component.
///
/// `kosaraju_scc` walks with a stack of its own; petgraph's `tarjan_scc` recurses and would
/// overflow on a long cycle.
fn cycles<'a>(
    dependencies: &'a Edges,
    ordered: &[u32],
) -> impl Iterator<Item = Vec<u32>> + use<'a> {
    let mut left = vec![true; dependencies.node_count()];
    for &task in ordered {
        left[task as usize] = false;
    }
    let among_left = (0..dependencies.node_count() as u32)
        .filter(|&task| left[task as usize])
        .flat_map(|task| {
            dependencies
                .neighbors_slice(task)
                .iter()
                .map(move |&dependency| (task, dependency))
        });
    let graph = DiGraph::<(), (), u32>::from_edges(among_left);
    let mut knots: Vec<Vec<u32>> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|knot| knot.len() > 1)
        .map(|knot| {
            let mut knot: Vec<u32> = knot.into_iter().map(|node| node.index() as u32).collect();
            knot.sort_unstable();
            knot
        })
        .collect();
    knots.sort_unstable();
    knots
        .into_iter()
        .map(move |knot| shortest_cycle(dependencies, &knot))
}

/// Breadth first from the knot's first task back to itself; it exists since the knot is strongly
/// connected.
fn shortest_cycle(dependencies: &Edges, knot: &[u32]) -> Vec<u32> {
    let first = knot[0];
    let mut reached_from = HashMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(task) = queue.pop_front() {
        for &dependency in dependencies.neighbors_slice(task) {
            if dependency == first {
                let mut path = vec![first, task];
                while let Some(&before) = path.last().and_then(|task| reached_from.get(task)) {
                    path.push(before);
                }
                path.reverse();
                return path;
            }
            if knot.binary_search(&dependency).is_ok() && !reached_from.contains_key(&dependency) {
                reached_from.insert(dependency, task);
                queue.push_back(dependency);
            }
        }
    }
    knot.to_vec()
}
