//! The dependency graph: validated once, then analyzed without recursion.
//!
//! [`Graph::build`] reports everything that is wrong at once, as [`Finding`]s. What it returns is
//! a graph without cycles, whose analysis (critical path, slack, predicted makespan) takes
//! time linear in tasks and edges and no stack, however long its chains are.

mod analysis;
mod build;
mod finding;
#[cfg(test)]
mod tests;

pub use self::{analysis::CriticalPath, build::Graph, finding::Finding};
