//! Whether a fix of failing tests leaves the tests what they were.
//!
//! A pure judgement over the texts of the changed files, before and after:
//! tests may be added, and nothing that is there may be deleted, skipped,
//! ignored, emptied or weakened, expect other values, or be run by another
//! command. Rust, Python, JavaScript and TypeScript, Go and shell are read by a
//! light tokenizer that knows strings and comments, so that a change of form is none.
//!
//! # Limits
//!
//! Text shows what a fix does to tests, not what its code does when it runs.
//! Known marks of code that asks whether it is tested are refused
//! (`PYTEST_CURRENT_TEST`, `cfg(test)` on what other code uses, `NODE_ENV` beside
//! `test`, `os._exit`, …), and so is what replaces the framework, or a module from
//! outside, in sight; production code that tells tests from real
//! use in another way, or that answers just what the tests ask, is out of reach.
//! The rerun without the fix, and review, are for that.

mod added;
mod boots;
mod cfg;
mod changed;
mod check;
mod compare;
mod config;
mod controls;
mod items;
mod lexer;
mod loops;
mod patches;
mod paths;
mod rows;
mod screen;
mod source;
mod statement;
#[cfg(test)]
mod tests;
mod told;
mod verdict;

pub(crate) use check::MAX_FILE_BYTES;
pub use check::check;
pub(crate) use paths::{is_test_path, words};
pub use verdict::{ChangedFile, Content, Finding, FindingKind, Policy, Verdict};
