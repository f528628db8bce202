//! What is counted for Prometheus agrees with what pages show, on the same random histories.

use std::collections::{BTreeMap, HashSet};

use core_types::{Event, RunId, Usd};

use super::history::{History, history};
use crate::{
    fold::{RunFold, RunSummary},
    metrics::{EventFold, Metrics},
};

const HISTORIES: u64 = 1000;

/// The samples of an exposition: name and labels, and the number as it is written.
struct Samples(BTreeMap<String, String>);

impl Samples {
    fn of(history: &History, run: &RunId) -> Self {
        let metrics = Metrics::default();
        let mut fold = EventFold::new(metrics.clone());
        fold.apply_all(run, history.events.iter().map(|(_, record)| record));
        fold.set_held(run, history.is_held);
        let text = metrics.get_metrics();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            samples
                .filter_map(|line| line.rsplit_once(' '))
                .map(|(name, number)| (name.to_owned(), number.to_owned()))
                .collect(),
        )
    }

    /// 0 where there is no such series.
    fn get(&self, name: &str) -> f64 {
        let number = self.0.get(name).map(|number| number.parse());
        number.map_or(0.0, |number| number.expect("a sample is a number"))
    }

    /// The sum over all series that begin so.
    fn sum(&self, name: &str) -> f64 {
        let named = self.0.keys().filter(|key| key.starts_with(name));
        named.map(|key| self.get(key)).sum()
    }
}

fn usd(amount: Usd) -> f64 {
    amount.pico() as f64 / 1e12
}

#[track_caller]
fn near(seed: u64, what: &str, counted: f64, shown: f64) {
    let is_near = (counted - shown).abs() <= 1e-9 * shown.abs().max(1.0);
    assert!(
        is_near,
        "seed {seed}: {what}: counted {counted}, shown {shown}"
    );
}

#[test]
fn counters_and_gauges_agree_with_the_summary_of_the_run() {
    let mut n_tokens = 0;
    for seed in 0..HISTORIES {
        let history = history(seed);
        let run: RunId = "r".parse().expect("valid");
        let samples = Samples::of(&history, &run);
        let mut fold = RunFold::new(run);
        fold.extend(history.events.iter().cloned());
        fold.set_held(history.is_held);
        let summary: RunSummary = fold.summary(history.now);

        let ended = |event: &Event| matches!(event, Event::RunEnded { .. });
        let n_ends = history
            .events
            .iter()
            .filter(|(_, record)| ended(&record.event))
            .count();
        // A counter keeps the end that a resumed run has left behind; the summary says how it stands.
        let stages = summary.stages.iter().filter(|_| n_ends <= 1);
        for (stage, figures) in stages {
            for (status, n) in [("success", figures.success), ("failed", figures.failed)] {
                let name = format!(
                    r#"automation_workflow_executions_total{{stage="{stage}",status="{status}"}}"#
                );
                near(seed, &name, samples.get(&name), n as f64);
            }
        }
        near(
            seed,
            "spent",
            samples.sum("automation_spend_dollars_total"),
            usd(summary.spent),
        );
        for (component, amounts) in &summary.by_component {
            let name = format!(r#"automation_spend_dollars_total{{component="{component}"}}"#);
            near(seed, &name, samples.get(&name), usd(amounts.spent));
        }
        // Money that was set aside and never settled: an agent's own word is waited for in vain.
        let of_step = |wanted: fn(&Event) -> bool| {
            let of = history
                .events
                .iter()
                .filter(move |(_, record)| wanted(&record.event));
            of.map(|(_, record)| record.step.clone())
                .collect::<HashSet<_>>()
        };
        let reserved = of_step(|event| matches!(event, Event::SpendReserved { .. }));
        let settled = of_step(|event| matches!(event, Event::SpendSettled { .. }));
        if reserved.is_subset(&settled) {
            let tokens = samples.sum("automation_token_usage_total");
            near(seed, "tokens", tokens, summary.usage.total() as f64);
            n_tokens += u32::from(tokens > 0.0);
        }
        for (provider, figures) in &summary.forges {
            let name = format!(r#"automation_api_calls_total{{provider="{provider}""#);
            near(seed, &name, samples.sum(&name), figures.calls as f64);
        }
        for (strategy, outcomes) in &summary.recoveries {
            for (outcome, n) in outcomes {
                let name = format!(
                    r#"automation_recovery_outcomes_total{{recovery_type="{strategy}",outcome="{outcome}"}}"#
                );
                near(seed, &name, samples.get(&name), *n as f64);
            }
        }
        let is_under_way = samples.get("automation_active_workflows") == 1.0;
        if is_under_way {
            let reserved = samples.get("automation_budget_reserved_dollars");
            near(seed, "reserved", reserved, usd(summary.reserved));
            let counts = summary.counts;
            for (status, n) in [
                ("waiting", counts.waiting),
                ("ready", counts.ready),
                ("running", counts.running),
                ("succeeded", counts.succeeded),
                ("skipped", counts.skipped),
            ] {
                let name = format!(r#"automation_tasks{{status="{status}"}}"#);
                near(seed, &name, samples.get(&name), n as f64);
            }
        }
        let n_events = samples.sum("automation_journal_events_total");
        near(seed, "events", n_events, history.events.len() as f64);
        near(
            seed,
            "ends",
            samples.sum("automation_runs_total"),
            n_ends as f64,
        );
    }
    assert!(
        n_tokens > 100,
        "tokens of {n_tokens} histories were compared"
    );
}
