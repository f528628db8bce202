//! `config/repositories.yaml`: the repositories and the workflows over them.

mod entries;
mod render;

#[cfg(test)]
mod tests;

pub(crate) use entries::load;
pub use entries::{
    Coordination, ForgeEntry, ForgeKind, Repositories, RepositoryEntry, TokenSource, TriggerOn,
    WorkflowEntry,
};
pub use render::{RepositoryChoice, render};
