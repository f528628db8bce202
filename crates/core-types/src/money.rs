//! Money as an integer.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};

const PICO_PER_USD: u64 = 1_000_000_000_000;

/// An amount of US dollars as a whole number of pico-dollars (1 USD = 10¹²),
/// at most about 18.4 million USD.
///
/// In JSON it is written as a string, `"1.25"`. A number is read too, by its
/// decimal text: `0.9` is 0.90 USD and never 0.8999…. Beyond 15 significant
/// digits a number has lost its text on the way, so that it is refused: then it
/// must be a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(into = "String")]
pub struct Usd(u64);

/// A text that is no amount of dollars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an amount in USD: expected digits with at most 12 decimals, such as 1.25, up to 18446744"
)]
pub struct InvalidUsd(pub String);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount in pico-dollars.
    #[must_use]
    pub const fn from_pico(pico: u64) -> Self {
        Self(pico)
    }

    /// The amount in pico-dollars.
    #[must_use]
    pub const fn pico(self) -> u64 {
        self.0
    }

    /// The next whole dollar, or this amount where it is one.
    #[must_use]
    pub const fn rounded_up(self) -> Self {
        Self(self.0.div_ceil(PICO_PER_USD).saturating_mul(PICO_PER_USD))
    }

    /// The sum, or `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, the largest amount where it does not fit.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, zero where `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// All decimals that there are, at least two; with a precision so many, rounded.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(precision @ 0..12) = f.precision() {
            let unit = 10_u128.pow(12 - precision as u32);
            let units = (u128::from(self.0) + unit / 2) / unit;
            let in_usd = u128::from(PICO_PER_USD) / unit;
            write!(f, "{}", units / in_usd)?;
            if precision > 0 {
                write!(f, ".{:0precision$}", units % in_usd)?;
            }
            return Ok(());
        }
        let (whole, rest) = (self.0 / PICO_PER_USD, self.0 % PICO_PER_USD);
        let decimals = format!("{rest:012}");
        let decimals = decimals.trim_end_matches('0');
        write!(f, "{whole}.{decimals:0<2}")
    }
}

impl FromStr for Usd {
    type Err = InvalidUsd;

    fn from_str(text: &str) -> Result<Self, InvalidUsd> {
        let invalid = || InvalidUsd(text.chars().take(40).collect());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 12 {
            return Err(invalid());
        }
        let whole: u64 = whole.parse().map_err(|_| invalid())?;
        let decimals: u64 = format!("{decimals:0<12}").parse().map_err(|_| invalid())?;
        let pico = whole
            .checked_mul(PICO_PER_USD)
            .and_then(|pico| pico.checked_add(decimals));
        pico.map(Self).ok_or_else(invalid)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Usd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount in USD, such as 1.25 or \"1.25\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Usd, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Usd, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Usd, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Usd, E> {
        // The shortest text that reads as the number, never with an exponent: up to 15
        // significant digits it is the text that was written.
        let text = number.to_string();
        let digits = text.replace('.', "");
        if digits.trim_matches('0').len() > 15 {
            let message = format!("{text} has more than 15 digits: write it as a string");
            return Err(E::custom(message));
        }
        self.visit_str(&text)
    }
}

impl TryFrom<String> for Usd {
    type Error = InvalidUsd;
    fn try_from(text: String) -> Result<Self, InvalidUsd> {
        text.parse()
    }
}

impl From<Usd> for String {
    fn from(amount: Usd) -> Self {
        amount.to_string()
    }
}
