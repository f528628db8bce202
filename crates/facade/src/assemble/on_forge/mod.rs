//! Repositories whose branches, issues and pull requests are on a forge over the network.

mod accounts;
mod auth;
mod lander;
mod record;
mod repository;
mod scrubbing;
mod token;

pub use auth::{ForgeAccess, RepositoryAccess, forge_access};
pub use record::{ForgeRecord, TokenRecord};
pub(crate) use {
    accounts::{Account, Accounts, Shared, remote},
    lander::NotTogether,
    repository::OnForge,
    token::{Printed, secret},
};
