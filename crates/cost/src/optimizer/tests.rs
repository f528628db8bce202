use core_types::{
    Plan, RepositoryName, RunId, SpendScope, Task, TaskId, Timestamp, TokenUsage, Usd,
};

use super::*;
use crate::{Error, Limits, OpenReservation, PriceTable, Spending, SpendingRow};

fn task(id: &str, title: &str, repository: &str) -> Task {
    Task {
        id: id.parse().unwrap(),
        title: title.to_owned(),
        description: String::new(),
        repository: RepositoryName::new(repository).unwrap(),
        dependencies: Vec::new(),
        files: Vec::new(),
        estimate: None,
    }
}

fn plan(titles: &[&str]) -> Plan {
    let tasks = titles.iter().enumerate();
    Plan {
        id: "p".parse().unwrap(),
        title: "p".to_owned(),
        tasks: tasks
            .map(|(n, title)| task(&format!("t{n}"), title, if n % 2 == 0 { "a" } else { "b" }))
            .collect(),
    }
}

fn models(text: &str) -> config::models::Models {
    config::load_models("models.yaml", text, &|_| None).unwrap()
}

const MIXED: [&str; 3] = [
    "Fix typo in readme",
    "Add a filter to the list of orders",
    "Redesign the distributed architecture and migrate authentication to a new protocol",
];

#[test]
fn tiers_go_with_complexity() {
    let optimizer = CostOptimizer::new(true);
    let mut tasks = plan(&MIXED).tasks;
    tasks[1].description =
        "Users should filter orders by status and date. Add the filter to the page and \
        to the API, keep it in the address, and cover it with tests."
            .to_owned();
    let selections: Vec<Selection> = tasks.iter().map(|task| optimizer.select(task)).collect();
    let scores: Vec<f64> = selections
        .iter()
        .map(|selection| selection.explanation.score)
        .collect();
    let tiers: Vec<ModelTier> = selections.iter().map(|selection| selection.tier).collect();
    assert_eq!(tiers, ModelTier::ALL, "{scores:?}");
    assert_eq!(optimizer.select_model_for_task(&tasks[1]), tiers[1]);
    let off = CostOptimizer::new(false);
    let selection = off.select(&plan(&MIXED).tasks[0]);
    assert_eq!(selection.tier, ModelTier::Balanced);
    assert_eq!(selection.model, "claude-sonnet-5-5");
}

#[test]
fn costs_are_the_sum_of_their_stages() {
    let costs = CostOptimizer::new(true)
        .estimate_cost(&plan(&MIXED))
        .unwrap();
    let stages = [costs.planning, costs.implementation, costs.review];
    let sum = stages
        .iter()
        .fold(0, |sum, stage| sum + stage.expected.pico());
    assert!(
        sum.abs_diff(costs.total.expected.pico()) <= 3,
        "each is rounded once"
    );
    for stage in stages.iter().chain([&costs.total]) {
        assert!(Usd::ZERO < stage.low && stage.low < stage.expected && stage.expected < stage.high);
    }
    // What tasks have for themselves evens out: the whole is surer than its parts.
    assert!(width(&costs.total) < width(&costs.planning));
    assert_eq!((costs.tasks.len(), costs.n_past_tasks), (3, 0));
    assert_eq!(costs.prices_date, PriceTable::bundled().date());
    let none = CostOptimizer::new(true).estimate_cost(&plan(&[])).unwrap();
    assert_eq!(none.implementation, Estimate::default());
}

fn estimated(history: History, plan: &Plan) -> Costs {
    let optimizer = CostOptimizer::new(true).with_history(history);
    optimizer.estimate_cost(plan).unwrap()
}

/// How far apart the bounds are, as a factor.
fn width(estimate: &Estimate) -> f64 {
    estimate.high.pico() as f64 / estimate.low.pico() as f64
}

