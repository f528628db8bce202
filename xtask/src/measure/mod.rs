//! `bench`, `eval` and `crash`: run a measuring program, judge its claims, write docs/benchmarks.md.
//!
//! A measuring program is an example of a crate. With `--json` it prints one JSON object a line, a
//! claim each, on standard output, and what it has to say meanwhile on standard error. It finds the
//! program `automation` by the variable `AUTOMATION_PROGRAM`.

mod claim;
mod document;
mod program;

pub(crate) use program::{Kind, SAMPLES, command, run};

#[cfg(test)]
mod tests;
