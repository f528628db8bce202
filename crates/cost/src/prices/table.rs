//! The table of prices.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use config::{Findings, models::Models};
use core_types::{Timestamp, TokenUsage, Usd};

use super::{
    parse::parse,
    rate::{ModelRates, Rate, Rates, ServiceTier},
};
use crate::Error;

const BUNDLED: &str = include_str!("../../data/prices.json");

/// What a call cost, its two parts rounded up to a pico-dollar each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// The prompt.
    pub input: Usd,
    /// The answer.
    pub output: Usd,
}

impl Cost {
    /// Both together.
    #[must_use]
    pub fn total(&self) -> Usd {
        self.input.saturating_add(self.output)
    }
}

/// A model as the table has it.
#[derive(Debug, Clone, Copy)]
pub struct TablePrice<'a> {
    /// The name under which the table has it.
    pub model: &'a str,
    /// Its prices.
    pub rates: &'a ModelRates,
}

/// Dated prices of models. An unknown model is an error, never free.
///
/// ```
/// use core_types::TokenUsage;
/// use cost::{PriceTable, ServiceTier};
///
/// let prices = PriceTable::bundled();
/// let usage = TokenUsage { input: 1_000, cache_read: 20_000, output: 500, ..TokenUsage::default() };
/// let cost = prices.cost("claude-sonnet-5-5", &usage, ServiceTier::Standard)?;
/// assert_eq!(cost.total().to_string(), "0.009");
///
/// let error = prices.cost("claude-sonet-5-5", &usage, ServiceTier::Standard).unwrap_err();
/// assert!(error.to_string().contains("did you mean claude-sonnet-5-5"));
/// # Ok::<(), cost::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    date: String,
    models: BTreeMap<String, ModelRates>,
    /// Other names, already led to their end.
    aliases: BTreeMap<String, String>,
    /// Names in a form that many spellings share, where that form has one model.
    canonical: BTreeMap<String, Option<String>>,
}

impl PriceTable {
    /// The table that comes with this version of the crate.
    ///
    /// # Panics
    ///
    /// Never: a test reads the file.
    #[must_use]
    pub fn bundled() -> Arc<Self> {
        static TABLE: LazyLock<Arc<PriceTable>> = LazyLock::new(|| {
            let table = PriceTable::from_json("prices.json", BUNDLED, None);
            Arc::new(table.expect("the bundled table is sound, as a test shows"))
        });
        Arc::clone(&TABLE)
    }

    /// Reads a table in the form that LiteLLM publishes; `file` is what findings call it. `date` is
    /// the day of the prices, as `YYYY-MM-DD`, where the file does not say it itself.
    ///
    /// # Errors
    ///
    /// All findings with file, line and field: no JSON, no object, a price that is negative or no
    /// number, no model at all.
    pub fn from_json(file: &str, text: &str, date: Option<&str>) -> Result<Self, Findings> {
        let parsed = parse(file, text)?;
        if parsed.models.is_empty() {
            let mark = config::Mark::default();
            let finding = config::Finding::new(file, mark, "", "has no model with prices");
            return Err(Findings::new(vec![finding]));
        }
        let date = date.map(str::to_owned).or(parsed.date).unwrap_or_default();
        Ok(Self::new(date, parsed.models))
    }

    fn new(date: String, models: BTreeMap<String, ModelRates>) -> Self {
        let mut canonical: BTreeMap<String, Option<String>> = BTreeMap::new();
        for name in models.keys() {
            canonical
                .entry(canonical_name(name))
                .and_modify(|model| *model = None)
                .or_insert_with(|| Some(name.clone()));
        }
        Self {
            date,
            models,
            aliases: BTreeMap::new(),
            canonical,
        }
    }

    /// The same with the other names and prices of `config/models.yaml`, which count before the
    /// table's own.
    ///
    /// # Errors
    ///
    /// A finding for each alias and each tier whose model is in neither.
    pub fn with_models(mut self, models: &Models) -> Result<Self, Findings> {
        for price in &models.overrides {
            let input = Rate::from_million(price.input);
            let output = Rate::from_million(price.output);
            let write = price.cache_write_5m.map_or(input, Rate::from_million);
            let rates = Rates {
                input,
                cache_read: price.cache_read.map_or(input, Rate::from_million),
                cache_write_5m: write,
                cache_write_1h: price.cache_write_1h.map_or(write, Rate::from_million),
                output,
                reasoning: output,
            };
            let known = self.models.remove(&price.model);
            let mut model = ModelRates::flat(rates);
            if let Some(known) = known {
                model = ModelRates {
                    bands: model.bands,
                    ..known
                };
            }
            self.models.insert(price.model.clone(), model);
        }
        self = Self {
            aliases: std::mem::take(&mut self.aliases),
            ..Self::new(
                std::mem::take(&mut self.date),
                std::mem::take(&mut self.models),
            )
        };
        let mut findings = Findings::default();
        for (idx, alias) in models.aliases.iter().enumerate() {
            match self.find(&alias.model) {
                Ok(known) => {
                    let known = known.model.to_owned();
                    self.aliases.insert(alias.name.clone(), known);
                }
                Err(error) => {
                    let key = format!("aliases[{idx}].model");
                    let message = error.to_string();
                    findings.push(config::Finding::new(&models.file, alias.mark, key, message));
                }
            }
        }
        let tiers = &models.tiers;
        let named = [
            ("FAST", &tiers.fast),
            ("BALANCED", &tiers.balanced),
            ("ADVANCED", &tiers.advanced),
        ];
        for ((tier, model), mark) in named.into_iter().zip(tiers.marks) {
            if let Err(error) = self.find(model) {
                let (key, message) = (format!("tiers.{tier}"), error.to_string());
                findings.push(config::Finding::new(&models.file, mark, key, message));
            }
        }
        if findings.is_empty() {
            Ok(self)
        } else {
            Err(findings)
        }
    }

