//! Plans: read from an agent's answer, made for an agent that cannot plan, and validated.

mod answer;
mod plain;
#[cfg(test)]
mod tests;
mod validate;

pub use answer::from_answer;
pub use plain::plain_plan;
pub use validate::{Finding, Prediction, predict, validate};
