//! Taking over a newer table, carefully.

use std::fmt;

use super::{
    rate::{ModelRates, Rate, Rates, ServiceTier},
    table::PriceTable,
};
use crate::Error;

/// A table with fewer models is no table of prices, but an accident.
const LEAST_MODELS: usize = 50;
/// A price that moves by more than this factor is looked at by a person.
const MOST_MOVED: u64 = 3;

/// What becomes of prices that moved by more than three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moves {
    /// The table is refused.
    #[default]
    Refuse,
    /// A person has looked at them.
    Accept,
}

/// Which price of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateKind {
    /// Uncached input.
    Input,
    /// Read from the cache.
    CacheRead,
    /// Written to the cache for five minutes.
    CacheWrite5m,
    /// Written to the cache for an hour.
    CacheWrite1h,
    /// Output.
    Output,
    /// Output that was reasoning.
    Reasoning,
}

/// One difference between two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The model is new.
    Added {
        /// Which.
        model: String,
    },
    /// The model is gone.
    Removed {
        /// Which.
        model: String,
    },
    /// A price is another, for prompts below every threshold.
    Moved {
        /// Of which model.
        model: String,
        /// Which price.
        kind: RateKind,
        /// What it was.
        from: Rate,
        /// What it is.
        to: Rate,
    },
    /// Prices of long prompts or of a service tier are others.
    Terms {
        /// Of which model.
        model: String,
        /// Whether one of them moved by more than three times.
        large: bool,
    },
}

impl Change {
    /// Whether a price moved by more than three times, up or down, or began or ceased to be free.
    #[must_use]
    pub fn is_large(&self) -> bool {
        match self {
            Self::Moved { from, to, .. } => is_large(*from, *to),
            Self::Terms { large, .. } => *large,
            Self::Added { .. } | Self::Removed { .. } => false,
        }
    }
}

fn is_large(from: Rate, to: Rate) -> bool {
    from.max(to).atto() > from.min(to).atto().saturating_mul(MOST_MOVED)
}

impl fmt::Display for RateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Input => "input",
            Self::CacheRead => "cache read",
            Self::CacheWrite5m => "cache write (5 minutes)",
            Self::CacheWrite1h => "cache write (1 hour)",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { model } => write!(f, "{model}: new"),
            Self::Removed { model } => write!(f, "{model}: gone"),
            Self::Moved {
                model,
                kind,
                from,
                to,
            } => write!(
                f,
                "{model}: {kind} from {from} to {to} USD for a million tokens"
            ),
            Self::Terms { model, .. } => {
                write!(f, "{model}: other prices of long prompts or service tiers")
            }
        }
    }
}

/// A table that was taken over.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The newer table, without the aliases and prices of `config/models.yaml`.
    pub table: PriceTable,
    /// What differs, by model.
    pub changes: Vec<Change>,
}

impl PriceTable {
    /// Takes over a newer table, unless something is odd about it. `in_use` are the models that the
    /// configuration names or the ledger has seen.
    ///
    /// # Errors
    ///
    /// [`Error::ShrunkenTable`] with fewer than 50 models or less than half of this table's,
    /// [`Error::MissingModels`] where a model in use is gone, [`Error::LargeMoves`] where a price
    /// of a model in use moved by more than three times and `moves` does not accept that.
    pub fn refreshed(
        &self,
        newer: Self,
        in_use: &[&str],
        moves: Moves,
    ) -> Result<Refreshed, Error> {
        if newer.len() < LEAST_MODELS || newer.len() * 2 < self.len() {
            return Err(Error::ShrunkenTable {
                had: self.len(),
                has: newer.len(),
            });
        }
        let missing: Vec<String> = in_use
            .iter()
            .filter(|model| self.find(model).is_ok() && newer.find(model).is_err())
            .map(|model| (*model).to_owned())
            .collect();
        if !missing.is_empty() {
            return Err(Error::MissingModels { models: missing });
        }
        let changes = self.changes(&newer);
        let large: Vec<Change> = changes
            .iter()
            .filter(|change| change.is_large())
            .filter(|change| {
                let mut in_use = in_use.iter().filter_map(|model| self.find(model).ok());
                in_use.any(|found| found.model == change.model())
            })
            .cloned()
            .collect();
        if moves == Moves::Refuse && !large.is_empty() {
            return Err(Error::LargeMoves { moves: large });
        }
        Ok(Refreshed {
            table: newer,
            changes,
        })
    }

    /// What differs in another table, sorted by model: the report of a refresh, and a cross-check of
    /// two sources.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let (ours, theirs) = (self.by_name(), other.by_name());
        let mut changes = Vec::new();
        for (model, rates) in ours {
            match theirs.get(model) {
                None => changes.push(Change::Removed {
                    model: model.clone(),
                }),
                Some(newer) => changes.extend(moves_of(model, rates, newer)),
            }
        }
        let added = theirs.keys().filter(|model| !ours.contains_key(*model));
        changes.extend(added.map(|model| Change::Added {
            model: model.clone(),
        }));
        changes.sort_by(|a, b| a.model().cmp(b.model()));
        changes
    }
}

impl Change {
    /// The model that it is about.
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Added { model }
            | Self::Removed { model }
            | Self::Moved { model, .. }
            | Self::Terms { model, .. } => model,
        }
    }
}

/// Picks a price.
type Pick = fn(&Rates) -> Rate;

const KINDS: [(RateKind, Pick); 6] = [
    (RateKind::Input, |rates| rates.input),
    (RateKind::CacheRead, |rates| rates.cache_read),
    (RateKind::CacheWrite5m, |rates| rates.cache_write_5m),
    (RateKind::CacheWrite1h, |rates| rates.cache_write_1h),
    (RateKind::Output, |rates| rates.output),
    (RateKind::Reasoning, |rates| rates.reasoning),
];

fn moves_of(model: &str, from: &ModelRates, to: &ModelRates) -> Vec<Change> {
    let plain = |rates: &ModelRates| rates.rates(0, ServiceTier::Standard);
    let (before, after) = (plain(from), plain(to));
    let mut changes: Vec<Change> = KINDS
        .into_iter()
        .filter(|(_, rate)| rate(&before) != rate(&after))
        .map(|(kind, rate)| Change::Moved {
            model: model.to_owned(),
            kind,
            from: rate(&before),
            to: rate(&after),
        })
        .collect();
    if from.bands != to.bands {
        // Just above every threshold of either, in every tier.
        let prompts = from.bands.iter().chain(&to.bands);
        let prompts = prompts.map(|band| band.above.map_or(0, |above| above.saturating_add(1)));
        let (mut differs, mut large) = (false, false);
        for prompt in prompts {
            for tier in ServiceTier::ALL {
                let (before, after) = (from.rates(prompt, tier), to.rates(prompt, tier));
                for (_, rate) in KINDS {
                    differs |= rate(&before) != rate(&after);
                    large |= is_large(rate(&before), rate(&after));
                }
            }
        }
        let told = changes.iter().any(Change::is_large) || (!changes.is_empty() && !large);
        if differs && !told {
            changes.push(Change::Terms {
                model: model.to_owned(),
                large,
            });
        }
    }
    changes
}
