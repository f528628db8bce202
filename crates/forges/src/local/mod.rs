//! The forge in a journal: what is stored ([`record`]), what follows from it
//! ([`state`]), what is allowed and done ([`provider`]).

mod provider;
mod record;
mod state;
#[cfg(test)]
mod tests;

pub use provider::{LocalForge, LocalForgeOptions};
