//! Prices of one model, and what a usage costs by them.

use std::fmt;

use core_types::{TokenUsage, Usd};

/// Atto-dollars in a pico-dollar.
const ATTO_PER_PICO: u128 = 1_000_000;

/// What one token costs: a whole number of atto-dollars (10⁻¹⁸ USD). What is finer is rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(u64);

impl Rate {
    /// Free of charge.
    pub const FREE: Self = Self(0);

    /// A price in atto-dollars a token.
    #[must_use]
    pub const fn from_atto(atto: u64) -> Self {
        Self(atto)
    }

    /// The price in atto-dollars a token.
    #[must_use]
    pub const fn atto(self) -> u64 {
        self.0
    }

    /// From the price of a million tokens: a pico-dollar for them is an atto-dollar for one.
    #[must_use]
    pub const fn from_million(price: Usd) -> Self {
        Self(price.pico())
    }

    /// The price of a million tokens.
    #[must_use]
    pub const fn to_million(self) -> Usd {
        Usd::from_pico(self.0)
    }

    /// From dollars a token, as JSON has them; `None` for what is negative, no number or above
    /// eighteen dollars a token.
    pub(super) fn from_dollars(dollars: f64) -> Option<Self> {
        if !dollars.is_finite() || dollars < 0.0 {
            return None;
        }
        // The shortest decimal that names this float is what the file's author wrote.
        let text = format!("{dollars:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: u128 = format!("{whole}{decimals}").parse().ok()?;
        let shift = exponent.parse::<i32>().ok()? + 18 - i32::try_from(decimals.len()).ok()?;
        let atto = if shift >= 0 {
            digits.checked_mul(10_u128.checked_pow(shift.unsigned_abs())?)?
        } else {
            // Below any divisor that fits, all that is left of a positive price is the rounding.
            let divisor = 10_u128.checked_pow(shift.unsigned_abs());
            divisor.map_or(u128::from(digits > 0), |divisor| digits.div_ceil(divisor))
        };
        u64::try_from(atto).ok().map(Self)
    }

    fn times(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

/// USD for a million tokens.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_million().fmt(f)
    }
}

/// What a provider is asked for beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ServiceTier {
    /// Nothing.
    #[default]
    Standard,
    /// Cheaper, may wait.
    Flex,
    /// Dearer, does not wait.
    Priority,
    /// Answered within a day.
    Batch,
}

impl ServiceTier {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Flex, Self::Priority, Self::Batch];

    /// How its prices are marked in the table.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Standard => "",
            Self::Flex => "_flex",
            Self::Priority => "_priority",
            Self::Batch => "_batches",
        }
    }
}

/// The prices that apply to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Uncached input.
    pub input: Rate,
    /// Read from the cache.
    pub cache_read: Rate,
    /// Written to the cache for five minutes.
    pub cache_write_5m: Rate,
    /// Written to the cache for an hour.
    pub cache_write_1h: Rate,
    /// Output.
    pub output: Rate,
    /// Output that was reasoning.
    pub reasoning: Rate,
}

impl Rates {
    /// What the input of a usage costs, rounded up.
    #[must_use]
    pub fn input_cost(&self, usage: &TokenUsage) -> Usd {
        let parts = [
            self.input.times(usage.input),
            self.cache_read.times(usage.cache_read),
            self.cache_write_5m.times(usage.cache_write_5m),
            self.cache_write_1h.times(usage.cache_write_1h),
        ];
        round_up(parts.into_iter().fold(0, u128::saturating_add))
    }

    /// What the output of a usage costs, rounded up.
    #[must_use]
    pub fn output_cost(&self, usage: &TokenUsage) -> Usd {
        let reasoning = usage.reasoning.min(usage.output);
        let said = self.output.times(usage.output - reasoning);
        round_up(said.saturating_add(self.reasoning.times(reasoning)))
    }

    /// The dearest way to send a prompt.
    pub(super) fn dearest_input(&self) -> Rate {
        self.input
            .max(self.cache_read)
            .max(self.cache_write_5m)
            .max(self.cache_write_1h)
    }
}

fn round_up(atto: u128) -> Usd {
    Usd::from_pico(u64::try_from(atto.div_ceil(ATTO_PER_PICO)).unwrap_or(u64::MAX))
}

/// The prices of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRates {
    /// Who serves it, as the table calls it; may be empty.
    pub provider: String,
    /// The longest prompt it takes, in tokens, where the table says so.
    pub max_input_tokens: Option<u64>,
    /// The longest answer it gives, in tokens, where the table says so.
    pub max_output_tokens: Option<u64>,
    /// The day from which on it is not served any more, as `YYYY-MM-DD`, where the table says so.
    pub deprecation_date: Option<String>,
    /// From the lowest threshold to the highest; the first has none.
    pub(super) bands: Vec<Band>,
}

/// The prices of prompts that are longer than `above`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    /// In tokens; nothing for the first band.
    pub(super) above: Option<u64>,
    /// Whether a prompt of just that length counts already.
    pub(super) inclusive: bool,
    /// In the order of [`ServiceTier::ALL`].
    pub(super) tiers: [Rates; 4],
}

impl Band {
    fn takes(&self, prompt: u64) -> bool {
        match self.above {
            None => true,
            Some(above) if self.inclusive => prompt >= above,
            Some(above) => prompt > above,
        }
    }
}

impl ModelRates {
    /// The same prices for all lengths and tiers.
    #[must_use]
    pub fn flat(rates: Rates) -> Self {
        Self {
            provider: String::new(),
            max_input_tokens: None,
            max_output_tokens: None,
            deprecation_date: None,
            bands: vec![Band {
                above: None,
                inclusive: false,
                tiers: [rates; 4],
            }],
        }
    }

    /// The prices of a call with a prompt of so many tokens.
    #[must_use]
    pub fn rates(&self, prompt_tokens: u64, tier: ServiceTier) -> Rates {
        let mut rates = Rates::default();
        for band in self.bands.iter().filter(|band| band.takes(prompt_tokens)) {
            rates = band.tiers[tier as usize];
        }
        rates
    }
}
