//! Who may start and steer runs.

use core_types::RepositoryName;

use super::Follower;
use crate::assemble::{Error, RunRecord, request::configured_repositories};

impl Follower {
    /// The repositories on forges that a run changes which begins now.
    pub(super) fn to_be_changed(&self) -> Result<Vec<RepositoryName>, Error> {
        let configured = configured_repositories(&self.home, &self.surroundings)?;
        let mut names = Vec::new();
        let Some(configured) = configured else {
            return Ok(names);
        };
        let entries = configured.entries.iter();
        for entry in entries.filter(|it| it.enabled && it.write) {
            if configured.forge_of(entry).is_some() {
                let name = RepositoryName::new(&entry.name);
                names.push(name.map_err(|error| Error::request(error.to_string(), ""))?);
            }
        }
        Ok(names)
    }

    /// Whether somebody may write where an issue stands and in each of these repositories. Each forge is asked
    /// about its own account of that name.
    pub(super) async fn may_steer(
        &self,
        login: &str,
        home: &RepositoryName,
        changed: &[RepositoryName],
    ) -> Result<bool, Error> {
        if login.is_empty() {
            return Ok(false);
        }
        let others = changed.iter().filter(|it| *it != home);
        for name in std::iter::once(home).chain(others) {
            if !self.account(name)?.repository.may_write(login).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The repositories on forges that a run changes.
pub(super) fn changed_by(record: &RunRecord) -> Vec<RepositoryName> {
    let settings = record.settings.repositories.iter();
    let settings = settings.zip(&record.sources);
    let changed = settings.filter(|(it, source)| it.write && source.on_forge.is_some());
    changed.map(|(it, _)| it.name.clone()).collect()
}
