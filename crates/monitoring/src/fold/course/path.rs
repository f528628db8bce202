//! How long it takes: the critical path, slack, and when the rest will have ended.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use core_types::{RepositoryName, TaskStatus, Timestamp, Wait};

use super::told::Course;
use crate::fold::{Eta, Segment, SegmentKind, course::lane::total_ms};

/// What a task held a slot for.
pub(super) const HELD: [SegmentKind; 2] = [SegmentKind::Running, SegmentKind::Recovery];

/// The tasks of a run and what must have ended before each. Behind the tasks stand the gates: one for
/// each repository that others wait for, without work of its own.
#[derive(Debug)]
pub(crate) struct Network {
    n_tasks: usize,
    before: Vec<Vec<usize>>,
    /// Everything stands behind what it needs. Of a circle, which no valid plan has, edges backwards count for nothing.
    order: Vec<usize>,
}

impl Network {
    pub(super) fn of(course: &Course) -> Self {
        let tasks = course.tasks.iter().map(|task| {
            let needed = task.dependencies.iter();
            let known = needed.filter_map(|id| course.position(id));
            (task.repository.as_ref(), known.collect())
        });
        let repositories = course.repositories.iter();
        Self::new(tasks, repositories.map(|it| (&it.repository, &*it.waits)))
    }

    /// The network of tasks, each with its repository and what it needs, and of repositories, each with
    /// those that it waits for.
    pub(crate) fn new<'a>(
        tasks: impl Iterator<Item = (Option<&'a RepositoryName>, Vec<usize>)>,
        repositories: impl Iterator<Item = (&'a RepositoryName, &'a [Wait])>,
    ) -> Self {
        let (owners, mut before): (Vec<_>, Vec<_>) = tasks.unzip();
        let n_tasks = before.len();
        let repositories: Vec<_> = repositories.collect();
        let mut gates: HashMap<&RepositoryName, usize> = HashMap::new();
        for wait in repositories.iter().flat_map(|(_, waits)| *waits) {
            gates.entry(&wait.repository).or_insert_with(|| {
                before.push(Vec::new());
                before.len() - 1
            });
        }
        for (repository, waits) in repositories {
            let entry: Vec<_> = waits
                .iter()
                .filter_map(|wait| gates.get(&wait.repository).copied())
                .collect();
            let own_gate = gates.get(repository).copied();
            if entry.is_empty() && own_gate.is_none() {
                continue;
            }
            if let Some(gate) = own_gate {
                before[gate].extend(&entry);
            }
            for (idx, owner) in owners.iter().enumerate() {
                if *owner == Some(repository) {
                    before[idx].extend(&entry);
                    if let Some(gate) = own_gate {
                        before[gate].push(idx);
                    }
                }
            }
        }
        let order = order(&before);
        Self {
            n_tasks,
            before,
            order,
        }
    }

    /// How long the longest chain takes, if each task takes so long.
    pub(crate) fn longest(&self, durations: &[u64]) -> u64 {
        self.times(durations).makespan
    }

    fn after(&self) -> Vec<Vec<usize>> {
        let mut after = vec![Vec::new(); self.before.len()];
        for (node, before) in self.before.iter().enumerate() {
            for &needed in before {
                after[needed].push(node);
            }
        }
        after
    }

