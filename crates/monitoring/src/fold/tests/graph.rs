use std::time::Duration;

use core_types::{Event, EventRecord, RunId, Stage, TaskId, TaskStatus, Timestamp};

use super::history::Dice;
use crate::fold::{RunFold, layout};

/// A plan of random dependencies; every task is expected to take so many seconds.
fn plan(dice: &mut Dice, n_tasks: usize) -> (Vec<Vec<usize>>, Vec<u64>) {
    let dependencies = (0..n_tasks)
        .map(|idx| (0..idx).filter(|_| dice.chance(35)).collect())
        .collect();
    let seconds = (0..n_tasks).map(|_| 1 + dice.below(9)).collect();
    (dependencies, seconds)
}

fn id(idx: usize) -> TaskId {
    TaskId::new(format!("t{idx}")).expect("valid")
}

struct Told {
    fold: RunFold,
    at: u64,
    seq: u64,
}

impl Told {
    fn begin(dependencies: &[Vec<usize>], seconds: &[u64], max_workers: usize) -> Self {
        let run: RunId = "r".parse().expect("valid");
        let mut told = Self {
            fold: RunFold::new(run),
            at: 0,
            seq: 0,
        };
        told.fold.set_held(true);
        told.tell(Event::RunStarted {
            session: 1,
            max_workers,
            title: String::new(),
        });
        for (idx, needed) in dependencies.iter().enumerate() {
            told.tell(Event::TaskPlanned {
                task: id(idx),
                title: String::new(),
                repository: "r".parse().expect("valid"),
                dependencies: needed.iter().map(|&it| id(it)).collect(),
                estimate: Some(Duration::from_secs(seconds[idx])),
            });
        }
        told.tell(Event::PlanReady {
            plan: "p".parse().expect("valid"),
            tasks: dependencies.len(),
        });
        told.tell(Event::StageStarted {
            stage: Stage::Implementation,
        });
        told
    }

    fn tell(&mut self, event: Event) {
        self.seq += 1;
        let record = EventRecord {
            v: 1,
            at: Timestamp(self.at),
            step: None,
            event,
        };
        self.fold.extend([(self.seq, record)]);
    }

    fn change(&mut self, idx: usize, status: TaskStatus) {
        self.tell(Event::TaskChanged {
            task: id(idx),
            status,
            attempt: 1,
            failure: None,
            because_of: None,
        });
    }
}

/// The longest chain that ends with a task, by trying all.
fn longest_to(task: usize, dependencies: &[Vec<usize>], seconds: &[u64]) -> u64 {
    let before = dependencies[task].iter();
    let before = before.map(|&it| longest_to(it, dependencies, seconds));
    seconds[task] + before.max().unwrap_or(0)
}

fn longest_from(task: usize, dependencies: &[Vec<usize>], seconds: &[u64]) -> u64 {
    let after = (0..dependencies.len()).filter(|&it| dependencies[it].contains(&task));
    let after = after.map(|it| longest_from(it, dependencies, seconds));
    seconds[task] + after.max().unwrap_or(0)
}

#[test]
fn critical_path_and_slack_are_those_of_all_chains() {
    for seed in 0..1000 {
        let mut dice = Dice::new(seed);
        let n_tasks = 1 + dice.idx(8);
        let (dependencies, seconds) = plan(&mut dice, n_tasks);
        let told = Told::begin(&dependencies, &seconds, 2);
        let now = Timestamp(0);
        let graph = told.fold.graph(now);
        let through = |task: usize| {
            let to = longest_to(task, &dependencies, &seconds);
            to + longest_from(task, &dependencies, &seconds) - seconds[task]
        };
        let makespan = (0..n_tasks).map(through).max().unwrap_or(0);
        assert_eq!(graph.critical_ms, makespan * 1000, "seed {seed}");
        let path = graph.critical_path.iter().map(|task| {
            let place = graph.nodes.iter().position(|node| node.task == *task);
            place.expect("it is in the picture")
        });
        let path: Vec<usize> = path.collect();
        let length: u64 = path.iter().map(|&it| seconds[it]).sum();
        assert_eq!(
            length, makespan,
            "seed {seed}: the path is as long as the run"
        );
        for pair in path.windows(2) {
            let is_dependency = dependencies[pair[1]].contains(&pair[0]);
            assert!(
                is_dependency,
                "seed {seed}: the path goes along dependencies"
            );
        }
        for (task, node) in graph.nodes.iter().enumerate() {
            let slack = (makespan - through(task)) * 1000;
            assert_eq!(node.slack_ms, slack, "seed {seed}: slack of {task}");
            assert_eq!(node.is_critical, path.contains(&task), "seed {seed}");
        }
        let critical = graph.edges.iter().filter(|edge| edge.is_critical).count();
        assert_eq!(critical, path.len() - 1, "seed {seed}: its edges");
    }
}

