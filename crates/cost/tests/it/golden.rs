//! Costs against those that LiteLLM's own calculator gives.

use std::path::PathBuf;

use core_types::TokenUsage;
use cost::{Cost, PriceTable, ServiceTier};
use serde_json::Value;

/// The folder of data that is no part of the repository.
#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn shared_data() -> Option<PathBuf> {
    let folder = match std::env::var_os("AUTOMATION_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if !folder.is_dir() {
        eprintln!("SKIPPED: no data in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn tier(name: &Value) -> ServiceTier {
    match name.as_str() {
        Some("flex") => ServiceTier::Flex,
        Some("priority") => ServiceTier::Priority,
        None => ServiceTier::Standard,
        Some(other) => panic!("an unknown tier {other}"),
    }
}

fn cost(prices: &PriceTable, golden: &Value) -> Cost {
    let count = |key: &str| golden[key].as_u64().expect("a count");
    let usage = TokenUsage {
        input: count("uncached_input"),
        cache_read: count("cache_read"),
        cache_write_5m: count("cache_write_5m"),
        cache_write_1h: count("cache_write_1h"),
        output: count("output"),
        reasoning: count("reasoning_included_in_output"),
    };
    let model = golden["model"].as_str().expect("a name");
    let cost = prices.cost(model, &usage, tier(&golden["service_tier"]));
    cost.unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn agrees(cost: Cost, golden: &Value) {
    let parts = [(cost.input, "input_cost"), (cost.output, "output_cost")];
    for (ours, key) in parts {
        let theirs = golden[key].as_f64().expect("an amount");
        let apart = (ours.pico() as f64 / 1e12 - theirs).abs();
        assert!(apart < 1e-9, "{key} is {ours}, not {theirs}, of {golden}");
    }
}

#[test]
fn every_golden_cost_is_met() {
    let Some(folder) = shared_data() else { return };
    let text = std::fs::read_to_string(folder.join("prices/cost_golden.jsonl")).expect("readable");
    let prices = PriceTable::bundled();
    let mut count = 0;
    for line in text.lines() {
        let golden: Value = serde_json::from_str(line).expect("a JSON object a line");
        agrees(cost(&prices, &golden), &golden);
        count += 1;
    }
    assert_eq!(count, 3_000);
}

#[test]
fn the_bundled_table_is_the_shared_one() {
    let Some(folder) = shared_data() else { return };
    let file = folder.join("prices/model_prices_trimmed.json");
    let text = std::fs::read_to_string(file).expect("readable");
    let shared = PriceTable::from_json("shared", &text, None).expect("sound");
    let bundled = PriceTable::bundled();
    assert_eq!(bundled.changes(&shared), []);
    assert_eq!(bundled.date(), shared.date());
    assert_eq!(bundled.len(), 264);
}
