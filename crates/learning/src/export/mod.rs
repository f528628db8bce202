//! Promoted lessons as a part of a file that agents read anyway, such as AGENTS.md.

mod block;

#[cfg(test)]
mod tests;

pub use block::check;

pub(crate) use block::{BEGIN, END, Line, merge};
