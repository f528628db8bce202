//! Plan files: what a run is to do.

mod file;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use file::load;
pub use file::{PlanFile, PlanTask};
pub use write::to_yaml;
