//! The dashboard.
mod access;
mod error;
mod options;
mod pages;
mod parts;
mod respond;
mod stream;
mod text;
pub use options::*;
