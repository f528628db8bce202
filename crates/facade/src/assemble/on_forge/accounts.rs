use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use core_types::{GitProvider, RepositoryName, Timestamp};
use forges::{
    Forge,
    remote::{Kind, Options, Patience, Reads, RemoteForge, RemoteRepository, Retrying},
};
use git_workspace::Remote;

use super::{record::ForgeRecord, scrubbing::Scrubbing, token::token};
use crate::assemble::{Error, Home, RepositorySource, Surroundings, plan_runner::REGISTERED};

/// How far the clock of a forge may be behind ours.
const CLOCKS_DIFFER_MS: u64 = 24 * 3600 * 1000;

/// The accounts of a run on its forges, before the local forge.
#[derive(Debug)]
pub(crate) struct Accounts {
    repositories: BTreeMap<RepositoryName, Account>,
    others: Arc<dyn Forge>,
}

/// One repository on a forge.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) repository: Arc<RemoteRepository>,
    pub(crate) forge: RemoteForge,
    provider: Arc<dyn GitProvider>,
    kind: String,
}

impl Accounts {
    /// Opens those that the sources name, each forge once. `begun` tells when the run did: nothing
    /// older is of it. Nothing is sent yet.
    pub(crate) async fn open(
        sources: &[RepositorySource],
        begun: Option<Timestamp>,
        others: Arc<dyn Forge>,
        home: &Home,
        surroundings: &Surroundings,
    ) -> Result<Self, Error> {
        let mut forges: HashMap<String, RemoteForge> = HashMap::new();
        let mut repositories = BTreeMap::new();
        for source in sources {
            let Some(record) = &source.on_forge else {
                continue;
            };
            // What a program has registered for it goes before the configuration.
            if others.kind(&source.name) == REGISTERED {
                continue;
            }
            let slug = record.slug()?;
            let forge = match forges.remove(&record.name) {
                Some(forge) => forge,
                None => open(record, begun, home, surroundings).await?,
            };
            let forge = forge.with_repository(source.name.clone(), slug);
            let repository = forge.repository(&source.name).map_err(Error::Forge)?;
            let clock = surroundings.clock.clone();
            let patience = Patience {
                backoff: record.backoff(),
                ..Patience::default()
            };
            let provider = Retrying::new(repository.clone(), patience, clock);
            let account = Account {
                repository,
                forge: forge.clone(),
                provider: Arc::new(Scrubbing(Arc::new(provider))),
                kind: record.kind.clone(),
            };
            repositories.insert(source.name.clone(), account);
            forges.insert(record.name.clone(), forge);
        }
        Ok(Self {
            repositories,
            others,
        })
    }

    pub(crate) fn get(&self, name: &RepositoryName) -> Option<&Account> {
        self.repositories.get(name)
    }
}

impl Forge for Accounts {
    fn provider(&self, name: &RepositoryName) -> Arc<dyn GitProvider> {
        match self.repositories.get(name) {
            Some(account) => Arc::clone(&account.provider),
            None => self.others.provider(name),
        }
    }

    fn kind(&self, name: &RepositoryName) -> &str {
        match self.repositories.get(name) {
            Some(account) => &account.kind,
            None => self.others.kind(name),
        }
    }
}

async fn open(
    record: &ForgeRecord,
    begun: Option<Timestamp>,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<RemoteForge, Error> {
    let kind = match &*record.kind {
        "gitea" => Kind::Gitea,
        "github" => Kind::GitHub,
        "gitlab" => Kind::GitLab,
        kind => {
            let message = format!("forge {} is of the unknown kind {kind}", record.name);
            return Err(Error::request(message, "known are: gitea, github, gitlab"));
        }
    };
    let marks_since = begun.map(|begun| Timestamp(begun.0.saturating_sub(CLOCKS_DIFFER_MS)));
    let token = token(record, home, surroundings).await?;
    let mut known = surroundings.forges.lock();
    let is_it = |it: &&Known| it.record.is_account_of(record) && it.forge.is_of(&token);
    if let Some(known) = known.iter().find(is_it) {
        return Ok(known.forge.for_another(marks_since));
    }
    let options = Options {
        settle: record.settle(),
        marks_since,
        reads: match record.cache {
            true => Reads::Saved,
            false => Reads::Each,
        },
        ..Options::default()
    };
    let clock = surroundings.clock.clone();
    let forge = RemoteForge::new(kind, &record.url, token, options, clock).map_err(Error::Forge)?;
    // A token of before is one that has ended.
    known.retain(|it| !it.record.is_account_of(record));
    known.push(Known {
        record: record.clone(),
        forge: forge.clone(),
    });
    Ok(forge)
}

/// The accounts that this process has on forges: its runs share their connections and what a forge allows an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<Known>>>);

#[derive(Debug)]
struct Known {
    record: ForgeRecord,
    forge: RemoteForge,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The repository as git reaches it.
pub(crate) async fn remote(
    record: &ForgeRecord,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Remote, Error> {
    let token = token(record, home, surroundings).await?;
    // Others take any user for a token.
    let user = match &*record.kind {
        "github" => "x-access-token",
        // What its tokens of OAuth want, and others take.
        "gitlab" => "oauth2",
        _ => "automation",
    };
    Ok(Remote::new(&record.clone_url(), user, token.expose())?)
}