#[test]
fn tasks_stand_right_of_what_they_need_and_on_nothing() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let n_tasks = dice.idx(40);
        let (dependencies, _) = plan(&mut dice, n_tasks);
        let ids: Vec<_> = (0..n_tasks).map(id).collect();
        let graph = layout(&ids, &dependencies);
        let n_edges: usize = dependencies.iter().map(Vec::len).sum();
        assert_eq!((graph.nodes.len(), graph.edges.len()), (n_tasks, n_edges));
        for edge in &graph.edges {
            let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
            assert!(from.x + from.width < to.x, "seed {seed}: {edge:?}");
        }
        for (idx, node) in graph.nodes.iter().enumerate() {
            let inside = node.x >= 0.0
                && node.y >= 0.0
                && node.x + node.width <= graph.width
                && node.y + node.height <= graph.height;
            assert!(
                inside,
                "seed {seed}: {node:?} in {}x{}",
                graph.width, graph.height
            );
            let overlaps = graph.nodes[..idx]
                .iter()
                .any(|other| other.layer == node.layer && (other.y - node.y).abs() < node.height);
            assert!(!overlaps, "seed {seed}: {node:?} stands on another");
        }
    }
}

#[test]
fn a_circle_and_a_long_chain_are_drawn_too() {
    let ids: Vec<_> = (0..3).map(id).collect();
    let circle = layout(&ids, &[vec![2], vec![0], vec![1]]);
    assert_eq!(circle.nodes.len(), 3);
    let n_tasks = 100_000;
    let ids: Vec<_> = (0..n_tasks).map(id).collect();
    let chain: Vec<Vec<usize>> = (0..n_tasks)
        .map(|it: usize| it.checked_sub(1).into_iter().collect())
        .collect();
    let graph = layout(&ids, &chain);
    assert_eq!(graph.nodes[n_tasks - 1].layer, n_tasks - 1);
}

/// How long the rest takes, second by second: each second the longest tails get the free slots.
fn rest(dependencies: &[Vec<usize>], seconds: &[u64], slots: usize) -> u64 {
    let n_tasks = seconds.len();
    let mut left = seconds.to_vec();
    let mut has_slot = vec![false; n_tasks];
    for now in 0.. {
        for task in 0..n_tasks {
            has_slot[task] &= left[task] > 0;
        }
        if left.iter().all(|it| *it == 0) {
            return now;
        }
        let is_ready =
            |task: &usize| left[*task] > 0 && dependencies[*task].iter().all(|&it| left[it] == 0);
        let mut waiting: Vec<usize> = (0..n_tasks)
            .filter(|task| !has_slot[*task] && is_ready(task))
            .collect();
        waiting.sort_by_key(|&task| {
            (
                std::cmp::Reverse(longest_from(task, dependencies, seconds)),
                task,
            )
        });
        let busy = has_slot.iter().filter(|it| **it).count();
        for &task in waiting.iter().take(slots - busy) {
            has_slot[task] = true;
        }
        for task in 0..n_tasks {
            left[task] -= u64::from(has_slot[task]);
        }
    }
    unreachable!("it returns once all have ended")
}

#[test]
fn the_expected_end_is_that_of_the_tasks_on_the_slots() {
    for seed in 0..1000 {
        let mut dice = Dice::new(seed);
        let n_tasks = 1 + dice.idx(8);
        let (dependencies, seconds) = plan(&mut dice, n_tasks);
        let slots = 1 + dice.idx(3);
        let told = Told::begin(&dependencies, &seconds, slots);
        let now = Timestamp(0);
        let eta = told.fold.header(now).eta.expect("all have estimates");
        let plain = rest(&dependencies, &seconds, slots) * 1000;
        assert_eq!(
            eta.at,
            Timestamp(plain),
            "seed {seed}: {dependencies:?} {seconds:?}"
        );
        assert_eq!((eta.earliest, eta.latest, eta.samples), (eta.at, eta.at, 0));
    }
}

#[test]
fn the_expected_end_learns_from_what_has_ended() {
    let mut told = Told::begin(&[vec![], vec![], vec![0]], &[10, 10, 10], 1);
    told.change(0, TaskStatus::Running);
    told.at = 20_000;
    told.change(0, TaskStatus::Succeeded);
    told.change(1, TaskStatus::Running);
    told.at = 25_000;
    let eta = told.fold.header(Timestamp(25_000)).eta.expect("it runs");
    // Twice the estimate so far: 15 s are left of one, and 20 s of the other.
    assert_eq!((eta.at, eta.samples), (Timestamp(60_000), 1));
    told.change(1, TaskStatus::Failed);
    told.change(2, TaskStatus::Running);
    told.change(2, TaskStatus::Succeeded);
    assert_eq!(
        told.fold.header(Timestamp(25_000)).eta,
        None,
        "nothing is left"
    );
}
