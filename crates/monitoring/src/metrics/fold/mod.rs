//! Metrics from the events of runs.

mod run;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, HashSet};

use core_types::{EventRecord, RunId, Timestamp};

use self::run::Run;
use super::{
    Metrics,
    calls::seconds,
    series::{Family, Gauge},
};

/// Counts what the journals of runs tell.
///
/// Counters and histograms count each event that is applied, and so what has really happened: a session
/// of an agent that a crash made happen twice was paid for twice. Each event of a run is applied once, in
/// the order of its journal. What is under way now, [`Metrics::show_runs`] says.
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
}

impl EventFold {
    /// Counts in these metrics.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            runs: BTreeMap::new(),
            under_way: HashSet::new(),
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

    /// Forgets a run that was removed. What it has counted stays; after a restart its
    /// [`Tally`](super::Tally) stands for it.
    pub fn forget(&mut self, run: &RunId) {
        self.runs.remove(run);
        self.under_way.remove(run);
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
        if self.runs.get(run).is_some_and(Run::is_under_way) {
            self.under_way.insert(run.clone());
        } else {
            self.under_way.remove(run);
        }
    }

    /// Sets what only events tell of the runs under way.
    fn show(&self) {
        let families = &self.metrics.families;
        let runs = || self.under_way.iter().filter_map(|run| self.runs.get(run));
        let set = |family: &Family<Gauge>, at: Option<Timestamp>| {
            family.with(&[], |cell| cell.set(at.map_or(0.0, seconds)));
        };
        set(
            &families.critical_path_due,
            runs().filter_map(|run| run.due).min(),
        );
        set(&families.last_event, runs().map(|run| run.last_event).max());
        let busy = runs().filter(|run| !run.is_at_gate);
        set(&families.silent_since, busy.map(|run| run.last_event).min());
    }
}
