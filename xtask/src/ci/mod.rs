//! `cargo xtask ci`: every check of the repository, each a step.

mod report;
mod steps;

pub(crate) use report::run;

#[cfg(test)]
mod tests;
