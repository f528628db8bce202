//! The public behavior of the crate.
