use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use core_types::{CancellationToken, ErrorClass, PortError, Spent};

use super::{
    Gateway, Provider,
    account::Account,
    ask::Before,
    server::Upstream,
    tape::{Player, Recorder},
};

/// How long the end of requests is waited for whose client has gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// One piece of an agent's work, as the gateway sees it; its token ends with it.
pub struct Session {
    /// It listens as long as there are sessions.
    pub(super) gateway: Gateway,
    pub(super) line: Arc<Line>,
}

/// What the requests of a session share.
pub(super) struct Line {
    pub(super) token: String,
    pub(super) upstreams: Vec<Arc<Upstream>>,
    pub(super) account: Arc<Account>,
    /// Cancelled when its token ends.
    pub(super) closed: CancellationToken,
    /// The last request of each model, from whose input the next one's is reckoned.
    before: Mutex<HashMap<String, Before>>,
    pub(super) recorder: Option<Recorder>,
    pub(super) player: Option<Player>,
}

impl Line {
    pub(super) fn new(
        token: String,
        upstreams: Vec<Arc<Upstream>>,
        account: Account,
        recorder: Option<Recorder>,
        player: Option<Player>,
    ) -> Self {
        Self {
            token,
            upstreams,
            account: Arc::new(account),
            closed: CancellationToken::new(),
            before: Mutex::default(),
            recorder,
            player,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Before>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn before(&self, model: &str) -> Option<Before> {
        self.lock().get(model).cloned()
    }

    pub(super) fn remember(&self, model: String, before: Before) {
        self.lock().insert(model, before);
    }
}

impl Session {
    /// The variables by which a program finds the gateway: in place of those of its provider.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for upstream in &self.line.upstreams {
            let provider = upstream.provider;
            let url = self.gateway.shared.url(provider);
            all.push((provider.key().variable.to_owned(), self.line.token.clone()));
            let urls = provider.urls().iter();
            all.extend(urls.map(|name| ((*name).to_owned(), url.clone())));
        }
        all
    }

    /// The token by which the session's requests are known: the key of all its providers.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.line.token
    }

    /// Where a provider is asked.
    #[must_use]
    pub fn url(&self, provider: Provider) -> String {
        self.gateway.shared.url(provider)
    }

    /// Ends the session: its token is not known any more. Returns what was spent when nothing is under way, or after a
    /// moment, since a provider may be slow to notice that its client has gone: then what is under way counts at its
    /// most.
    ///
    /// # Cancel safety
    ///
    /// The session has ended; what was spent can be asked for again.
    pub async fn close(&self) -> Spent {
        self.gateway.shared.close(&self.line.token);
        // Whether all has ended, the figures say.
        drop(tokio::time::timeout(PATIENCE, self.line.account.settled()).await);
        self.spent()
    }

    /// What was spent so far, with what is under way at its most. The model is the one that has used most; the cost is `None` where the price of
    /// one of them is not known.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.line.account.spent()
    }

    /// Whether nothing was asked through it: an agent that works without a model, or around the gateway.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.line.account.n_requests() == 0
    }

    /// Why no more may be spent, once that is so; it is said once. The work is to be ended.
    #[must_use]
    pub fn take_refusal(&self) -> Option<PortError> {
        self.line.account.take_refusal()
    }

    /// Why the last request has no answer, if it has none: the class of the failure, and what was said.
    #[must_use]
    pub fn failure(&self) -> Option<(ErrorClass, String)> {
        let failure = self.line.account.failure()?;
        Some((failure.class, failure.message))
    }
}

/// The token ends: who holds it still asks in vain.
impl Drop for Session {
    fn drop(&mut self) {
        self.gateway.shared.close(&self.line.token);
    }
}

/// The token is not shown.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("account", &self.line.account)
            .finish_non_exhaustive()
    }
}
