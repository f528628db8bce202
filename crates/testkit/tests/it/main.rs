//! The fakes pass the suites of their ports, and the fixtures are reproducible.

mod fakes;
mod fixtures;
