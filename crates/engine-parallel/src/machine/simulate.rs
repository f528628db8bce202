//! The machine on a pretended clock.

use std::{cmp::Reverse, collections::BinaryHeap, num::NonZeroUsize, sync::Arc, time::Duration};

use super::{Action, Ending, Event, Limits, Machine, Spec};
use crate::graph::Graph;

/// The time until everything has ended, if every task takes its duration and succeeds.
pub(crate) fn simulate(
    graph: Arc<Graph>,
    specs: Vec<Spec>,
    limits: Limits,
    durations: &[Duration],
) -> Duration {
    let mut machine = Machine::new(graph, specs, limits);
    let mut running = BinaryHeap::new();
    let mut actions = Vec::new();
    let mut now = Duration::ZERO;
    machine.handle(Event::Begun, &mut actions);
    loop {
        for action in actions.drain(..) {
            if let Action::Start(task) = action {
                running.push(Reverse((
                    now.saturating_add(durations[task as usize]),
                    task,
                )));
            }
        }
        let Some(Reverse((end, task))) = running.pop() else {
            return now;
        };
        now = end;
        machine.handle(Event::Ended(task, Ending::Succeeded), &mut actions);
    }
}

impl Graph {
    /// How long the whole takes on so many workers by the durations given for each id, when what has
    /// the most work behind it starts first; found by simulating the scheduler.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroUsize, time::Duration};
    /// use engine_parallel::graph::Graph;
    ///
    /// let graph = Graph::build([("a", []), ("b", []), ("c", [] as [&str; 0])]).expect("a valid graph");
    /// let two = NonZeroUsize::MIN.saturating_add(1);
    /// assert_eq!(graph.predicted_makespan(|_| Duration::from_secs(1), two), Duration::from_secs(2));
    /// ```
    pub fn predicted_makespan(
        &self,
        duration: impl Fn(&str) -> Duration,
        workers: NonZeroUsize,
    ) -> Duration {
        let durations = self.durations(duration);
        let specs = self.b_levels(&durations).into_iter().map(|b_level| Spec {
            b_level,
            ..Spec::default()
        });
        let limits = Limits {
            slots: workers.get(),
            max_bypass: u32::MAX,
            capacities: Vec::new(),
        };
        simulate(Arc::new(self.clone()), specs.collect(), limits, &durations)
    }
}