    /// The day of the prices, as `YYYY-MM-DD`; empty where nobody knows it.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// How long ago that day was; `None` where nobody knows it.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let midnight = day_start(&self.date)?;
        Some(now.since(midnight))
    }

    /// The names of all models, sorted.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// How many models there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    pub(super) fn by_name(&self) -> &BTreeMap<String, ModelRates> {
        &self.models
    }

    /// Finds a model by its name, by an alias, or by a spelling that differs only in case, dots,
    /// or a provider before a slash, where just one model is meant.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] with the nearest names.
    pub fn find(&self, model: &str) -> Result<TablePrice<'_>, Error> {
        let exact = |name: &str| {
            let (model, rates) = self.models.get_key_value(name)?;
            Some(TablePrice { model, rates })
        };
        let found = exact(model)
            .or_else(|| exact(self.aliases.get(model)?))
            .or_else(|| exact(self.canonical.get(&canonical_name(model))?.as_deref()?))
            .or_else(|| {
                let (_, bare) = model.rsplit_once('/')?;
                exact(bare).or_else(|| exact(self.aliases.get(bare)?))
            });
        found.ok_or_else(|| Error::UnknownModel {
            model: model.chars().take(80).collect(),
            near: self.nearest(model),
        })
    }

    /// What a usage costs.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn cost(&self, model: &str, usage: &TokenUsage, tier: ServiceTier) -> Result<Cost, Error> {
        let prompt = usage.total().saturating_sub(usage.output);
        let rates = self.find(model)?.rates.rates(prompt, tier);
        Ok(Cost {
            input: rates.input_cost(usage),
            output: rates.output_cost(usage),
        })
    }

    /// The most that a call can cost with a prompt and an answer of at most so many tokens, however
    /// the cache is used.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`].
    pub fn worst_case(
        &self,
        model: &str,
        prompt_tokens: u64,
        output_tokens: u64,
        tier: ServiceTier,
    ) -> Result<Usd, Error> {
        let found = self.find(model)?;
        // A shorter prompt may have dearer tokens only where a table is odd; then that is the most.
        let most = found.rates.bands.iter().filter_map(|band| {
            let longest = match band.above {
                Some(above) if above > prompt_tokens => return None,
                _ => prompt_tokens,
            };
            let rates = band.tiers[tier as usize];
            let dearest = Rates {
                input: rates.dearest_input(),
                output: rates.output.max(rates.reasoning),
                ..rates
            };
            let usage = TokenUsage {
                input: longest,
                output: output_tokens,
                ..TokenUsage::default()
            };
            let input = dearest.input_cost(&usage);
            Some(input.saturating_add(dearest.output_cost(&usage)))
        });
        Ok(most.max().unwrap_or_default())
    }

    /// At most three names that are like this one.
    fn nearest(&self, model: &str) -> Vec<String> {
        /// Names further away say nothing.
        const MOST: usize = 6;
        let wanted = canonical_name(model);
        let names = self.models.keys().chain(self.aliases.keys());
        let mut near: Vec<(usize, &String)> = names
            .map(|name| (distance(&wanted, &canonical_name(name)), name))
            .filter(|(distance, _)| *distance <= MOST.min(wanted.len() / 2))
            .collect();
        near.sort_unstable();
        near.into_iter()
            .take(3)
            .map(|(_, name)| name.clone())
            .collect()
    }
}

fn canonical_name(name: &str) -> String {
    name.to_lowercase().replace('.', "-")
}

/// Midnight (UTC) at the start of a day written as `YYYY-MM-DD`.
fn day_start(date: &str) -> Option<Timestamp> {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil, by Howard Hinnant's "chrono-compatible low-level date algorithms".
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = u64::try_from(era * 146_097 + day_of_era - 719_468).ok()?;
    Some(Timestamp(days * 86_400_000))
}

/// How many characters must be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    // A name is short; a hostile one is cut before it costs time.
    let a: Vec<char> = a.chars().take(100).collect();
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
