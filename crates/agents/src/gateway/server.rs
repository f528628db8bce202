use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use core_types::{Clock, Grant, SystemClock, TokenUsage, Usd, without_user};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use perf_utils::{
    HttpConnectionPool, RateGovernor,
    governor::{self, Limits},
};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::sleep};

use super::{
    Provider, Session,
    account::{Account, Prices},
    forward, incoming,
    session::Line,
    tape::{Player, Recorder},
};
use crate::Error;

/// Connections at once, idle ones included: an agent has a few.
const CONNECTIONS: usize = 512;

/// How long the head of a request may take to come.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How long accepting pauses when the system has no more file descriptors.
const BREATHER: Duration = Duration::from_millis(20);

/// How a [`Gateway`] is made.
pub struct GatewayOptions {
    /// What tokens of a model cost; default that nobody knows.
    pub prices: Arc<Prices>,
    /// What tokens of sessions are derived from: bytes that nobody can guess.
    pub secret: [u8; 32],
    /// Whether answers are written down, or given again; default neither.
    pub tape: Tape,
    /// The length of answers, in tokens, whose request names none; default 32,768.
    pub longest_answer: u64,
    /// How many requests to one upstream may be under way; default 32.
    pub max_in_flight: usize,
    /// How long a refusal that names no time holds all requests to an upstream, doubled with each further one;
    /// default 2 s.
    pub pause: Duration,
    /// How long a request waits here for an upstream's limits before it is answered by a refusal; default 4
    /// minutes, which is less than what clients wait for.
    pub max_wait: Duration,
    /// How long an upstream may say nothing in the middle of an answer; default 5 minutes.
    pub silence: Duration,
    /// How long an upstream may take to begin its answer; default 10 minutes.
    pub first_byte: Duration,
    /// How many bytes of requests are held at once, answered ones apart: further ones wait for room, as long as
    /// for an upstream's limits. What is made of a request while it is read is several times as large. Default 128
    /// MiB, of which a request is 1 or 2, and at most 32.
    pub held_bytes: usize,
    /// How long the body of a request may take to come; default a minute, from a process of this machine.
    pub body_time: Duration,
    /// How often a request is sent again that was refused or failed without an answer; default 4.
    pub retries: u32,
    /// By which times to wait for are told; default the system's.
    pub clock: Arc<dyn Clock>,
}

/// What becomes of the answers of models beside being forwarded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tape {
    /// Nothing.
    #[default]
    Off,
    /// They are written below this folder, a file for each session.
    Record(PathBuf),
    /// They come from this folder, and no provider is asked; they cost nothing.
    Replay(PathBuf),
}

impl GatewayOptions {
    /// The defaults.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self {
            prices: Arc::new(|_: &str, _: &TokenUsage| -> Option<Usd> { None }),
            secret,
            tape: Tape::Off,
            longest_answer: 32_768,
            max_in_flight: 32,
            pause: Duration::from_secs(2),
            max_wait: Duration::from_secs(4 * 60),
            silence: Duration::from_secs(5 * 60),
            first_byte: Duration::from_secs(10 * 60),
            held_bytes: 128 * 1024 * 1024,
            body_time: Duration::from_secs(60),
            retries: 4,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A gateway that listens on the loopback; see the [module](super). A handle: the last one dropped ends it with all
/// connections.
#[derive(Clone)]
pub struct Gateway {
    pub(super) shared: Arc<Shared>,
    _tasks: Arc<JoinSet<()>>,
}

/// One provider at one address, with one key.
pub(super) struct Upstream {
    pub(super) provider: Provider,
    url: String,
    credential: Option<Credential>,
    pub(super) pool: HttpConnectionPool,
    pub(super) governor: RateGovernor,
    /// Whether it is a server of this machine, which may have models without a price.
    pub(super) is_own: bool,
}

/// A header by which a key is sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) header: &'static str,
    pub(super) value: String,
}

pub(super) struct Shared {
    address: SocketAddr,
    pub(super) options: GatewayOptions,
    /// For the bodies of requests.
    pub(super) room: Arc<Semaphore>,
    sessions: Mutex<HashMap<String, Arc<Line>>>,
    upstreams: Mutex<Vec<Arc<Upstream>>>,
    n_opened: AtomicU64,
}

