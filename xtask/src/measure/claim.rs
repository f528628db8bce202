//! One line of a measuring program: what is claimed, the figures, the verdict.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::program::Kind;

pub(super) struct Claim {
    pub(super) claim: String,
    /// In the order of [`Kind::columns`].
    pub(super) figures: Vec<String>,
    pub(super) verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    FallsShort,
    /// With the reason.
    NotRun(String),
}

impl Claim {
    pub(super) fn parse(kind: Kind, line: &str) -> Result<Self> {
        let value: Value =
            serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        let claim = value["claim"]
            .as_str()
            .with_context(|| format!("no `claim`: {line}"))?
            .to_owned();
        let unit = value["unit"].as_str().unwrap_or_default();
        let figures = kind
            .columns()
            .iter()
            .map(|(_, key)| figure(&value[key], key, unit))
            .collect();
        let mut verdict =
            Verdict::parse(&value["verdict"]).with_context(|| format!("no `verdict`: {line}"))?;
        // The counts speak for themselves, whatever verdict stands beside them.
        if kind == Kind::Crash && verdict == Verdict::Holds {
            let count = |key: &str| {
                value[key]
                    .as_u64()
                    .with_context(|| format!("no count `{key}`: {line}"))
            };
            let points = count("points")?;
            ensure!(points > 0, "holds, but tried nothing: {line}");
            if count("survived")? < points || count("duplicates")? > 0 {
                verdict = Verdict::FallsShort;
            }
        }
        Ok(Self {
            claim,
            figures,
            verdict,
        })
    }

    /// The claim as one line to read: verdict, claim, then each figure that there is.
    pub(super) fn line(&self, kind: Kind) -> String {
        let figures: Vec<String> = kind
            .columns()
            .iter()
            .zip(&self.figures)
            .filter(|(_, figure)| !figure.is_empty())
            .map(|((title, _), figure)| format!("{} {figure}", title.to_lowercase()))
            .collect();
        let separator = if figures.is_empty() { "" } else { ": " };
        format!(
            "{:<11}  {}{separator}{}",
            self.verdict,
            self.claim,
            figures.join(", ")
        )
    }
}

impl Verdict {
    fn parse(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "holds" => Some(Self::Holds),
            "falls short" => Some(Self::FallsShort),
            other => {
                let why = other
                    .strip_prefix("not run")?
                    .trim()
                    .trim_matches(['(', ')']);
                Some(Self::NotRun(why.to_owned()))
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.pad("holds"),
            Self::FallsShort => f.pad("falls short"),
            Self::NotRun(why) => f.pad(&format!("not run ({why})")),
        }
    }
}

/// A figure as text. A number gets its unit where the key has one, and at most four digits that say
/// something; a text is its own; nothing is nothing.
fn figure(value: &Value, key: &str, unit: &str) -> String {
    let number = match value {
        Value::Number(number) => match number.as_u64() {
            Some(whole) => whole.to_string(),
            None => round(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => return text.clone(),
        _ => return String::new(),
    };
    let has_unit = matches!(key, "ours" | "theirs") && !unit.is_empty();
    if has_unit {
        format!("{number} {unit}")
    } else {
        number
    }
}

/// Rounds to four digits, without zeros at the end.
pub(super) fn round(number: f64) -> String {
    let magnitude = if number == 0.0 {
        0.0
    } else {
        number.abs().log10().floor()
    };
    // At most nine places: what is smaller has the wrong unit.
    let places = (3.0 - magnitude).clamp(0.0, 9.0);
    let text = format!("{number:.*}", places as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
