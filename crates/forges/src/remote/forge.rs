use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use core_types::{Clock, GitProvider, PortError, RepositoryName, Timestamp};
use perf_utils::governor::Limits;
use tokio::{sync::OnceCell, time::Instant};

use super::{
    RemoteRepository, Secret, Slug,
    client::{Client, Means},
    dialect::Dialect,
    gitea::Gitea,
    github::{self, GitHub},
    gitlab::GitLab,
};
use crate::{Error, Forge};

/// Which kind of forge it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Gitea or Forgejo, 1.22 or newer.
    Gitea,
    /// GitHub, or GitHub Enterprise Server.
    GitHub,
    /// gitlab.com, or a GitLab of one's own, 15.6 or newer.
    GitLab,
}

impl Kind {
    fn dialect(self) -> Arc<dyn Dialect> {
        match self {
            Self::Gitea => Arc::new(Gitea),
            Self::GitHub => Arc::new(GitHub),
            Self::GitLab => Arc::new(GitLab),
        }
    }
}

/// Whether a client saves reads. Mutations, and what is read before one because it must be so at that moment, are
/// the same with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// What was read is kept and asked for by its tag, what seldom changes is not asked for again for five minutes, a
    /// comment of ours that was just read or written is not read before it is changed, and who watches issues
    /// asks for a list of what has changed instead of each.
    #[default]
    Saved,
    /// Whoever wants to know something asks for it: for whoever suspects what is kept.
    Each,
}

/// How a [`RemoteForge`] is spoken with.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a forge's lists may be late; 60 s by default. See the [module](super).
    pub settle: Duration,
    /// The limits of the account; by default those that the forge publishes.
    pub limits: Option<Limits>,
    /// How long one request may take; 30 s by default.
    pub timeout: Duration,
    /// A certificate authority (DER) to trust beside the web's: a company's own.
    pub authority: Option<Vec<u8>>,
    /// Nothing older is looked at in the search for marks, such as the beginning of a run; by
    /// default all of the repository is, once.
    pub marks_since: Option<Timestamp>,
    /// Whether reads are saved; by default they are.
    pub reads: Reads,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(60),
            limits: None,
            timeout: Duration::from_secs(30),
            authority: None,
            marks_since: None,
            reads: Reads::default(),
        }
    }
}

/// One account on a forge that is reached over the network; clones are the same handle.
///
/// Its host is pinned: no answer leads elsewhere, and the token goes nowhere else.
#[derive(Debug, Clone)]
pub struct RemoteForge {
    account: Arc<Account>,
    slugs: BTreeMap<RepositoryName, Slug>,
    repositories: Arc<Mutex<HashMap<RepositoryName, Arc<RemoteRepository>>>>,
}

/// What the repositories of an account share.
#[derive(Debug)]
pub(super) struct Account {
    /// Where its pages for people are, without a slash at the end.
    pub(super) pages: String,
    pub(super) client: Arc<Client>,
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) settle: Duration,
    pub(super) marks_since: Option<Timestamp>,
    pub(super) made_at: Instant,
    /// Whoever holds it sends a mutation.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    login: Arc<OnceCell<String>>,
}

impl RemoteForge {
    /// An account on the forge at `url`, such as `https://git.example.org`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A URL without TLS (but for this machine), or that pins no host; a token that is none; class `Validation`.
    pub fn new(
        kind: Kind,
        url: &str,
        token: Secret,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let dialect = kind.dialect();
        let url = url.trim_end_matches('/');
        let base = match kind {
            Kind::GitHub if github::is_public(url) => github::PUBLIC_API.to_owned(),
            Kind::GitHub | Kind::Gitea | Kind::GitLab => format!("{url}{}", dialect.api()),
        };
        let pages = match kind {
            Kind::GitHub if github::is_public(url) => github::PUBLIC_PAGES,
            Kind::GitHub | Kind::Gitea | Kind::GitLab => url,
        };
        let means = Means {
            base: &base,
            authorization: dialect.authorization(),
            headers: dialect.headers(),
            limits: options.limits.unwrap_or_else(|| match kind {
                // A server of one's own sets none by default.
                Kind::GitHub if !github::is_public(url) => Limits::default(),
                Kind::GitHub | Kind::Gitea | Kind::GitLab => dialect.limits(),
            }),
            pages: dialect.pages(),
            authority: options.authority,
            timeout: options.timeout,
            reads: options.reads,
            clock,
        };
        let account = Account {
            pages: pages.to_owned(),
            client: Arc::new(Client::new(means, token)?),
            dialect,
            settle: options.settle,
            marks_since: options.marks_since,
            made_at: Instant::now(),
            turn: Arc::default(),
            login: Arc::default(),
        };
        Ok(Self {
            account: Arc::new(account),
            slugs: BTreeMap::new(),
            repositories: Arc::default(),
        })
    }

