//! Many mutations of a forge, each with its own result, resumable.

mod error;
mod operation;
mod operations;
#[cfg(test)]
mod tests;

pub use self::{
    error::Error,
    operations::{BatchItem, BatchOperations, BatchOptions, IssueUpdate},
};
