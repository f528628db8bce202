//! Secrets are taken out of all text before it is written or goes into a prompt.

mod patterns;
mod scan;

#[cfg(test)]
mod tests;

pub use scan::{Scrubbed, scrub};