#[test]
fn history_corrects_estimates_once_it_says_something() {
    let usd = |pico: u64| Usd::from_pico(pico);
    let run = |n: usize| vec![(usd(100), usd(200)); n];
    let plan = plan(&MIXED);
    let plain = estimated(History::default(), &plan);
    assert_eq!(
        estimated(History::of_runs(&[run(19)]), &plan),
        plain,
        "19 tasks say nothing"
    );
    let corrected = estimated(History::of_runs(&vec![run(4); 5]), &plan);
    let twice = plain.total.expected.pico() * 2;
    assert!(
        corrected.total.expected.pico().abs_diff(twice) < 1_000,
        "each cost twice as much"
    );
    assert_eq!(corrected.n_past_tasks, 20);
    assert!(
        corrected.total.high.pico() - corrected.total.low.pico() < 1_000,
        "and all the same"
    );
    assert!(History::of_runs(&[vec![(Usd::ZERO, usd(1)), (usd(1), Usd::ZERO)]]).is_empty());
}

#[test]
fn what_all_past_tasks_have_cost_together_is_what_counts() {
    // Nineteen small ones cost ten times as much, and the one that costs most came out as expected.
    let usd = |pico: u64| Usd::from_pico(pico);
    let mut pairs = vec![(usd(1), usd(10)); 19];
    pairs.push((usd(1_000), usd(1_000)));
    let plan = plan(&MIXED);
    let plain = estimated(History::default(), &plan).total.expected.pico() as f64;
    let corrected = estimated(History::of_runs(&[pairs]), &plan);
    let factor = corrected.total.expected.pico() as f64 / plain;
    assert!((factor - 1_190.0 / 1_019.0).abs() < 1e-6, "{factor}");
}

#[test]
fn what_is_not_known_of_past_tasks_corrects_nothing() {
    let past: Vec<PastRun> = (0..8)
        .map(|n| PastRun {
            run: RunId::new(format!("r{n}")).unwrap(),
            costs: estimated(History::default(), &plan(&MIXED)),
            ended: ["t0", "t1", "t2"].map(|it| it.parse().unwrap()).into(),
        })
        .collect();
    let scope = |past: &PastRun, task: &TaskId| SpendScope {
        run: past.run.clone(),
        repository: None,
        task: Some(task.clone()),
    };
    let rows = past.iter().flat_map(|past| {
        let tasks = past.costs.tasks.iter();
        tasks.map(|(task, _, estimate)| SpendingRow {
            day: crate::Day::of(Timestamp(0)),
            scope: scope(past, task),
            model: String::new(),
            calls: 1,
            spent: estimate.expected,
            usage: TokenUsage::default(),
            unknown: 0,
            reported: 1,
        })
    });
    let spending = Spending {
        rows: rows.collect(),
        ..Spending::default()
    };
    let n = |spending: &Spending, past: &[PastRun]| History::of_spending(spending, past).len();
    assert_eq!(n(&spending, &past), 24);

    let mut unknown = spending.clone();
    unknown.rows[0].unknown = 1;
    // What is known of the same task is a part of its cost.
    let again = SpendingRow {
        unknown: 0,
        model: "other".to_owned(),
        ..unknown.rows[0].clone()
    };
    unknown.rows.push(again);
    assert_eq!(n(&unknown, &past), 23, "nobody knows the cost of one");

    let mut open = spending.clone();
    open.open.push(OpenReservation {
        operation: core_types::OperationId::new("o").unwrap(),
        scope: open.rows[1].scope.clone(),
        day: open.rows[1].day,
        agent: String::new(),
        held: Usd::from_pico(1),
    });
    assert_eq!(n(&open, &past), 23, "one was killed at work");

    let mut going_on = past.clone();
    going_on[0].ended.clear();
    assert_eq!(n(&spending, &going_on), 21, "a run has ended no task yet");
    assert_eq!(n(&spending, &past[1..]), 21, "a run is left out");
}

#[test]
fn what_tasks_share_does_not_even_out() {
    let many = plan(&[MIXED[1]; 200]);
    let plain = estimated(History::default(), &many).implementation;
    // 90 % of a lognormal distribution with the common spread alone.
    let least = (2.0 * 1.645 * EffortModel::default().common_spread).exp();
    assert!(
        width(&plain) >= least,
        "200 tasks are {} wide",
        width(&plain)
    );

    // Six runs that are each off as a whole, by two and by a half: told from runs whose tasks are.
    let usd = |off: bool| {
        (
            Usd::from_pico(1_000),
            Usd::from_pico(if off { 2_000 } else { 500 }),
        )
    };
    let as_a_whole: Vec<_> = (0..6).map(|run| vec![usd(run % 2 == 0); 10]).collect();
    let by_tasks = vec![(0..10).map(|task| usd(task % 2 == 0)).collect(); 6];
    let wide = estimated(History::of_runs(&as_a_whole), &many).implementation;
    let narrow = estimated(History::of_runs(&by_tasks), &many).implementation;
    assert!(width(&wide) > 8.0, "{}", width(&wide));
    assert!(width(&narrow) < 1.7, "{}", width(&narrow));
}