    /// The same account for another user in this process, such as another run: connections, limits, the order of
    /// mutations and what was read are shared. What was sent, and which repositories it has, is not, and as for
    /// a new one [`Options::settle`] counts from now.
    #[must_use]
    pub fn for_another(&self, marks_since: Option<Timestamp>) -> Self {
        let account = Account {
            pages: self.account.pages.clone(),
            client: Arc::clone(&self.account.client),
            dialect: Arc::clone(&self.account.dialect),
            settle: self.account.settle,
            marks_since,
            made_at: Instant::now(),
            turn: Arc::clone(&self.account.turn),
            login: Arc::clone(&self.account.login),
        };
        Self {
            account: Arc::new(account),
            slugs: BTreeMap::new(),
            repositories: Arc::default(),
        }
    }

    /// Whether this is its token.
    #[must_use]
    pub fn is_of(&self, token: &Secret) -> bool {
        self.account.client.is_of(token)
    }

    /// Whether reads are saved; see [`Reads`].
    #[must_use]
    pub fn reads(&self) -> Reads {
        match self.account.client.saves_reads() {
            true => Reads::Saved,
            false => Reads::Each,
        }
    }

    /// The time by the forge's clock, as its last answer told it; by ours before.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.account.client.forge_time()
    }

    /// The same with a repository that a run knows by this name.
    #[must_use]
    pub fn with_repository(mut self, name: RepositoryName, slug: Slug) -> Self {
        self.slugs.insert(name, slug);
        self
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.account.client.origin()
    }

    /// The login of the token's account.
    ///
    /// # Errors
    ///
    /// `Unauthorized` for a token that is wrong or may not read its own account; others by class.
    ///
    /// # Cancel safety
    ///
    /// It only reads.
    pub async fn login(&self) -> Result<String, PortError> {
        let login = self.account.login().await.map(str::to_owned);
        login.map_err(|error| error.into_port_error("read the token's account"))
    }

    /// The scopes that a run needs and the token has not, as far as the forge tells them: GitLab of an
    /// access token, GitHub of a classic one.
    ///
    /// # Errors
    ///
    /// As [`RemoteForge::login`].
    ///
    /// # Cancel safety
    ///
    /// It only reads.
    pub async fn missing_scopes(&self) -> Result<Vec<&'static str>, PortError> {
        let Account {
            dialect, client, ..
        } = &*self.account;
        let missing = dialect.missing_scopes(client).await;
        missing.map_err(|error| error.into_port_error("read the token's scopes"))
    }

    /// A repository, with all that the forge has beyond a [`GitProvider`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSlug`] for a name that stands for no repository of this forge.
    pub fn repository(&self, name: &RepositoryName) -> Result<Arc<RemoteRepository>, Error> {
        let slug = self.slugs.get(name).ok_or_else(|| Error::InvalidSlug {
            slug: name.to_string(),
        })?;
        let mut repositories = self.lock();
        let repository = repositories.entry(name.clone()).or_insert_with(|| {
            Arc::new(RemoteRepository::new(
                Arc::clone(&self.account),
                slug.clone(),
            ))
        });
        Ok(Arc::clone(repository))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RepositoryName, Arc<RemoteRepository>>> {
        self.repositories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Who we are: marks of others do not count.
    pub(super) async fn login(&self) -> Result<&str, Error> {
        let login = self
            .login
            .get_or_try_init(|| self.dialect.account(&self.client));
        login.await.map(String::as_str)
    }
}

impl Forge for RemoteForge {
    /// A name without a slug leads to a repository of its own name without an owner, which no
    /// forge has: `NotFound` at the first use.
    fn provider(&self, name: &RepositoryName) -> Arc<dyn GitProvider> {
        if let Ok(repository) = self.repository(name) {
            return repository;
        }
        let slug = Slug::new("-", name.as_str()).expect("a repository name is part of a path");
        Arc::new(RemoteRepository::new(Arc::clone(&self.account), slug))
    }

    fn kind(&self, _: &RepositoryName) -> &str {
        self.account.dialect.kind()
    }
}
