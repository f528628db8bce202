//! The public API of engine-recovery.

mod conflict_cases;
mod conflict_corpus;
mod conflict_fixers;
mod conflict_resolution;
