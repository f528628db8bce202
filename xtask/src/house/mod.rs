//! The rules of the house: on files (tidy), on edges between crates (layers), on features.

mod code;
mod features;
mod finding;
mod layers;
mod manifest;
mod tidy;

pub(crate) use features::check as features;
pub(crate) use finding::{Finding, Severity};
pub(crate) use layers::check as layers;
pub(crate) use tidy::{check as tidy, read_files};

#[cfg(test)]
mod tests;
