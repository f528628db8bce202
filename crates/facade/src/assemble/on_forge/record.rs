use std::{path::Path, time::Duration};

use config::repositories::{ForgeEntry, ForgeKind, RepositoryEntry, TokenSource};
use forges::remote::Slug;
use serde::{Deserialize, Serialize};

use crate::assemble::Error;

/// The forge of a repository, as a run records it. Never a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgeRecord {
    /// Its name in the configuration.
    pub name: String,
    /// Its kind: `gitea`, `github` or `gitlab`.
    pub kind: String,
    /// Where it is.
    pub url: String,
    /// Where the token comes from.
    pub token: TokenRecord,
    /// How long its lists may be late, in milliseconds.
    pub settle_ms: u64,
    /// How long is waited before a failed call is made again, in milliseconds.
    pub backoff_ms: u64,
    /// Whether reads are saved; not in records of runs before there was a choice.
    #[serde(default = "yes")]
    pub cache: bool,
    /// Whose the repository is.
    pub owner: String,
    /// What it is called there.
    pub repo: String,
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRecord {
    /// An environment variable.
    Environment(String),
    /// A file, relative to the home folder.
    File(String),
    /// What a shell line prints.
    Command(String),
}

impl From<TokenSource> for TokenRecord {
    fn from(source: TokenSource) -> Self {
        match source {
            TokenSource::Environment(name) => Self::Environment(name),
            TokenSource::File(path) => Self::File(path),
            TokenSource::Command(line) => Self::Command(line),
        }
    }
}

impl ForgeRecord {
    pub(crate) fn new(forge: &ForgeEntry, entry: &RepositoryEntry) -> Result<Self, Error> {
        let record = Self {
            name: forge.name.clone(),
            kind: match forge.kind {
                ForgeKind::Gitea => "gitea".to_owned(),
                ForgeKind::GitHub => "github".to_owned(),
                ForgeKind::GitLab => "gitlab".to_owned(),
            },
            url: forge.url.trim_end_matches('/').to_owned(),
            token: forge.token.clone().into(),
            settle_ms: millis(forge.settle),
            backoff_ms: millis(forge.backoff),
            cache: forge.cache,
            owner: entry.owner.clone().unwrap_or_default(),
            repo: entry.repo.clone().unwrap_or_else(|| entry.name.clone()),
        };
        record.slug()?;
        if record.owner.contains('/') && forge.kind != ForgeKind::GitLab {
            let message = format!(
                "{}: the owner {:?} is a group in a group",
                entry.name, record.owner
            );
            return Err(Error::request(
                message,
                "only a forge of the kind gitlab has such",
            ));
        }
        Ok(record)
    }

    /// Whether it is spoken with by the same account, in the same way.
    pub(super) fn is_account_of(&self, other: &Self) -> bool {
        let of = |it: &Self| Self {
            owner: String::new(),
            repo: String::new(),
            ..it.clone()
        };
        of(self) == of(other)
    }

    pub(crate) fn slug(&self) -> Result<Slug, Error> {
        Slug::new(&self.owner, &self.repo).map_err(Error::Forge)
    }

    pub(crate) fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }

    pub(crate) fn backoff(&self) -> Duration {
        Duration::from_millis(self.backoff_ms)
    }

    /// What git clones it from.
    pub(crate) fn clone_url(&self) -> String {
        format!("{}/{}/{}.git", self.url, self.owner, self.repo)
    }

    /// Where the copy of it is kept.
    pub(crate) fn folder(state: &Path, name: &core_types::RepositoryName) -> std::path::PathBuf {
        state.join("remotes").join(format!("{name}.git"))
    }
}

const fn yes() -> bool {
    true
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
