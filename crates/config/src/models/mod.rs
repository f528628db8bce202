//! `config/models.yaml`: which model does what, and what it costs.

mod settings;

#[cfg(test)]
mod tests;

pub(crate) use settings::load;
pub use settings::{Alias, Factors, ModelPrice, Models, Prices, Thresholds, Tier, Tiers};
