//! What is counted for Prometheus agrees with what pages show, on the random histories of their tests.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use core_types::{Event, RunId, Usd};

use super::history::{History, history};
use crate::{
    fold::{RunFold, RunState, RunSummary},
    metrics::{EventFold, Format, Metrics, Tally},
};

const HISTORIES: u64 = 200;

/// The samples of an exposition: name and labels, and the number as it is written.
struct Samples(BTreeMap<String, String>);

impl Samples {
    fn of(history: &History, run: &RunId, summary: &RunSummary) -> Self {
        let metrics = Metrics::default();
        let mut fold = EventFold::new(metrics.clone());
        fold.apply_all(run, history.events.iter().map(|(_, record)| record));
        fold.set_held(run, history.is_held);
        metrics.show_runs([summary]);
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

/// The samples that only grow.
fn counted(metrics: &Metrics) -> BTreeSet<String> {
    let text = metrics.get_metrics();
    let mut is_gauge = false;
    let counted = text.lines().filter(|line| {
        if line.starts_with("# TYPE") {
            is_gauge = line.ends_with("gauge");
        }
        !is_gauge && !line.starts_with('#')
    });
    counted.map(str::to_owned).collect()
}

#[test]
fn a_tally_counts_what_the_events_of_its_run_have_counted() {
    let run: RunId = "r".parse().expect("valid");
    for seed in 0..HISTORIES {
        let events: Vec<_> = history(seed).events.into_iter().map(|(_, it)| it).collect();
        let expected = Metrics::default();
        EventFold::new(expected.clone()).apply_all(&run, &events);
        let kept = serde_json::to_string(&Tally::of(&run, &events)).expect("JSON");
        let tally: Tally = serde_json::from_str(&kept).expect("a tally");
        let metrics = Metrics::default();
        metrics.add(&tally);
        let (told, wanted) = (counted(&metrics), counted(&expected));
        let differ: Vec<_> = told.symmetric_difference(&wanted).collect();
        assert!(differ.is_empty(), "seed {seed}: {differ:?}");
        let [metrics, expected] = [metrics, expected].map(|it| it.encode(Format::Protobuf).len());
        // Native buckets are in this format alone.
        assert_eq!(metrics, expected, "seed {seed}");
    }
}

#[test]
fn counters_and_gauges_agree_with_the_summary_of_the_run() {
    let (mut n_tokens, mut n_under_way) = (0, 0);
    for seed in 0..HISTORIES {
        let history = history(seed);
        let run: RunId = "r".parse().expect("valid");
        let mut fold = RunFold::new(run.clone());
        fold.extend(history.events.iter().cloned());
        fold.set_held(history.is_held);
        let summary: RunSummary = fold.summary(history.now);
        let samples = Samples::of(&history, &run, &summary);

        let ended = |event: &Event| matches!(event, Event::RunEnded { .. });
        let n_paused = history
            .events
            .iter()
            .filter(|(_, record)| matches!(record.event, Event::RunPaused { .. }))
            .count();
        let n_ended = history
            .events
            .iter()
            .filter(|(_, record)| ended(&record.event))
            .count();
        // A counter keeps the end that a resumed run has left behind; the summary says how it stands.
        let mut before = history.events.iter().rev().skip(1);
        let is_resumed = before.any(|(_, record)| ended(&record.event));
        let stages = summary.stages.iter().filter(|_| !is_resumed);
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
        // What was done again after a kill is counted again; pages show a step's last execution.
        let mut steps = history
            .events
            .iter()
            .filter_map(|(_, record)| record.step.as_ref());
        let is_repeated = steps.any(|step| step.execution > 1);
        let once = |seed, what: &str, counted: f64, shown: f64| match is_repeated {
            true => assert!(
                counted >= shown,
                "seed {seed}: {what}: counted {counted}, shown {shown}"
            ),
            false => near(seed, what, counted, shown),
        };
        for (provider, figures) in &summary.forges {
            let name = format!(r#"automation_api_calls_total{{provider="{provider}""#);
            once(seed, &name, samples.sum(&name), figures.calls as f64);
        }
        for (strategy, outcomes) in &summary.recoveries {
            for (outcome, n) in outcomes {
                let name = format!(
                    r#"automation_recovery_outcomes_total{{recovery_type="{strategy}",outcome="{outcome}"}}"#
                );
                once(seed, &name, samples.get(&name), *n as f64);
            }
        }
        let is_under_way = summary.state == RunState::Running;
        let shown = |n: usize| if is_under_way { n as f64 } else { 0.0 };
        let n_active = samples.get("automation_active_workflows");
        near(seed, "active", n_active, shown(1));
        let counts = summary.counts;
        let tasks = samples.sum("automation_tasks{");
        near(seed, "tasks", tasks, shown(counts.total));
        let ready = samples.get(r#"automation_tasks{status="ready"}"#);
        near(seed, "ready", ready, shown(counts.ready));
        let slots = samples.sum("automation_worker_slots{");
        near(
            seed,
            "slots",
            slots,
            shown(summary.max_workers.max(counts.running)),
        );
        let reserved = samples.get("automation_budget_reserved_dollars");
        near(
            seed,
            "reserved",
            reserved,
            if is_under_way && summary.limit.is_some() {
                usd(summary.reserved)
            } else {
                0.0
            },
        );
        n_under_way += u32::from(is_under_way);
        let n_events = samples.sum("automation_journal_events_total");
        near(seed, "events", n_events, history.events.len() as f64);
        near(
            seed,
            "ends and pauses",
            samples.sum("automation_runs_total"),
            (n_ended + n_paused) as f64,
        );
        let of_pauses = ["waiting", "budget", "interrupted", "stopped"];
        let paused = of_pauses
            .map(|outcome| samples.get(&format!("automation_runs_total{{outcome=\"{outcome}\"}}")));
        near(seed, "pauses", paused.iter().sum(), n_paused as f64);
    }
    assert!(n_under_way > 5, "{n_under_way} runs were under way");
    assert!(
        n_tokens > 20,
        "tokens of {n_tokens} histories were compared"
    );
}