    /// The times of all tasks, if each takes so long and slots were without number.
    pub(super) fn times(&self, durations: &[u64]) -> Times {
        let n_nodes = self.before.len();
        let duration = |node: usize| durations.get(node).copied().unwrap_or(0);
        let mut rank = vec![0; n_nodes];
        for (place, &node) in self.order.iter().enumerate() {
            rank[node] = place;
        }
        let needed = |node: usize| {
            let before = self.before[node].iter().copied();
            before
                .filter(|&it| rank[it] < rank[node])
                .collect::<Vec<_>>()
        };
        let mut ends: Vec<u64> = vec![0; n_nodes];
        for &node in &self.order {
            let start = needed(node)
                .into_iter()
                .map(|it| ends[it])
                .max()
                .unwrap_or(0);
            ends[node] = start.saturating_add(duration(node));
        }
        let makespan = ends.iter().copied().max().unwrap_or(0);
        let mut latest = vec![makespan; n_nodes];
        for &node in self.order.iter().rev() {
            let start = latest[node].saturating_sub(duration(node));
            for it in needed(node) {
                latest[it] = latest[it].min(start);
            }
        }
        let slack = (0..self.n_tasks).map(|it| latest[it].saturating_sub(ends[it]));
        let slack = slack.collect();
        // Back from what ends last, each time to what it had to wait for.
        let mut path = Vec::new();
        let mut node = (0..self.n_tasks).find(|&it| ends[it] == makespan);
        while let Some(at) = node {
            if at < self.n_tasks {
                path.push(at);
            }
            let start = ends[at].saturating_sub(duration(at));
            node = needed(at).into_iter().find(|&it| ends[it] == start);
        }
        path.reverse();
        let mut is_critical = vec![false; self.n_tasks];
        path.iter().for_each(|&task| is_critical[task] = true);
        Times {
            slack,
            path,
            is_critical,
            makespan,
        }
    }

    /// How long the rest takes with so many slots: what needs the longest is served first.
    ///
    /// `left` is how long each task still takes, `None` for one that has ended well; `running` have a
    /// slot already. What can never start is left out.
    fn makespan(&self, left: &[Option<u64>], running: &[usize], slots: usize) -> u64 {
        let after = self.after();
        let n_nodes = self.before.len();
        let time = |node: usize| left.get(node).copied().flatten().unwrap_or(0);
        let mut tail = vec![0_u64; n_nodes];
        for &node in self.order.iter().rev() {
            let longest = after[node].iter().map(|&it| tail[it]).max().unwrap_or(0);
            tail[node] = longest.saturating_add(time(node));
        }
        let is_over = |node: usize| node < self.n_tasks && left[node].is_none();
        let mut missing: Vec<usize> = self
            .before
            .iter()
            .map(|before| before.iter().filter(|&&it| !is_over(it)).count())
            .collect();
        let mut ready = BinaryHeap::new();
        let mut ends = BinaryHeap::new();
        let mut is_begun = vec![false; n_nodes];
        for &task in running {
            is_begun[task] = true;
            ends.push(Reverse((time(task), task)));
        }
        for node in 0..n_nodes {
            if !is_begun[node] && !is_over(node) && missing[node] == 0 {
                is_begun[node] = true;
                ready.push((tail[node], Reverse(node)));
            }
        }
        let mut free = slots.max(1).saturating_sub(running.len());
        let mut now = 0_u64;
        loop {
            // A gate needs no slot; it is served with the tasks and ends at once.
            while let Some(&(_, Reverse(node))) = ready.peek() {
                let is_task = node < self.n_tasks;
                if is_task && free == 0 {
                    break;
                }
                ready.pop();
                free -= usize::from(is_task);
                ends.push(Reverse((now.saturating_add(time(node)), node)));
            }
            let Some(&Reverse((end, _))) = ends.peek() else {
                return now;
            };
            now = end;
            // All that end at the same time are over before slots are given.
            while let Some(&Reverse((at, node))) = ends.peek()
                && at == end
            {
                ends.pop();
                free += usize::from(node < self.n_tasks);
                for &next in &after[node] {
                    missing[next] = missing[next].saturating_sub(1);
                    if missing[next] == 0 && !is_begun[next] && !is_over(next) {
                        is_begun[next] = true;
                        ready.push((tail[next], Reverse(next)));
                    }
                }
            }
        }
    }
}

/// The nodes, each behind what it needs; those of a circle last.
fn order(before: &[Vec<usize>]) -> Vec<usize> {
    let mut after = vec![Vec::new(); before.len()];
    let mut missing = vec![0_usize; before.len()];
    for (node, needed) in before.iter().enumerate() {
        missing[node] = needed.len();
        for &it in needed {
            after[it].push(node);
        }
    }
    let mut order: Vec<usize> = (0..before.len()).filter(|&it| missing[it] == 0).collect();
    let mut place = 0;
    while let Some(&node) = order.get(place) {
        place += 1;
        for &next in &after[node] {
            missing[next] -= 1;
            if missing[next] == 0 {
                order.push(next);
            }
        }
    }
    order.extend((0..before.len()).filter(|&it| missing[it] > 0));
    order
}