impl Gateway {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    ///
    /// What binding the port answers.
    ///
    /// # Cancel safety
    ///
    /// Nothing is left behind.
    pub async fn start(options: GatewayOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            room: Arc::new(incoming::room(options.held_bytes)),
            options,
            sessions: Mutex::default(),
            upstreams: Mutex::default(),
            n_opened: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            _tasks: Arc::new(tasks),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(super) fn is_replay(&self) -> bool {
        matches!(self.shared.options.tape, Tape::Replay(_))
    }

    /// The upstream of this address and key: its limits are shared by all agents that use it.
    pub(super) fn upstream(
        &self,
        agent: &str,
        provider: Provider,
        url: &str,
        credential: Option<Credential>,
    ) -> Result<Arc<Upstream>, Error> {
        let mut known = self.shared.upstreams();
        let same = |it: &&Arc<Upstream>| {
            it.provider == provider && it.url == url && it.credential == credential
        };
        if let Some(upstream) = known.iter().find(same) {
            return Ok(Arc::clone(upstream));
        }
        let upstream = Upstream::new(&self.shared.options, provider, url, credential);
        let upstream = Arc::new(upstream.map_err(|why| Error::Provider {
            agent: agent.to_owned(),
            why,
        })?);
        known.push(Arc::clone(&upstream));
        Ok(upstream)
    }

    /// Opens a session. Blocks on the disk where answers are recorded or given again.
    pub(super) fn open(
        &self,
        name: &str,
        upstreams: Vec<Arc<Upstream>>,
        grant: Option<Grant>,
    ) -> io::Result<Session> {
        let shared = &self.shared;
        let (recorder, player) = match &shared.options.tape {
            Tape::Off => (None, None),
            Tape::Record(folder) => (Some(Recorder::create(folder, name)?), None),
            Tape::Replay(folder) => (None, Some(Player::open(folder, name)?)),
        };
        let number = shared.n_opened.fetch_add(1, Ordering::Relaxed);
        let token = shared.token(number);
        let account = Account::new(grant);
        let line = Line::new(token, upstreams, account, recorder, player);
        let line = Arc::new(line);
        let opened = Arc::clone(&line);
        shared.sessions().insert(line.token.clone(), opened);
        Ok(Session {
            gateway: self.clone(),
            line,
        })
    }
}

impl Upstream {
    fn new(
        options: &GatewayOptions,
        provider: Provider,
        url: &str,
        credential: Option<Credential>,
    ) -> Result<Self, String> {
        if credential.is_some() && !perf_utils::http::keeps_secrets(url) {
            return Err(format!(
                "{} is not encrypted, and a key would be read on the way",
                without_user(url)
            ));
        }
        let mut pool = HttpConnectionPool::builder(url)
            .max_connections(options.max_in_flight)
            .max_keepalive_connections(options.max_in_flight)
            .timeout(options.first_byte)
            .clock(Arc::clone(&options.clock));
        if let Some(credential) = &credential {
            pool = pool.secret_header(credential.header, &credential.value);
        }
        let pool = pool.build().map_err(|error| error.to_string())?;
        let limits = Limits {
            max_in_flight: options.max_in_flight,
            pause: options.pause,
            max_wait: options.max_wait,
            ..Limits::default()
        };
        let (account, clock) = (pool.origin().to_owned(), Arc::clone(&options.clock));
        let governor = RateGovernor::with_clock(account, limits, clock);
        let governor = governor.map_err(|error: governor::Error| error.to_string())?;
        let is_own = url.starts_with("http://") && perf_utils::http::keeps_secrets(url);
        Ok(Self {
            provider,
            url: url.to_owned(),
            credential,
            pool,
            governor,
            is_own,
        })
    }

    /// A text of the upstream's without its key, should that be in it.
    pub(super) fn without_key(&self, text: String) -> String {
        let secret = self.credential.as_ref().map(|it| {
            let mut words = it.value.split(' ');
            words.next_back().unwrap_or_default()
        });
        match secret.filter(|it| !it.is_empty()) {
            Some(secret) => text.replace(secret, "[key]"),
            None => text,
        }
    }
}

impl Shared {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Arc<Line>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn upstreams(&self) -> MutexGuard<'_, Vec<Arc<Upstream>>> {
        self.upstreams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn url(&self, provider: Provider) -> String {
        format!("http://{}{}", self.address, provider.base())
    }

    /// The session of a token. Tokens are digests of a secret: how long looking one up takes tells nothing of
    /// the others.
    pub(super) fn session(&self, token: &str) -> Option<Arc<Line>> {
        self.sessions().get(token).cloned()
    }

    pub(super) fn close(&self, token: &str) {
        if let Some(line) = self.sessions().remove(token) {
            line.closed.cancel();
        }
    }

    fn token(&self, number: u64) -> String {
        let mut digest = Sha256::new();
        digest.update(self.options.secret);
        digest.update(number.to_le_bytes());
        let hex = digest.finalize();
        let hex: String = hex.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("automation-{hex}")
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(BREATHER).await;
            continue;
        };
        if connections.len() >= CONNECTIONS {
            continue;
        }
        // A refusal costs latency, never correctness.
        stream.set_nodelay(true).ok();
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(forward::answer(&shared, request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            // What ends a connection early is the agent's affair.
            drop(served);
        });
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("tape", &self.tape)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("address", &self.shared.address)
            .finish_non_exhaustive()
    }
}

/// The key is not shown.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("provider", &self.provider)
            .field("url", &without_user(&self.url))
            .finish_non_exhaustive()
    }
}
