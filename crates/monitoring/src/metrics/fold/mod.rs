//! Metrics from the events of runs.

mod run;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, HashSet};

use core_types::{EventRecord, RunId, TaskStatus, Usd};

use self::run::Run;
use super::{
    Metrics,
    calls::{seconds, usd},
    series::Gauge,
};
use crate::fold::COMPONENTS;

/// Counts what the journals of runs tell.
///
/// Counters and histograms count each event that is applied, and so what has really happened: a session
/// of an agent that a crash made happen twice was paid for twice. Gauges are sums over the runs under
/// way. Each event of a run is applied once, in the order of its journal.
///
/// # Examples
///
/// ```
/// use core_types::{Event, EventRecord, RunId, Stage, Timestamp};
/// use monitoring::metrics::{EventFold, Metrics, Status};
///
/// let metrics = Metrics::default();
/// let mut fold = EventFold::new(metrics.clone());
/// let run: RunId = "run-1".parse()?;
/// for (second, stage) in [(0, Stage::Planning), (90, Stage::Implementation)] {
///     let event = Event::StageStarted { stage };
///     let at = Timestamp(second * 1000);
///     fold.apply(&run, &EventRecord { v: 1, at, step: None, event });
/// }
/// assert_eq!(metrics.workflow_executions(Stage::Planning, Status::Success).get(), 1);
/// let observed = r#"automation_workflow_duration_seconds_sum{stage="planning"} 90.0"#;
/// assert!(metrics.get_metrics().contains(observed));
/// # Ok::<(), core_types::InvalidName>(())
/// ```
#[derive(Debug)]
pub struct EventFold {
    metrics: Metrics,
    runs: BTreeMap<RunId, Run>,
    /// The runs that gauges add up.
    under_way: HashSet<RunId>,
    /// The runs that wait at a gate, under way or not.
    at_gates: HashSet<RunId>,
}

impl EventFold {
    /// Counts in these metrics.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            runs: BTreeMap::new(),
            under_way: HashSet::new(),
            at_gates: HashSet::new(),
        }
    }

    /// Applies the next event of a run.
    pub fn apply(&mut self, run: &RunId, record: &EventRecord) {
        self.count(run, record);
        self.show();
    }

    /// Applies the next events of a run; as [`apply`](Self::apply) for each, and quicker.
    pub fn apply_all<'a>(
        &mut self,
        run: &RunId,
        records: impl IntoIterator<Item = &'a EventRecord>,
    ) {
        for record in records {
            self.count(run, record);
        }
        self.show();
    }

    /// Says whether a process holds a run. One that nobody holds is not under way, whatever its last
    /// event was: its process was killed.
    pub fn set_held(&mut self, run: &RunId, is_held: bool) {
        if let Some(known) = self.runs.get_mut(run) {
            known.is_held = is_held;
            self.place(run);
            self.show();
        }
    }

    /// Forgets a run that was removed. What it has counted stays.
    pub fn forget(&mut self, run: &RunId) {
        self.runs.remove(run);
        self.under_way.remove(run);
        self.at_gates.remove(run);
        self.show();
    }

    fn count(&mut self, run: &RunId, record: &EventRecord) {
        if !self.runs.contains_key(run) {
            self.runs.insert(run.clone(), Run::default());
        }
        if let Some(known) = self.runs.get_mut(run) {
            known.apply(&self.metrics.families, record);
        }
        self.place(run);
    }

    /// Puts a run where gauges look for it.
    fn place(&mut self, run: &RunId) {
        let Some(known) = self.runs.get(run) else {
            return;
        };
        let hold = |runs: &mut HashSet<RunId>, belongs: bool| match (runs.contains(run), belongs) {
            (false, true) => drop(runs.insert(run.clone())),
            (true, false) => drop(runs.remove(run)),
            (true, true) | (false, false) => {}
        };
        hold(&mut self.under_way, known.is_under_way());
        hold(&mut self.at_gates, known.waits_at_gate);
    }

    /// Sets the gauges.
    fn show(&self) {
        let families = &self.metrics.families;
        let runs: Vec<&Run> = self
            .under_way
            .iter()
            .filter_map(|run| self.runs.get(run))
            .collect();
        let set = |value: f64| move |cell: &Gauge| cell.set(value);

        self.metrics.update_active_workflows(runs.len());
        families
            .gates_waiting
            .with(&[], set(self.at_gates.len() as f64));
        for status in STATUSES {
            let n: usize = runs.iter().map(|run| run.n_tasks(status)).sum();
            families
                .tasks
                .with(&[&words::of_status(status)], set(n as f64));
        }
        let busy = |run: &Run| run.n_tasks(TaskStatus::Running);
        let n_busy: usize = runs.iter().map(|run| busy(run)).sum();
        let free = |run: &&Run| run.max_workers.saturating_sub(busy(run));
        let n_free: usize = runs.iter().map(free).sum();
        families.worker_slots.with(&["busy"], set(n_busy as f64));
        families.worker_slots.with(&["free"], set(n_free as f64));

        let due = runs.iter().filter_map(|run| run.due).min();
        families
            .critical_path_due
            .with(&[], set(due.map_or(0.0, seconds)));
        let last = runs.iter().map(|run| run.last_event).max();
        families
            .last_event
            .with(&[], set(last.map_or(0.0, seconds)));

        let sum = |of: &dyn Fn(&Run) -> Usd| {
            let sum = runs
                .iter()
                .fold(Usd::ZERO, |sum, run| sum.saturating_add(of(run)));
            usd(sum)
        };
        let limited = |run: &Run| {
            if run.limit.is_some() {
                run.spent()
            } else {
                Usd::ZERO
            }
        };
        let limits = sum(&|run| run.limit.unwrap_or(Usd::ZERO));
        families.budget_limit.with(&[], set(limits));
        families.budget_spent.with(&[], set(sum(&limited)));
        families.budget_reserved.with(&[], set(sum(&Run::reserved)));
        for component in COMPONENTS {
            let cost = sum(&|run| run.cost_of(component));
            self.metrics.update_estimated_cost(component, cost);
        }
    }
}

const STATUSES: [TaskStatus; 10] = [
    TaskStatus::Waiting,
    TaskStatus::Ready,
    TaskStatus::Running,
    TaskStatus::Succeeded,
    TaskStatus::Unchanged,
    TaskStatus::Failed,
    TaskStatus::TimedOut,
    TaskStatus::Skipped,
    TaskStatus::Cancelled,
    TaskStatus::Panicked,
];
