use core_types::{Timestamp, TokenUsage, Usd};

use super::*;
use crate::Error;

fn usage(input: u64, cache_read: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input,
        cache_read,
        output,
        ..TokenUsage::default()
    }
}

#[track_caller]
fn check(model: &str, usage: &TokenUsage, tier: ServiceTier, expected: &str) {
    let cost = PriceTable::bundled().cost(model, usage, tier).unwrap();
    assert_eq!(cost.total().to_string(), expected, "{model} {usage:?}");
}

fn table(text: &str) -> Result<PriceTable, String> {
    PriceTable::from_json("prices.json", text, Some("2026-11-22"))
        .map_err(|findings| findings.to_string())
}

/// A table of so many models with one price.
fn many(count: usize, input: &str) -> PriceTable {
    let models = (0..count).map(|n| {
        format!(r#""m{n}":{{"input_cost_per_token":{input},"output_cost_per_token":1e-5}}"#)
    });
    table(&format!("{{{}}}", models.collect::<Vec<_>>().join(","))).unwrap()
}

#[test]
fn small_goldens() {
    use ServiceTier::{Batch, Priority, Standard};
    check(
        "claude-sonnet-5-5",
        &usage(1_000, 0, 100),
        Standard,
        "0.003",
    );
    check(
        "claude-sonnet-5-5",
        &usage(1_000, 10_000, 100),
        Standard,
        "0.004",
    );
    check("claude-sonnet-5-5", &usage(1_000, 0, 100), Batch, "0.0015");
    // Above 100,000 tokens of prompt the whole request is five times as dear, output and cache too.
    check(
        "claude-haiku-5-5",
        &usage(100_000, 0, 1_000),
        Standard,
        "0.0105",
    );
    check(
        "claude-haiku-5-5",
        &usage(100_001, 0, 1_000),
        Standard,
        "0.0525005",
    );
    check("gpt-5.6", &usage(0, 0, 0), Priority, "0.00");
}

/// LiteLLM #9812: 3 uncached tokens, 12,304 written, 550 answered were billed as if the written ones
/// were also sent uncached. Here the categories are disjoint by type.
#[test]
fn cached_tokens_count_once() {
    let written = TokenUsage {
        input: 3,
        cache_write_5m: 12_304,
        output: 550,
        ..TokenUsage::default()
    };
    check(
        "claude-sonnet-4-5",
        &written,
        ServiceTier::Standard,
        "0.054399",
    );
}

#[test]
fn a_fraction_of_a_pico_dollar_is_rounded_up() {
    let table = table(r#"{"m":{"input_cost_per_token":1.5e-13,"output_cost_per_token":1e-30}}"#);
    let table = table.unwrap();
    let cost = table
        .cost("m", &usage(1, 0, 1), ServiceTier::Standard)
        .unwrap();
    assert_eq!((cost.input.pico(), cost.output.pico()), (1, 1));
    let cost = table
        .cost("m", &usage(1_000, 0, 0), ServiceTier::Standard)
        .unwrap();
    assert_eq!(cost.input.pico(), 150);
    let most = usage(u64::MAX, u64::MAX, u64::MAX);
    let cost = PriceTable::bundled()
        .cost("o1-pro", &most, ServiceTier::Standard)
        .unwrap();
    assert_eq!(
        cost.total(),
        Usd::from_pico(u64::MAX),
        "what does not fit is the most there is"
    );
}

#[test]
fn spellings_of_a_model() {
    let prices = PriceTable::bundled();
    let found = |name: &str| prices.find(name).map(|found| found.model.to_owned());
    assert_eq!(found("claude-sonnet-4.5").unwrap(), "claude-sonnet-4-5");
    assert_eq!(
        found("anthropic/claude-sonnet-5-5").unwrap(),
        "claude-sonnet-5-5"
    );
    let Err(Error::UnknownModel { near, .. }) = found("claude-sonet-5-5") else {
        panic!("it is unknown")
    };
    assert_eq!(near[0], "claude-sonnet-5-5");
    // Two models differ only in this: which one is meant, nobody knows.
    assert!(found("Mistral/mistral-medium-3.5").is_err());
    for hostile in ["", "\u{1F980}", &"x".repeat(100_000)] {
        assert!(found(hostile).is_err());
    }
}

#[test]
fn the_worst_case_is_never_below_a_cost() {
    let prices = PriceTable::bundled();
    for model in prices.models() {
        for prompt in [1, 100_000, 100_001, 272_001, 900_000] {
            let most = prices
                .worst_case(model, prompt, 5_000, ServiceTier::Standard)
                .unwrap();
            let mixed = TokenUsage {
                input: prompt / 4,
                cache_read: prompt / 4,
                cache_write_5m: prompt / 4,
                cache_write_1h: prompt - prompt / 4 * 3,
                output: 5_000,
                reasoning: 2_000,
            };
            let cost = prices
                .cost(model, &mixed, ServiceTier::Standard)
                .unwrap()
                .total();
            assert!(
                cost <= most,
                "{model} with {prompt}: {cost} is above {most}"
            );
        }
    }
}

#[test]
fn what_is_wrong_with_a_table_is_told_with_its_place() {
    assert_eq!(
        table("{\n \"a\":{\"input_cost_per_token\":-1,\"output_cost_per_token\":1e-6},\n \"b\":{\"input_cost_per_token\":\"x\",\n \"output_cost_per_token\":0}}").unwrap_err(),
        "prices.json:2:7: a.input_cost_per_token: expected USD a token, 0 or more, found -1\n\
         prices.json:3:7: b.input_cost_per_token: expected USD a token, 0 or more, found \"x\""
    );
    assert_eq!(
        table("[]").unwrap_err(),
        "prices.json:1:1: expected an object with an entry for each model"
    );
    assert_eq!(
        table("{}").unwrap_err(),
        "prices.json: has no model with prices"
    );
    assert!(
        table("{\"a\":{\"input_cost_per_token\":NaN}}")
            .unwrap_err()
            .starts_with("prices.json:1:")
    );
}

#[test]
fn a_newer_table_is_taken_over_with_care() {
    let old = many(100, "1e-6");
    let refused = |newer: PriceTable, in_use: &[&str]| {
        old.refreshed(newer, in_use, Moves::Refuse).unwrap_err()
    };
    assert!(matches!(
        refused(many(49, "1e-6"), &[]),
        Error::ShrunkenTable { had: 100, has: 49 }
    ));
    let error = refused(many(60, "1e-6"), &["m5", "m70", "never-known"]);
    assert!(
        matches!(&error, Error::MissingModels { models } if models == &["m70"]),
        "{error}"
    );
    // Of models in use alone: input, and the cache reads that cost what input does.
    let error = refused(many(100, "3.1e-6"), &["m0", "never-known"]);
    assert!(
        matches!(&error, Error::LargeMoves { moves } if moves.len() == 2),
        "{error}"
    );
    assert!(
        old.refreshed(many(100, "3.1e-6"), &[], Moves::Refuse)
            .is_ok()
    );
    assert!(
        error
            .to_string()
            .contains("m0: input from 1.00 to 3.10 USD for a million tokens")
    );
    // Free is a move, too.
    assert!(matches!(
        refused(many(100, "0"), &["m5"]),
        Error::LargeMoves { .. }
    ));
    let taken = old.refreshed(many(100, "0"), &[], Moves::Accept).unwrap();
    assert_eq!(taken.changes.len(), 200, "cache reads cost what input does");
    let taken = old
        .refreshed(many(101, "3e-6"), &["m5"], Moves::Refuse)
        .unwrap();
    assert!(taken.changes.contains(&Change::Added {
        model: "m100".to_owned()
    }));
}

#[test]
fn a_table_has_an_age() {
    let table = many(1, "0");
    let day = std::time::Duration::from_secs(86_400);
    // 2026-12-22T00:00:00Z.
    assert_eq!(table.age(Timestamp(1_797_897_600_000)), Some(day * 30));
    let undated = PriceTable::from_json(
        "f",
        r#"{"m":{"input_cost_per_token":0,"output_cost_per_token":0}}"#,
        None,
    );
    assert_eq!(undated.unwrap().age(Timestamp(0)), None);
}

#[test]
fn aliases_and_prices_of_the_configuration_count_first() {
    let text = "aliases: [{name: s, model: claude-sonnet-5-5}]\n\
                overrides: [{model: mine, input: 3, output: 15}, {model: claude-opus-5-5, input: 1, output: 1}]\n";
    let models = config::load_models("models.yaml", text, &|_| None).unwrap();
    let prices = (*PriceTable::bundled())
        .clone()
        .with_models(&models)
        .unwrap();
    assert_eq!(prices.find("s").unwrap().model, "claude-sonnet-5-5");
    let cost = prices
        .cost("mine", &usage(1_000_000, 1_000_000, 0), ServiceTier::Flex)
        .unwrap();
    assert_eq!(
        cost.total().to_string(),
        "6.00",
        "the cache costs what input does"
    );
    let cost = prices.cost(
        "claude-opus-5-5",
        &usage(1_000_000, 0, 0),
        ServiceTier::Standard,
    );
    assert_eq!(cost.unwrap().total().to_string(), "1.00");

    let text = "aliases: [{name: s, model: claude-sonet-5-5}]\ntiers: {FAST: nope}\n";
    let models = config::load_models("models.yaml", text, &|_| None).unwrap();
    let findings = (*PriceTable::bundled())
        .clone()
        .with_models(&models)
        .unwrap_err();
    let told = findings.to_string();
    assert!(
        told.contains(
            "models.yaml:1:28: aliases[0].model: the price of model \"claude-sonet-5-5\""
        ),
        "{told}"
    );
    assert!(
        told.contains("models.yaml:2:15: tiers.FAST: the price of model \"nope\" is not known:"),
        "{told}"
    );
}
