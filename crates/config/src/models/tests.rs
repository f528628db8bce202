use super::*;
use crate::{finding::tests::shown, load_models};

fn load(text: &str) -> Result<Models, String> {
    load_models("f", text, &|_| None).map_err(|findings| shown(&findings))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        load(text).expect_err("the text must be refused"),
        expected,
        "{text}"
    );
}

#[test]
fn an_absent_file_and_empty_sections_are_the_defaults() {
    let defaults = Models::default();
    assert!(defaults.optimize);
    assert_eq!(defaults.default_tier, Tier::Balanced);
    assert_eq!(defaults.complexity.wording, 1.0);
    let read = load("tiers:\nprices: {}\n").expect("sound");
    assert_eq!(
        Models {
            file: String::new(),
            tiers: Tiers {
                marks: defaults.tiers.marks,
                ..read.tiers
            },
            prices: Prices {
                mark: defaults.prices.mark,
                ..read.prices
            },
            ..read
        },
        defaults
    );
}

#[test]
fn the_sample_is_read() {
    let sample = include_str!("../../../../config/models.yaml");
    let models = load(sample).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(models.aliases[0].name, "sonnet");
    assert_eq!(models.overrides[0].model, "company-proxy");
    let defaults = Models::default();
    assert_eq!(models.thresholds, defaults.thresholds, "it shows defaults");
    assert_eq!(models.tiers.advanced, defaults.tiers.advanced);
}

#[test]
fn every_finding_at_once() {
    check(
        "tiers: {FAST: '', SLOW: x}\nthresholds: {BALANCED: 1.5, ADVANCED: .nan}\ncomplexity: {security: -1}\n\
         prices: {date: 22.11.2026, max_age: 0d}\n\
         overrides:\n  - {model: a, input: -1, output: NaN}\n  - {model: a, input: 0, output: 1e-6, cache_read: .inf}\n",
        "1:15: tiers.FAST: expected a text of one line, found an empty text\n\
         1:19: tiers.SLOW: unknown key; known: FAST, BALANCED, ADVANCED\n\
         2:24: thresholds.BALANCED: expected from 0 to 1, found 1.5\n\
         2:39: thresholds.ADVANCED: expected a number from 0 to 1, found the number .nan\n\
         3:24: complexity.security: expected from 0 to 10, found -1\n\
         4:16: prices.date: expected a day such as 2026-11-22, found \"22.11.2026\"\n\
         4:37: prices.max_age: expected from 1d to 3650d, found 0s\n\
         6:23: overrides[0].input: expected an amount in USD such as 5 or 0.25, found the number -1\n\
         6:35: overrides[0].output: expected an amount in USD such as 5 or 0.25, found the text \"NaN\"\n\
         7:13: overrides[1].model: a second price of a model named \"a\"; the first is in line 6\n\
         7:34: overrides[1].output: expected an amount in USD such as 5 or 0.25, found the number 1e-6\n\
         7:52: overrides[1].cache_read: expected an amount in USD such as 5 or 0.25, found the number .inf",
    );
}

#[test]
fn tiers_do_not_cross() {
    check(
        "thresholds: {BALANCED: 0.8, ADVANCED: 0.5}",
        "1:24: thresholds.BALANCED: expected at most the threshold of ADVANCED, 0.5, found 0.8",
    );
}
