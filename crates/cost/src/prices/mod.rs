//! The price of tokens: a dated table, the rules that apply it, and its careful renewal.
//!
//! # Rules
//!
//! 1. The prompt is all input: uncached, read from the cache, written to it.
//! 2. Where it is longer than a threshold of the model, the *whole* request has the prices above that
//!    threshold; the largest threshold that is passed counts (for xAI also one that is just reached).
//! 3. A [`ServiceTier`] has prices of its own where the table has them: first those of threshold and
//!    tier together, then of the threshold, then of the tier, then the plain ones.
//! 4. Without a price for cache reads they cost what input costs; without one for cache writes these
//!    cost nothing; writes for an hour cost what those for five minutes do unless the table says more.
//! 5. Reasoning is part of the output, with a price of its own where the table has one.
//!
//! All of it is integer arithmetic: a price is a whole number of atto-dollars for a token, and the
//! cost of a call's input and of its output are each rounded up to a pico-dollar.

mod parse;
mod rate;
mod refresh;
mod table;
#[cfg(test)]
mod tests;

pub use rate::{ModelRates, Rate, Rates, ServiceTier};
pub use refresh::{Change, Moves, RateKind, Refreshed};
pub use table::{Cost, PriceTable, TablePrice};
