//! Gauges, from what pages show.

use core_types::Usd;

use super::{
    Metrics,
    calls::usd,
    series::{Family, Gauge},
};
use crate::fold::{COMPONENTS, RunState, RunSummary};

impl Metrics {
    /// Sets what is under way now, from the summaries of all runs: runs, tasks, worker slots, budgets,
    /// costs, and how many runs wait for a person.
    ///
    /// The figures are those of the pages, since both are made of [`RunSummary`]. What came of events
    /// one by one, [`EventFold`](super::EventFold) counts.
    pub fn show_runs<'a>(&self, runs: impl IntoIterator<Item = &'a RunSummary>) {
        let families = &self.families;
        let (mut n_waiting, mut running) = (0, Vec::new());
        for run in runs {
            match run.state {
                RunState::Running => running.push(run),
                RunState::Waiting => n_waiting += 1,
                RunState::Paused
                | RunState::Done
                | RunState::Failed
                | RunState::Partial
                | RunState::Aborted => {}
            }
        }
        let set = |family: &Family<Gauge>, values: &[&str], value: f64| {
            family.with(values, |cell| cell.set(value));
        };
        let number =
            |of: fn(&RunSummary) -> usize| running.iter().map(|run| of(run)).sum::<usize>();
        let money = |of: &dyn Fn(&RunSummary) -> Usd| {
            let amounts = running.iter().map(|run| of(run));
            usd(amounts.fold(Usd::ZERO, Usd::saturating_add))
        };

        self.update_active_workflows(running.len());
        set(&families.gates_waiting, &[], f64::from(n_waiting));
        let by_status = |status, of| set(&families.tasks, &[status], number(of) as f64);
        by_status("waiting", |run| run.counts.waiting);
        by_status("ready", |run| run.counts.ready);
        by_status("running", |run| run.counts.running);
        by_status("succeeded", |run| run.counts.succeeded);
        by_status("unchanged", |run| run.counts.unchanged);
        by_status("failed", |run| run.counts.failed);
        by_status("skipped", |run| run.counts.skipped);
        by_status("cancelled", |run| run.counts.cancelled);
        let n_busy = number(|run| run.counts.running);
        let n_free = number(|run| run.max_workers.saturating_sub(run.counts.running));
        set(&families.worker_slots, &["busy"], n_busy as f64);
        set(&families.worker_slots, &["free"], n_free as f64);

        let without_slot = number(
            |run| match run.max_workers.checked_sub(run.counts.running) {
                Some(0) | None => run.counts.ready,
                Some(_) => 0,
            },
        );
        set(&families.tasks_without_slot, &[], without_slot as f64);

        let limit = money(&|run| run.limit.unwrap_or_default());
        let spent = money(&|run| run.limit.map_or(Usd::ZERO, |_| run.spent));
        set(&families.budget_limit, &[], limit);
        set(&families.budget_spent, &[], spent);
        let reserved = money(&|run| run.limit.map_or(Usd::ZERO, |_| run.reserved));
        set(&families.budget_reserved, &[], reserved);
        for component in COMPONENTS {
            let of = |run: &RunSummary| {
                let amounts = run.by_component.get(component);
                amounts.map_or(Usd::ZERO, |amounts| amounts.spent)
            };
            self.update_estimated_cost(component, money(&of));
        }
    }
}
