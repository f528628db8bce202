use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use core_types::Clock;
use http::{HeaderMap, Method, Request};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::{
    Error, HttpConnectionPoolBuilder, RequestBuilder, Response,
    base::Base,
    connect::connect,
    connection::{Answer, Connection, Failure},
    request::Progress,
    roster::{Closed, Place, Roster},
    streamed::{Begun, StreamedResponse},
};

/// Connections to one server, shared by all its requests.
///
/// The base URL pins scheme, host and port, and the default headers pin the identity: a pool never
/// speaks with another server, follows no redirect, and sends its credentials nowhere else. It
/// never repeats a request that may have been sent. A handle: clones are the same pool.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use perf_utils::HttpConnectionPool;
///
/// # async fn example() -> Result<(), perf_utils::http::Error> {
/// // Create pool
/// let pool = HttpConnectionPool::builder("https://api.example.com")
///     .max_connections(10)
///     .max_keepalive_connections(5)
///     .timeout(Duration::from_secs(30))
///     .build()?;
///
/// // Use pool
/// let data = pool
///     .scope(async |pool| {
///         let response = pool.get("/api/v1/data").await?;
///         response.json::<serde_json::Value>()
///     })
///     .await??;
///
/// // Or manual lifecycle
/// pool.initialize().await?;
/// let response = pool.get("/api/v1/data").await?;
/// pool.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpConnectionPool {
    shared: Arc<Shared>,
}

/// What a pool does now, and has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionPoolStats {
    /// Connections that were opened.
    pub opened: u64,
    /// Requests sent on a connection that an earlier one had used.
    pub reused: u64,
    /// Open connections that nobody uses.
    pub idle: usize,
    /// Connections in use, or being opened.
    pub in_use: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) max_body_bytes: usize,
}

pub(super) struct Shared {
    pub(super) base: Base,
    pub(super) headers: HeaderMap,
    tls: Arc<ClientConfig>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    roster: Arc<Roster<Connection>>,
    opened: AtomicU64,
    reused: AtomicU64,
}

impl HttpConnectionPool {
    /// Begins to set up a pool for the server of `base_url`, below whose path all requests go.
    #[must_use]
    pub fn builder(base_url: &str) -> HttpConnectionPoolBuilder {
        HttpConnectionPoolBuilder::new(base_url)
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Scheme, host and port of the server.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.shared.base.origin
    }

    /// The path below the base URL's of a location that an answer names, such as that of a redirect; `None` where it is
    /// on another server, which this pool never asks.
    #[must_use]
    pub fn path_of(&self, location: &str) -> Option<String> {
        self.shared.base.path_of(location)
    }

    /// Opens the pool, also one that was closed, and a first connection, so that a server that
    /// cannot be reached is known now. A pool that is not initialized opens its connections when it
    /// needs them.
    ///
    /// # Errors
    ///
    /// `Transient` where the server cannot be reached, `Validation` where it cannot be trusted.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the first connection, and leaves the pool open.
    pub async fn initialize(&self) -> Result<(), Error> {
        self.shared.roster.reopen();
        let mut place = self.shared.place().await?;
        let connection = match place.connection.take() {
            Some(connection) => connection,
            None => self.shared.open().await?,
        };
        place.keep(connection);
        Ok(())
    }

    /// Closes the pool: refuses further requests, also those that wait for a connection, and returns
    /// when those under way have their answers. [`initialize`](Self::initialize) opens it again.
    ///
    /// # Cancel safety
    ///
    /// Dropping it only ends the waiting; the pool is closed.
    pub async fn close(&self) {
        self.shared.roster.close();
        self.shared.roster.settled().await;
    }

    /// Initializes the pool, does `work` with it, and closes it, whatever the work returns. If this is
    /// dropped, the pool is closed too.
    ///
    /// # Errors
    ///
    /// As [`initialize`](Self::initialize).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the work and closes the pool.
    pub async fn scope<T>(&self, work: impl AsyncFnOnce(&Self) -> T) -> Result<T, Error> {
        struct CloseAtEnd<'a>(&'a Shared);
        impl Drop for CloseAtEnd<'_> {
            fn drop(&mut self) {
                self.0.roster.close();
            }
        }
        let guard = CloseAtEnd(&self.shared);
        self.initialize().await?;
        let result = work(self).await;
        drop(guard);
        self.close().await;
        Ok(result)
    }

    /// Begins a request; `path` is below the base URL's, begins with `/` and may have a query.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(Arc::clone(&self.shared), method, path)
    }

    /// Asks for `path`.
    ///
    /// # Errors
    ///
    /// As [`RequestBuilder::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`RequestBuilder::send`].
    pub async fn get(&self, path: &str) -> Result<Response, Error> {
        self.request(Method::GET, path).send().await
    }

    /// What the pool does now and has done.
    #[must_use]
    pub fn stats(&self) -> ConnectionPoolStats {
        let counts = self.shared.roster.counts();
        ConnectionPoolStats {
            opened: self.shared.opened.load(Ordering::Relaxed),
            reused: self.shared.reused.load(Ordering::Relaxed),
            idle: counts.idle,
            in_use: counts.in_use,
            waiting: counts.waiting,
        }
    }
}

