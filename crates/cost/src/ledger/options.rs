//! How a ledger decides.

use std::sync::Arc;

use config::automation::Budget;
use core_types::{Spent, TokenUsage, Usd};

use super::{account::Limit, movement::Basis};
use crate::prices::{PriceTable, ServiceTier};

/// How much may be spent; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By one run; default 5 USD.
    pub run: Option<Usd>,
    /// By all runs together in one day (UTC); default 20 USD.
    pub day: Option<Usd>,
    /// On one repository in one day; default none, since a run has its limit.
    pub repository: Option<Usd>,
    /// By all attempts at one task of a run; default none, since a run has its limit.
    pub task: Option<Usd>,
    /// Percent of each limit at which a run asks, at most 100; default none.
    pub soft_percent: Option<u8>,
}

/// What a call costs that reports neither cost, nor tokens, nor a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unreported {
    /// Nothing: a program like `sed`, which uses no model.
    #[default]
    Nothing,
    /// All that was set aside for it.
    Reservation,
}

/// Options of all ledgers.
#[derive(Debug, Clone)]
pub struct LedgerOptions {
    /// How much may be spent.
    pub limits: Limits,
    /// What is set aside for a call whose worst case nobody knows; default 1 USD.
    pub call: Usd,
    /// Where less than `call` is left, a call gets what is left, but not less than this; default 0.10
    /// USD, since with less an agent would be ended before it has done anything.
    pub least_call: Usd,
    /// What a call costs that reports nothing at all; default nothing.
    pub unreported: Unreported,
    /// Prices usages that are reported without a cost; default the bundled table.
    pub prices: Arc<PriceTable>,
}

const CENT: u64 = 10_000_000_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            run: Some(Usd::from_pico(500 * CENT)),
            day: Some(Usd::from_pico(2_000 * CENT)),
            repository: None,
            task: None,
            soft_percent: None,
        }
    }
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self {
        run: None,
        day: None,
        repository: None,
        task: None,
        soft_percent: None,
    };

    /// The limit that stands on something where nobody raised it; `None` for no limit.
    #[must_use]
    pub fn on(&self, limit: &Limit) -> Option<Usd> {
        match limit {
            Limit::Run { .. } => self.run,
            Limit::Day { .. } => self.day,
            Limit::Repository { .. } => self.repository,
            Limit::Task { .. } => self.task,
        }
    }

    /// The share of a limit at which a run asks; the limit itself where it never does.
    pub(super) fn soft(&self, limit: Usd) -> Usd {
        match self.soft_percent {
            Some(percent @ 0..100) => {
                let pico = u128::from(limit.pico()) * u128::from(percent) / 100;
                Usd::from_pico(u64::try_from(pico).unwrap_or(u64::MAX))
            }
            Some(_) | None => limit,
        }
    }
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            call: Usd::from_pico(100 * CENT),
            least_call: Usd::from_pico(10 * CENT),
            unreported: Unreported::default(),
            prices: PriceTable::bundled(),
        }
    }
}

impl From<&Budget> for LedgerOptions {
    /// The section `budget` of `config/automation.yaml`.
    fn from(budget: &Budget) -> Self {
        Self {
            limits: Limits {
                run: budget.run,
                day: budget.day,
                repository: budget.repository,
                task: budget.task,
                soft_percent: budget.soft,
            },
            call: budget.call,
            ..Self::default()
        }
    }
}

impl LedgerOptions {
    /// What a call has cost for which `reserved` was set aside, and how that is known.
    pub(super) fn charge(&self, reserved: Usd, named: &str, spent: &Spent) -> (Usd, Basis) {
        if let Some(cost) = spent.cost {
            return (cost, Basis::Reported);
        }
        let model = if spent.model.is_empty() {
            named
        } else {
            &spent.model
        };
        if spent.usage == TokenUsage::default() {
            return match self.unreported {
                Unreported::Nothing if model.is_empty() => (Usd::ZERO, Basis::Unreported),
                Unreported::Nothing | Unreported::Reservation => (reserved, Basis::Reserved),
            };
        }
        match self.price(model, &spent.usage) {
            Some(cost) => (cost, Basis::Priced),
            // Tokens of an unknown model were not free: what was set aside is the best bound.
            None => (reserved, Basis::Reserved),
        }
    }

    /// What tokens of a model cost; `None` without a price.
    pub(super) fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        let priced = self.prices.cost(model, usage, ServiceTier::Standard);
        priced.ok().map(|cost| cost.total())
    }
}
