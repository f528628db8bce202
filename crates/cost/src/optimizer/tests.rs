use core_types::{Plan, RepositoryName, Task, Timestamp, Usd};

use super::*;
use crate::{Error, Limits, PriceTable};

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
    // Independent tasks even out: the whole is surer than its parts.
    let width = |estimate: &Estimate| estimate.high.pico() as f64 / estimate.low.pico() as f64;
    assert!(width(&costs.total) < width(&costs.planning));
    assert_eq!((costs.tasks.len(), costs.n_past_tasks), (3, 0));
    assert_eq!(costs.prices_date, PriceTable::bundled().date());
    let none = CostOptimizer::new(true).estimate_cost(&plan(&[])).unwrap();
    assert_eq!(none.implementation, Estimate::default());
}

#[test]
fn history_corrects_estimates_once_it_says_something() {
    let usd = |pico: u64| Usd::from_pico(pico);
    let pairs = |n: usize| vec![(usd(100), usd(200)); n];
    let estimate = |history: History| {
        let optimizer = CostOptimizer::new(true).with_history(history);
        optimizer.estimate_cost(&plan(&MIXED)).unwrap()
    };
    let plain = estimate(History::default());
    assert_eq!(
        estimate(History::of_pairs(&pairs(19))),
        plain,
        "19 tasks say nothing"
    );
    let corrected = estimate(History::of_pairs(&pairs(20)));
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
    assert!(History::of_pairs(&[(Usd::ZERO, usd(1)), (usd(1), Usd::ZERO)]).is_empty());
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
