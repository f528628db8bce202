//! Reads a table in the form that LiteLLM publishes.

use std::collections::BTreeMap;

use config::{Finding, Findings, Mark};
use serde_json::{Map, Value};

use super::rate::{Band, ModelRates, Rate, Rates, ServiceTier};

const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";
const CACHE_READ: &str = "cache_read_input_token_cost";
const CACHE_WRITE: &str = "cache_creation_input_token_cost";
const REASONING: &str = "output_cost_per_reasoning_token";

/// What a file says.
pub(super) struct Parsed {
    /// The day that its own head names.
    pub(super) date: Option<String>,
    pub(super) models: BTreeMap<String, ModelRates>,
}

/// Reads the models that have a price for tokens; a table also lists images, speech and the like,
/// which are passed over.
pub(super) fn parse(file: &str, text: &str) -> Result<Parsed, Findings> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let mark = Mark {
            line: error.line(),
            column: error.column(),
        };
        let message = format!("not JSON: {error}");
        Findings::new(vec![Finding::new(file, mark, "", message)])
    })?;
    let Value::Object(entries) = value else {
        let message = "expected an object with an entry for each model";
        let finding = Finding::new(file, Mark { line: 1, column: 1 }, "", message);
        return Err(Findings::new(vec![finding]));
    };
    let mut findings = Findings::default();
    let mut parsed = Parsed {
        date: None,
        models: BTreeMap::new(),
    };
    for (name, entry) in &entries {
        let Value::Object(fields) = entry else {
            continue;
        };
        if name == "_meta" {
            let date = fields.get("trimmed_on").and_then(Value::as_str);
            parsed.date = date.map(str::to_owned);
            continue;
        }
        let chats = !matches!(
            fields.get("mode").and_then(Value::as_str),
            Some(mode) if mode != "chat" && mode != "responses" && mode != "completion"
        );
        if !chats || !fields.contains_key(INPUT) || !fields.contains_key(OUTPUT) {
            continue;
        }
        let mut reader = Fields {
            rates: BTreeMap::new(),
        };
        // Null is no price: a model that needs it has none.
        let is_given = |(field, value): &(&String, &Value)| is_rate(field) && !value.is_null();
        for (field, value) in fields.iter().filter(is_given) {
            match value.as_f64().and_then(Rate::from_dollars) {
                Some(rate) => drop(reader.rates.insert(field, rate)),
                None => {
                    let mark = mark_of(text, name, field);
                    let message = format!("expected USD a token, 0 or more, found {value}");
                    findings.push(Finding::new(file, mark, format!("{name}.{field}"), message));
                }
            }
        }
        parsed.models.insert(name.clone(), reader.model(fields));
    }
    if findings.is_empty() {
        Ok(parsed)
    } else {
        Err(findings)
    }
}

fn is_rate(field: &str) -> bool {
    [INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, REASONING]
        .iter()
        .any(|base| field.starts_with(base))
}

/// Where a field stands; a JSON value does not know its place, so that it is looked for.
fn mark_of(text: &str, model: &str, field: &str) -> Mark {
    let quoted = |name: &str| Value::from(name).to_string();
    let at = text.find(&format!("{}:", quoted(model)));
    let at = at.or_else(|| text.find(&quoted(model))).unwrap_or(0);
    let at = at + text[at..].find(&quoted(field)).unwrap_or(0);
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Mark {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// The prices of one entry by their keys.
struct Fields<'a> {
    rates: BTreeMap<&'a str, Rate>,
}

impl Fields<'_> {
    fn model(&self, fields: &Map<String, Value>) -> ModelRates {
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        let provider = text("litellm_provider").unwrap_or_default();
        let mut thresholds: Vec<u64> = self
            .rates
            .keys()
            .filter_map(|key| {
                let rest = key.strip_prefix(INPUT)?.strip_prefix("_above_")?;
                rest.strip_suffix("k_tokens")?.parse().ok()
            })
            .collect();
        thresholds.sort_unstable();
        let inclusive = provider == "xai";
        let bands = std::iter::once(None)
            .chain(thresholds.into_iter().map(Some))
            .map(|thousands| Band {
                above: thousands.map(|thousands: u64| thousands.saturating_mul(1000)),
                inclusive,
                tiers: ServiceTier::ALL.map(|tier| self.band(thousands, tier)),
            })
            .collect();
        ModelRates {
            provider,
            max_input_tokens: number("max_input_tokens"),
            max_output_tokens: number("max_output_tokens"),
            deprecation_date: text("deprecation_date"),
            bands,
        }
    }

    fn band(&self, thousands: Option<u64>, tier: ServiceTier) -> Rates {
        let input = self.rate(INPUT, thousands, tier).unwrap_or_default();
        let output = self.rate(OUTPUT, thousands, tier).unwrap_or_default();
        let write = self.rate(CACHE_WRITE, thousands, tier).unwrap_or_default();
        let hour = format!("{CACHE_WRITE}_above_1hr");
        let hour_above = thousands.map(|k| format!("{hour}_above_{k}k_tokens"));
        Rates {
            input,
            output,
            cache_read: self.rate(CACHE_READ, thousands, tier).unwrap_or(input),
            cache_write_5m: write,
            cache_write_1h: hour_above
                .and_then(|key| self.get(&key))
                .or_else(|| self.get(&hour))
                .unwrap_or(write),
            reasoning: self.rate(REASONING, thousands, tier).unwrap_or(output),
        }
    }

    fn rate(&self, base: &str, thousands: Option<u64>, tier: ServiceTier) -> Option<Rate> {
        let suffix = tier.suffix();
        let above = thousands.and_then(|k| {
            let above = format!("{base}_above_{k}k_tokens");
            self.get(&format!("{above}{suffix}"))
                .or_else(|| self.get(&above))
        });
        above
            .or_else(|| self.get(&format!("{base}{suffix}")))
            .or_else(|| self.get(base))
    }

    fn get(&self, key: &str) -> Option<Rate> {
        self.rates.get(key).copied()
    }
}