/// When tasks can start and end.
#[derive(Debug)]
pub(super) struct Times {
    /// By task, how much later it could end.
    pub(super) slack: Vec<u64>,
    /// The longest chain, first to last.
    pub(super) path: Vec<usize>,
    /// By task, whether it is on that chain.
    pub(super) is_critical: Vec<bool>,
    /// How long that takes.
    pub(super) makespan: u64,
}

/// What is known of how long tasks take.
#[derive(Debug)]
pub(super) struct Pace {
    /// Of ended tasks that ran, sorted.
    durations: Vec<u64>,
    /// How long they took in thousandths of their estimates, sorted.
    ratios: Vec<u64>,
}

impl Pace {
    pub(super) fn of(course: &Course, lanes: &[Vec<Segment>], until: Timestamp) -> Self {
        let (mut durations, mut ratios) = (Vec::new(), Vec::new());
        for (task, lane) in course.tasks.iter().zip(lanes) {
            if !task.status.is_good() || task.started.is_none() {
                continue;
            }
            let took = total_ms(lane, &HELD, until);
            durations.push(took);
            if let Some(estimate) = task.estimate_ms.filter(|it| *it > 0) {
                ratios.push(took.saturating_mul(1000) / estimate);
            }
        }
        durations.sort_unstable();
        ratios.sort_unstable();
        Self { durations, ratios }
    }

    pub(super) fn samples(&self) -> usize {
        self.durations.len()
    }

    /// How long a task takes, so many percent of them being faster.
    pub(super) fn expected(&self, estimate_ms: Option<u64>, percent: usize) -> Option<u64> {
        match (estimate_ms, quantile(&self.ratios, percent)) {
            (Some(estimate), Some(ratio)) => Some(estimate.saturating_mul(ratio) / 1000),
            (Some(estimate), None) => Some(estimate),
            (None, _) => quantile(&self.durations, percent),
        }
    }
}

/// The nearest rank; `None` of nothing.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// When the rest of a live run's tasks will have ended.
pub(super) fn eta(
    course: &Course,
    network: &Network,
    lanes: &[Vec<Segment>],
    pace: &Pace,
    now: Timestamp,
) -> Option<Eta> {
    let is_open = |status: TaskStatus| !status.has_ended();
    if !course.tasks.iter().any(|task| is_open(task.status)) {
        return None;
    }
    let running: Vec<usize> = (0..course.tasks.len())
        .filter(|&it| course.tasks[it].status_at(now) == TaskStatus::Running)
        .collect();
    let dead: Vec<bool> = course
        .tasks
        .iter()
        .map(|task| task.status.has_ended() && !task.status.is_good())
        .collect();
    let network = network.without(&dead);
    let at = |percent: usize| -> Option<Timestamp> {
        let mut left = Vec::with_capacity(course.tasks.len());
        for (idx, task) in course.tasks.iter().enumerate() {
            left.push(match task.status {
                status if status.is_good() => None,
                // It never ends, and what depends on it never starts.
                status if status.has_ended() => Some(0),
                TaskStatus::Running => {
                    let of_attempt = lanes[idx].iter().filter(|it| it.attempt == task.attempt);
                    let of_attempt: Vec<_> = of_attempt.copied().collect();
                    let took = total_ms(&of_attempt, &HELD, now);
                    let expected = pace.expected(task.estimate_ms, percent)?;
                    Some(expected.saturating_sub(took))
                }
                _ => Some(pace.expected(task.estimate_ms, percent)?),
            });
        }
        let rest = network.makespan(&left, &running, course.max_workers);
        Some(Timestamp(now.0.saturating_add(rest)))
    };
    Some(Eta {
        at: at(50)?,
        earliest: at(10)?,
        latest: at(90)?,
        samples: pace.samples(),
    })
}

impl Network {
    /// The same, in which some tasks never end: they need themselves.
    fn without(&self, dead: &[bool]) -> Self {
        let mut before = self.before.clone();
        for (idx, _) in dead.iter().enumerate().filter(|(_, dead)| **dead) {
            before[idx].push(idx);
        }
        Self {
            n_tasks: self.n_tasks,
            order: order(&before),
            before,
        }
    }
}
