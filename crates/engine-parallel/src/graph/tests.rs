use std::{num::NonZeroUsize, time::Duration};

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_findings(nodes: &[(&str, &[&str])], expected: &[&str]) {
    let findings = Graph::build(
        nodes
            .iter()
            .map(|(id, dependencies)| (*id, dependencies.iter())),
    )
    .unwrap_err();
    let report: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(report, expected);
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn reports_everything_at_once() {
    check_findings(
        &[
            ("a", &["b", "ghost"]),
            ("b", &["a"]),
            ("c", &["c"]),
            ("d", &[]),
            ("d", &["phantom"]),
            ("d", &[]),
            ("x", &["z"]),
            ("y", &["x", "d"]),
            ("z", &["y", "x"]),
            ("behind", &["x"]),
        ],
        &[
            "the id `d` is given to more than one task",
            "task `a` depends on `ghost`, which is not among the tasks",
            "task `c` depends on itself",
            "task `d` depends on `phantom`, which is not among the tasks",
            "tasks depend on each other in a cycle: a → b → a",
            "tasks depend on each other in a cycle: x → z → x",
        ],
    );
}

#[test]
fn names_the_whole_path_of_a_cycle() {
    check_findings(
        &[("a", &["b"]), ("b", &["c"]), ("c", &["d"]), ("d", &["a"])],
        &["tasks depend on each other in a cycle: a → b → c → d → a"],
    );
}

#[test]
fn a_dependency_named_twice_counts_once() {
    let graph = Graph::build([("a", vec![]), ("b", vec!["a", "a"]), ("c", vec![])]).unwrap();
    assert_eq!(graph.dependencies("b").count(), 1);
    assert_eq!(
        graph.dependents("a").map(|id| &**id).collect::<Vec<_>>(),
        ["b"]
    );
    assert_eq!(
        graph.dependents("c").count() + graph.dependents("unknown").count(),
        0
    );
    assert_eq!(
        graph
            .topological_order()
            .map(|id| &**id)
            .collect::<Vec<_>>(),
        ["a", "c", "b"]
    );
}

#[test]
fn the_empty_graph_is_valid() {
    let graph = Graph::build(std::iter::empty::<(&str, Vec<&str>)>()).unwrap();
    assert!(graph.is_empty());
    assert_eq!(
        graph.critical_path(|_| seconds(1)),
        CriticalPath {
            tasks: Vec::new(),
            length: Duration::ZERO
        }
    );
    assert_eq!(
        graph.predicted_makespan(|_| seconds(1), NonZeroUsize::MIN),
        Duration::ZERO
    );
}

#[test]
fn durations_without_bound_do_not_overflow() {
    let graph = Graph::build([("a", vec![]), ("b", vec!["a"])]).unwrap();
    assert_eq!(graph.critical_path(|_| Duration::MAX).length, Duration::MAX);
    assert_eq!(graph.slack(|_| Duration::MAX)[0].1, Duration::ZERO);
    assert_eq!(
        graph.predicted_makespan(|_| Duration::MAX, NonZeroUsize::MIN),
        Duration::MAX
    );
}

/// A chain of so many tasks, the first of which may depend on another.
fn long_chain(n_tasks: u32, first: Option<u32>) -> Result<Graph, Vec<Finding>> {
    let before = |task: u32| {
        task.checked_sub(1)
            .or(first)
            .map(|before| before.to_string())
    };
    Graph::build((0..n_tasks).map(|task| (task.to_string(), before(task))))
}

#[test]
fn a_chain_of_a_million_overflows_no_stack() {
    const N: u32 = 1_000_000;
    let graph = long_chain(N, None).unwrap();
    assert_eq!(
        graph.critical_path(|_| seconds(1)).length,
        seconds(N.into())
    );
}

#[test]
fn a_long_cycle_overflows_no_stack() {
    const N: u32 = 200_000;
    let findings = long_chain(N, Some(N - 1)).unwrap_err();
    let [Finding::Cycle { path }] = &findings[..] else {
        panic!("one cycle, not {}", findings.len())
    };
    assert_eq!(path.len(), N as usize + 1);
    assert_eq!(path.first(), path.last());
}

/// Durations in seconds and dependencies on earlier tasks.
fn dags() -> impl Strategy<Value = Vec<(u64, Vec<usize>)>> {
    prop::collection::vec(
        (
            0..10_u64,
            prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        ),
        1..40,
    )
    .prop_map(|tasks| {
        let dag = tasks
            .into_iter()
            .enumerate()
            .map(|(task, (duration, picks))| {
                let earlier = picks
                    .iter()
                    .filter(|_| task > 0)
                    .map(|pick| pick.index(task));
                (duration, earlier.collect())
            });
        dag.collect()
    })
}

proptest! {
    #[test]
    fn analysis_agrees_with_its_definition(dag in dags(), workers in 1..5_usize) {
        let names = |tasks: &[usize]| tasks.iter().map(ToString::to_string).collect::<Vec<_>>();
        let graph = Graph::build(dag.iter().enumerate().map(|(task, (_, before))| (task.to_string(), names(before)))).unwrap();
        let duration = |id: &str| seconds(dag[id.parse::<usize>().unwrap()].0);

        // Earliest ends by definition; dependencies point backwards.
        let mut ends: Vec<u64> = Vec::new();
        for (duration, before) in &dag {
            ends.push(duration + before.iter().map(|&task| ends[task]).max().unwrap_or(0));
        }
        let length = ends.iter().copied().max().unwrap_or(0);
        let path = graph.critical_path(duration);
        prop_assert_eq!(path.length, seconds(length));
        prop_assert_eq!(path.tasks.iter().map(|id| duration(id)).sum::<Duration>(), path.length);
        for pair in path.tasks.windows(2) {
            prop_assert!(graph.dependencies(&pair[1]).any(|id| *id == pair[0]), "the path follows dependencies");
        }

        let slack = graph.slack(duration);
        for (id, slack) in &slack {
            let stretched = |other: &str| if *other == **id { duration(other) + *slack } else { duration(other) };
            prop_assert_eq!(graph.critical_path(stretched).length, path.length, "slack is there to be used");
            let too_far = |other: &str| stretched(other) + if *other == **id { seconds(1) } else { Duration::ZERO };
            prop_assert!(graph.critical_path(too_far).length > path.length, "and there is no more of it");
        }

        let workers = NonZeroUsize::new(workers).unwrap();
        let makespan = graph.predicted_makespan(duration, workers);
        let work: Duration = graph.ids().iter().map(|id| duration(id)).sum();
        prop_assert!(makespan >= path.length.max(work / workers.get() as u32), "no schedule beats its bounds");
        prop_assert!(makespan <= path.length + work / workers.get() as u32, "Graham's bound of list scheduling");
    }
}
