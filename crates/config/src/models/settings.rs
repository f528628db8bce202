//! The typed models.

use std::time::Duration;

use core_types::Usd;

use crate::{
    finding::{Findings, Mark, Report, quote},
    schema::{Kind, Names, Section, check},
    yaml::{Lookup, Node, Value, parse},
};

/// What `config/models.yaml` says, defaults filled in. `Models::default()` is an absent file.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    /// The file as the caller named it; empty for the defaults.
    pub file: String,
    /// Whether a task's complexity chooses its tier.
    pub optimize: bool,
    /// The tier of planning and reviews, and of all tasks where `optimize` is off.
    pub default_tier: Tier,
    /// The model of each tier.
    pub tiers: Tiers,
    /// Where the tiers begin.
    pub thresholds: Thresholds,
    /// How much each factor of the complexity counts.
    pub complexity: Factors,
    /// Other names of models, each once.
    pub aliases: Vec<Alias>,
    /// Where the table of prices comes from.
    pub prices: Prices,
    /// Prices that differ from the table, each model once.
    pub overrides: Vec<ModelPrice>,
}

/// A class of models, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// For simple work.
    Fast,
    /// For most work.
    Balanced,
    /// For complex work.
    Advanced,
}

/// The model of each tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// Of FAST.
    pub fast: String,
    /// Of BALANCED.
    pub balanced: String,
    /// Of ADVANCED.
    pub advanced: String,
    /// Where each stands, in this order, for findings of later checks.
    pub marks: [Mark; 3],
}

/// Where the tiers begin, on the scale from 0 to 1; `balanced` is not above `advanced`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The least complexity of BALANCED.
    pub balanced: f64,
    /// The least complexity of ADVANCED.
    pub advanced: f64,
}

/// How much each factor of the complexity counts, each from 0 to 10; 1 is as fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// How long title and description are.
    pub description_length: f64,
    /// Words that stand for difficult or for simple work.
    pub keywords: f64,
    /// How many tasks it depends on.
    pub dependencies: f64,
    /// How many files it names.
    pub file_count: f64,
    /// How much is asked for.
    pub estimated_changes: f64,
    /// Words about security.
    pub security: f64,
    /// Words about performance.
    pub performance: f64,
    /// All other words.
    pub wording: f64,
}

/// Another name of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The other name.
    pub name: String,
    /// The model.
    pub model: String,
    /// Where the model's name stands.
    pub mark: Mark,
}

/// Where the table of prices comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A file relative to the home folder; `None` is the table that the program brings.
    pub file: Option<String>,
    /// Where its name stands, for findings of later checks.
    pub mark: Mark,
    /// The day of the file's prices, as `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The day of the table whose large moves are accepted, as `YYYY-MM-DD`; `None` for none.
    pub accept_moves: Option<String>,
    /// The age from which on prices are said to be old; `None` is never.
    pub max_age: Option<Duration>,
}

/// What a million tokens of a model cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPrice {
    /// The model's name.
    pub model: String,
    /// Input.
    pub input: Usd,
    /// Output.
    pub output: Usd,
    /// Read from the cache; `None` as input.
    pub cache_read: Option<Usd>,
    /// Written to the cache for five minutes; `None` as input.
    pub cache_write_5m: Option<Usd>,
    /// Written to the cache for an hour; `None` as for five minutes.
    pub cache_write_1h: Option<Usd>,
}

impl Default for Models {
    fn default() -> Self {
        let mut document = Node {
            mark: Mark::default(),
            value: Value::Map(Vec::new()),
        };
        check(Kind::Models, &mut document, &mut Report::new(""));
        read("", Section(&document))
    }
}

pub(crate) fn load(file: &str, text: &str, env: Lookup<'_>) -> Result<Models, Findings> {
    let mut report = Report::new(file);
    let Some(mut document) = parse(text, Some(env), &mut report) else {
        return Err(report.into_findings());
    };
    check(Kind::Models, &mut document, &mut report);
    let document = Section(&document);
    Names::gather(document, "aliases", "name", "alias", &mut report);
    Names::gather(
        document,
        "overrides",
        "model",
        "price of a model",
        &mut report,
    );
    for (key, path) in [
        ("date", "prices.date"),
        ("accept_moves", "prices.accept_moves"),
    ] {
        let prices = document.optional_section("prices");
        if let Some((date, mark)) = prices.and_then(|prices| prices.name(key))
            && !is_date(date)
        {
            let message = format!("expected a day such as 2026-11-22, found {}", quote(date));
            report.add(mark, path, message);
        }
    }
    let models = report.is_empty().then(|| read(file, document));
    if let Some(models) = &models
        && models.thresholds.balanced > models.thresholds.advanced
    {
        let message = format!(
            "expected at most the threshold of ADVANCED, {}, found {}",
            models.thresholds.advanced, models.thresholds.balanced
        );
        let mark = document.section("thresholds").mark_of("BALANCED");
        report.add(mark, "thresholds.BALANCED", message);
    }
    report.finish(models)
}

/// `YYYY-MM-DD`, without a calendar's finer points.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |at: usize, digits: usize| {
        let part = parts.get(at).filter(|part| part.len() == digits)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse::<u32>().ok())?
    };
    parts.len() == 3
        && number(0, 4).is_some()
        && number(1, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(2, 2).is_some_and(|day| (1..=31).contains(&day))
}

fn read(file: &str, document: Section<'_>) -> Models {
    let tiers = document.section("tiers");
    let thresholds = document.section("thresholds");
    let complexity = document.section("complexity");
    let prices = document.section("prices");
    Models {
        file: file.to_owned(),
        optimize: document.flag("optimize"),
        default_tier: document.choice(
            "default_tier",
            &[
                ("FAST", Tier::Fast),
                ("BALANCED", Tier::Balanced),
                ("ADVANCED", Tier::Advanced),
            ],
        ),
        tiers: Tiers {
            fast: tiers.text("FAST"),
            balanced: tiers.text("BALANCED"),
            advanced: tiers.text("ADVANCED"),
            marks: ["FAST", "BALANCED", "ADVANCED"].map(|tier| tiers.mark_of(tier)),
        },
        thresholds: Thresholds {
            balanced: thresholds.decimal("BALANCED"),
            advanced: thresholds.decimal("ADVANCED"),
        },
        complexity: Factors {
            description_length: complexity.decimal("description_length"),
            keywords: complexity.decimal("keywords"),
            dependencies: complexity.decimal("dependencies"),
            file_count: complexity.decimal("file_count"),
            estimated_changes: complexity.decimal("estimated_changes"),
            security: complexity.decimal("security"),
            performance: complexity.decimal("performance"),
            wording: complexity.decimal("wording"),
        },
        aliases: document
            .sections("aliases")
            .into_iter()
            .map(|alias| Alias {
                name: alias.text("name"),
                model: alias.text("model"),
                mark: alias.mark_of("model"),
            })
            .collect(),
        prices: Prices {
            file: prices.optional_text("file"),
            mark: prices.mark_of("file"),
            date: prices.optional_text("date"),
            accept_moves: prices.optional_text("accept_moves"),
            max_age: prices.optional_duration("max_age"),
        },
        overrides: document
            .sections("overrides")
            .into_iter()
            .map(|price| ModelPrice {
                model: price.text("model"),
                input: price.money("input"),
                output: price.money("output"),
                cache_read: price.optional_money("cache_read"),
                cache_write_5m: price.optional_money("cache_write_5m"),
                cache_write_1h: price.optional_money("cache_write_1h"),
            })
            .collect(),
    }
}
