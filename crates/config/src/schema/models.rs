//! The table of `config/models.yaml`.

use std::time::Duration;

use super::{
    Absent::{Is, Means, Refused},
    Key, Shape, Zero,
};

const DAY: u64 = 24 * 3600;

/// A share of all issues, by their complexity.
const SHARE: Shape = Shape::Decimal { min: 0.0, max: 1.0 };
/// Above ten, one factor would drown all others.
const FACTOR: Shape = Shape::Decimal {
    min: 0.0,
    max: 10.0,
};
const PRICE: Shape = Shape::Money {
    zero: Zero::Allowed,
    or: None,
};
const TIERS: &[&str] = &["FAST", "BALANCED", "ADVANCED"];

pub(crate) const MODELS: &[Key] = &[
    Key::new(
        "optimize",
        Shape::Flag,
        Is("true"),
        "Whether a task's complexity chooses its tier; `false`: all work has the default tier.",
    ),
    Key::new(
        "default_tier",
        Shape::Choice(TIERS),
        Is("BALANCED"),
        "The tier of planning, of reviews, and of all tasks where `optimize` is off.",
    ),
    Key::new(
        "tiers",
        Shape::Section(MODEL_OF_TIER),
        Is(""),
        "The model of each tier.",
    ),
    Key::new(
        "thresholds",
        Shape::Section(THRESHOLDS),
        Is(""),
        "Where the tiers begin, on the scale of complexity from 0 to 1.",
    ),
    Key::new(
        "complexity",
        Shape::Section(COMPLEXITY),
        Is(""),
        "How much each factor of the complexity counts: 1 as fitted, 0 not at all.",
    ),
    Key::new(
        "aliases",
        Shape::Sections(ALIAS),
        Means("none"),
        "Other names of models, as agents and proxies report them.",
    ),
    Key::new(
        "prices",
        Shape::Section(PRICES),
        Is(""),
        "Where the table of prices comes from.",
    ),
    Key::new(
        "overrides",
        Shape::Sections(OVERRIDE),
        Means("none"),
        "Prices that differ from the table, or that it lacks.",
    ),
];

const MODEL_OF_TIER: &[Key] = &[
    Key::new(
        "FAST",
        Shape::Text,
        Is("claude-haiku-5-5"),
        "For simple work, such as typos and documentation.",
    ),
    Key::new(
        "BALANCED",
        Shape::Text,
        Is("claude-sonnet-5-5"),
        "For most work, such as features.",
    ),
    Key::new(
        "ADVANCED",
        Shape::Text,
        Is("claude-opus-5-5"),
        "For complex work, such as architecture and security.",
    ),
];

const THRESHOLDS: &[Key] = &[
    Key::new(
        "BALANCED",
        SHARE,
        Is("0.35"),
        "The least complexity of the tier BALANCED; what is below is FAST.",
    ),
    Key::new(
        "ADVANCED",
        SHARE,
        Is("0.75"),
        "The least complexity of the tier ADVANCED.",
    ),
];

const COMPLEXITY: &[Key] = &[
    Key::new(
        "description_length",
        FACTOR,
        Is("1"),
        "How long title and description are.",
    ),
    Key::new(
        "keywords",
        FACTOR,
        Is("1"),
        "Words that stand for difficult or for simple work.",
    ),
    Key::new(
        "dependencies",
        FACTOR,
        Is("1"),
        "How many tasks it depends on.",
    ),
    Key::new("file_count", FACTOR, Is("1"), "How many files it names."),
    Key::new(
        "estimated_changes",
        FACTOR,
        Is("1"),
        "How much is asked for: the estimate, list items, sentences that add to the request.",
    ),
    Key::new("security", FACTOR, Is("1"), "Words about security."),
    Key::new(
        "performance",
        FACTOR,
        Is("1"),
        "Words about performance and concurrency.",
    ),
    Key::new(
        "wording",
        FACTOR,
        Is("1"),
        "All other words, as fitted on issues with story points.",
    ),
];

const ALIAS: &[Key] = &[
    Key::new("name", Shape::Text, Refused, "The other name."),
    Key::new(
        "model",
        Shape::Text,
        Refused,
        "The model as the table of prices or `overrides` call it.",
    ),
];

const PRICES: &[Key] = &[
    Key::new(
        "file",
        Shape::Text,
        Means("the table that the program brings"),
        "A table in JSON as LiteLLM publishes it, relative to the home folder.",
    ),
    Key::new(
        "date",
        Shape::Text,
        Means("what the file says"),
        "The day of the file's prices, such as 2026-11-22; needed where the file has none.",
    ),
    Key::new(
        "accept_moves",
        Shape::Text,
        Means("nothing"),
        "The day of a table whose prices of models in use moved by more than three times: you have looked at them, and it is taken over.",
    ),
    Key::new(
        "max_age",
        Shape::Duration {
            min: Duration::from_secs(DAY),
            max: Duration::from_secs(3650 * DAY),
            or: Some("never"),
        },
        Is("30d"),
        "The age from which on the prices are said to be old; prices move about once a month.",
    ),
];

const OVERRIDE: &[Key] = &[
    Key::new("model", Shape::Text, Refused, "The model's name."),
    Key::new("input", PRICE, Refused, "USD for a million input tokens."),
    Key::new("output", PRICE, Refused, "USD for a million output tokens."),
    Key::new(
        "cache_read",
        PRICE,
        Means("the input price"),
        "USD for a million tokens read from the cache.",
    ),
    Key::new(
        "cache_write_5m",
        PRICE,
        Means("the input price"),
        "USD for a million tokens written to the cache for five minutes.",
    ),
    Key::new(
        "cache_write_1h",
        PRICE,
        Means("as for five minutes"),
        "USD for a million tokens written to the cache for an hour.",
    ),
];
