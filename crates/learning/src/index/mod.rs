//! Retrieval by BM25, in memory.

mod bm25;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use bm25::{Index, take, take_number};
pub(crate) use token::tokens;