#[test]
fn what_is_new_costs_as_input_where_no_price_is_for_writing_the_cache() {
    let tiers = "tiers: {FAST: gpt-5.1, BALANCED: gpt-5.1, ADVANCED: gpt-5.1}";
    let optimizer = CostOptimizer::with_models(models(tiers), &PriceTable::bundled()).unwrap();
    let effort = EffortModel::default().task(0.5);
    let usage = effort.usage;
    let new = usage.cache_write_5m;
    assert!(new > 0 && usage.input == 0);
    // 1.25, 0.125 and 10 USD for a million tokens: pico-dollars for one.
    let by_hand = new * 1_250_000 + usage.cache_read * 125_000 + usage.output * 10_000_000;
    assert_eq!(
        optimizer.price("gpt-5.1", &effort).unwrap(),
        Usd::from_pico(by_hand)
    );
    let claude = CostOptimizer::new(true);
    let rates = claude.prices().find("claude-sonnet-5-5").unwrap().rates;
    let rates = rates.rates(effort.longest_prompt / 2, crate::ServiceTier::Standard);
    let written = rates
        .input_cost(&usage)
        .saturating_add(rates.output_cost(&usage));
    assert_eq!(claude.price("claude-sonnet-5-5", &effort).unwrap(), written);
}

#[test]
fn a_model_without_a_price_is_refused() {
    let findings =
        CostOptimizer::with_models(models("tiers: {ADVANCED: opus-99}"), &PriceTable::bundled());
    let told = findings.unwrap_err().to_string();
    assert!(
        told.starts_with("models.yaml:1:19: tiers.ADVANCED: the price of model \"opus-99\""),
        "{told}"
    );
    let mine = "tiers: {ADVANCED: opus-99}\noverrides: [{model: opus-99, input: 0, output: 0}]";
    let free = CostOptimizer::with_models(models(mine), &PriceTable::bundled()).unwrap();
    assert_eq!(free.model(ModelTier::Advanced), "opus-99");
    let unknown = free.prices().find("opus-98").unwrap_err();
    assert!(matches!(unknown, Error::UnknownModel { .. }));
}

#[test]
fn recommendations() {
    let shown = |optimizer: &CostOptimizer, plan: &Plan, limits: &Limits, now: u64| {
        let found = optimizer
            .recommendations(plan, limits, Timestamp(now))
            .unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let soon = 1_795_392_000_000; // 2026-11-23
    let calm = CostOptimizer::new(true);
    assert!(
        shown(
            &calm,
            &plan(&["Fix typo in readme"]),
            &Limits::default(),
            soon
        )
        .is_empty()
    );

    let low = Limits {
        run: Some(Usd::from_pico(1)),
        ..Limits::default()
    };
    let found = shown(
        &CostOptimizer::new(false),
        &plan(&[MIXED[0]; 4]),
        &low,
        soon + 40 * 86_400_000,
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("raise budget.run"), "{found:?}");
    assert!(found[1].contains("optimize: true"), "{found:?}");
    assert_eq!(found[2], "the prices are of 2026-11-22: renew prices.file");

    let uneven = plan(&[MIXED[0], MIXED[0], MIXED[2]]);
    let found = shown(&calm, &uneven, &Limits::NONE, soon);
    assert!(
        found[0].contains("task t2 is more than half of the cost"),
        "{found:?}"
    );
    let old = models("tiers: {BALANCED: claude-sonnet-4-5}");
    let old = CostOptimizer::with_models(old, &PriceTable::bundled()).unwrap();
    let found = shown(
        &old,
        &plan(&MIXED[..1]),
        &Limits::NONE,
        soon + 10 * 86_400_000,
    );
    assert!(
        found
            .iter()
            .any(|line| line.contains("claude-sonnet-4-5 is not served from 2026-11-30")),
        "{found:?}"
    );
}
