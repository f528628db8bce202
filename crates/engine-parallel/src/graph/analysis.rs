//! Critical path and slack: passes over the topological order.

use std::{sync::Arc, time::Duration};

use super::Graph;

/// A longest chain of dependent tasks: no number of workers ends sooner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriticalPath {
    /// The tasks from the first to the last; empty for an empty graph.
    pub tasks: Vec<Arc<str>>,
    /// The sum of their durations.
    pub length: Duration,
}

impl Graph {
    /// The longest chain by the durations given for each id; among equals the one submitted first.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use engine_parallel::graph::Graph;
    ///
    /// let graph = Graph::build([("a", vec![]), ("b", vec!["a"]), ("c", vec!["a"])])
    ///     .expect("a valid graph");
    /// let path = graph.critical_path(|id| Duration::from_secs(if id == "c" { 5 } else { 1 }));
    /// assert_eq!(path.tasks, ["a".into(), "c".into()]);
    /// assert_eq!(path.length, Duration::from_secs(6));
    /// ```
    pub fn critical_path(&self, duration: impl Fn(&str) -> Duration) -> CriticalPath {
        let b_levels = self.b_levels(&self.durations(duration));
        let longest = |tasks: &mut dyn Iterator<Item = u32>| {
            tasks.min_by_key(|&task| (std::cmp::Reverse(b_levels[task as usize]), task))
        };
        let mut tasks = Vec::new();
        let mut next = longest(&mut (0..self.len() as u32));
        let length = next.map_or(Duration::ZERO, |task| b_levels[task as usize]);
        while let Some(task) = next {
            tasks.push(self.id(task).clone());
            next = longest(&mut self.dependents_of(task).iter().copied());
        }
        CriticalPath { tasks, length }
    }

    /// How much later each task could end without moving the end of the whole, given enough
    /// workers; in the order of [`Graph::ids`]. Zero on the critical path.
    pub fn slack(&self, duration: impl Fn(&str) -> Duration) -> Vec<(Arc<str>, Duration)> {
        let durations = self.durations(duration);
        let b_levels = self.b_levels(&durations);
        let mut earliest = vec![Duration::ZERO; self.len()];
        for &task in self.order() {
            let end = earliest[task as usize].saturating_add(durations[task as usize]);
            for &dependent in self.dependents_of(task) {
                let start = &mut earliest[dependent as usize];
                *start = end.max(*start);
            }
        }
        let length = b_levels.iter().copied().max().unwrap_or_default();
        let slack = earliest
            .into_iter()
            .zip(b_levels)
            .map(|(earliest, b_level)| length.saturating_sub(earliest.saturating_add(b_level)));
        self.ids().iter().cloned().zip(slack).collect()
    }

    pub(crate) fn durations(&self, duration: impl Fn(&str) -> Duration) -> Vec<Duration> {
        self.ids().iter().map(|id| duration(id)).collect()
    }

    /// The length of the longest chain that begins with each task, itself included: what starts
    /// late among these makes the whole end late.
    pub(crate) fn b_levels(&self, durations: &[Duration]) -> Vec<Duration> {
        let mut b_levels = vec![Duration::ZERO; self.len()];
        for &task in self.order().iter().rev() {
            let after = self
                .dependents_of(task)
                .iter()
                .map(|&dependent| b_levels[dependent as usize])
                .max();
            b_levels[task as usize] =
                durations[task as usize].saturating_add(after.unwrap_or_default());
        }
        b_levels
    }
}