impl Shared {
    pub(super) fn new(
        base: Base,
        headers: HeaderMap,
        tls: ClientConfig,
        limits: Limits,
        clock: Arc<dyn Clock>,
        (max_connections, max_idle, idle_timeout): (usize, usize, Duration),
    ) -> Self {
        Self {
            base,
            headers,
            tls: Arc::new(tls),
            limits,
            clock,
            roster: Roster::new(max_connections, max_idle, idle_timeout),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
        }
    }

    /// Sends a request and reads the whole answer within the timeout.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        is_mutation: bool,
    ) -> Result<Response, Error> {
        let progress = Progress::new(is_mutation);
        let whole = async {
            let mut begun = self.begin(request, &progress).await?;
            let limit = self.limits.max_body_bytes;
            let body = begun.connection.read(begun.body, limit).await;
            let body = body.map_err(|failure| self.error(failure, &progress))?;
            begun.place.keep_usable(begun.connection);
            let answer = Answer {
                head: begun.head,
                body,
            };
            Ok(self.response(answer, &progress))
        };
        self.in_time(whole, &progress).await
    }

    /// Sends a request and reads the head of the answer within the timeout.
    pub(super) async fn send_streamed(
        self: Arc<Self>,
        request: Request<Full<Bytes>>,
        is_mutation: bool,
    ) -> Result<StreamedResponse, Error> {
        let progress = Progress::new(is_mutation);
        let begun = self
            .in_time(self.begin(request, &progress), &progress)
            .await?;
        Ok(StreamedResponse::new(self, begun, progress))
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
        progress: &Progress,
    ) -> Result<T, Error> {
        let limit = self.limits.timeout;
        let done = timeout(limit, work).await;
        done.unwrap_or_else(|_| {
            Err(Error::TimedOut {
                origin: self.base.origin.to_string(),
                phase: progress.phase(),
                limit,
                may_have_acted: progress.may_have_acted(),
            })
        })
    }

    async fn begin(
        &self,
        mut request: Request<Full<Bytes>>,
        progress: &Progress,
    ) -> Result<Begun, Error> {
        let mut place = self.place().await?;
        let mut used = place.connection.take();
        loop {
            let (mut connection, was_used) = match used.take() {
                Some(mut connection) => {
                    if !connection.is_usable() {
                        continue;
                    }
                    self.reused.fetch_add(1, Ordering::Relaxed);
                    (connection, true)
                }
                None => {
                    progress.connecting();
                    (self.open().await?, false)
                }
            };
            let begun = connection.begin(request, || progress.sent()).await;
            match begun {
                Ok((head, body)) => {
                    return Ok(Begun {
                        head,
                        body,
                        connection,
                        place,
                    });
                }
                // A server may close what was idle. One that closes what it has just accepted would
                // do so again, without end.
                Err(Failure::NotSent {
                    request: unsent, ..
                }) if was_used => {
                    // hyper gives a request back only while none of it was written.
                    progress.not_sent();
                    request = *unsent;
                }
                Err(failure) => {
                    if matches!(failure, Failure::NotSent { .. }) {
                        progress.not_sent();
                    }
                    return Err(self.error(failure, progress));
                }
            }
        }
    }

    pub(super) fn error(&self, failure: Failure, progress: &Progress) -> Error {
        let origin = self.base.origin.to_string();
        let may_have_acted = progress.may_have_acted();
        match failure {
            Failure::NotSent { source, .. } | Failure::Broken(source) => Error::Exchange {
                origin,
                may_have_acted,
                source,
            },
            Failure::TooLarge => Error::TooLarge {
                origin,
                limit: self.limits.max_body_bytes,
                may_have_acted,
            },
        }
    }

    pub(super) fn response(&self, answer: Answer, progress: &Progress) -> Response {
        let origin = Arc::clone(&self.base.origin);
        Response::new(answer, origin, progress.may_have_acted(), self.clock.now())
    }

    pub(super) fn max_body_bytes(&self) -> usize {
        self.limits.max_body_bytes
    }

    async fn place(&self) -> Result<Place<Connection>, Error> {
        self.roster.place().await.map_err(|Closed| Error::Closed {
            origin: self.base.origin.to_string(),
        })
    }

    async fn open(&self) -> Result<Connection, Error> {
        let connection = connect(&self.base, &self.tls, self.limits.connect_timeout).await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }
}

impl fmt::Debug for HttpConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.shared.headers.keys().collect();
        f.debug_struct("HttpConnectionPool")
            .field("origin", &self.shared.base.origin)
            .field("headers", &names)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
