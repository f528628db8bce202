//! The accept loop: what stands between the network and the routes.
//!
//! `axum::serve` gives hyper no timer, so its header timeout never fires, and it bounds no
//! connections; hence this loop of our own.

mod patient;
mod tls;
mod waiting;

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::tls::Tls;
use self::{
    patient::Patient,
    waiting::{Busy, Connection, Waiting},
};
use super::{Dashboard, Error, Limits, Options};

/// How long accepting pauses when the system has no more file descriptors.
const BREATHER: Duration = Duration::from_millis(20);

/// An address that is listened on, for any routes: connections are bounded in number, and clients
/// in the time that they take.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    tls: Option<Tls>,
}

impl Door {
    /// Listens on `address`; nothing is answered before [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// Validation for an address that other machines can reach, without `tls`; Conflict for one that is in use.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn bind(
        address: SocketAddr,
        limits: Limits,
        tls: Option<Tls>,
    ) -> Result<Self, Error> {
        if tls.is_none() && !address.ip().is_loopback() {
            return Err(Error::ForeignAddress { address });
        }
        let listen = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            address,
            limits,
            tls,
        })
    }

    /// Where it listens, with the port that was free where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves these routes until `stop` is cancelled. They bound what they read of a body, and how long they take.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes all connections.
    pub async fn serve(&self, router: Router, stop: CancellationToken) {
        let waiting = Arc::new(Waiting::new(self.limits.waiting));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Descriptors ran out, or the peer has gone again; the listener itself is sound.
                waiting.close_longest();
                sleep(BREATHER).await;
                continue;
            };
            if connections.len() >= self.limits.connections {
                waiting.close_longest();
                drop(stream);
                continue;
            }
            let connection = Arc::new(Connection::accepted(&waiting));
            let (router, limits, tls) = (router.clone(), self.limits, self.tls.clone());
            connections.spawn(async move {
                let closing = connection.closing.clone();
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = converse(stream, tls, router, limits, connection) => {}
                }
            });
        }
    }
}

/// A dashboard that listens.
#[derive(Debug)]
pub struct Server {
    door: Door,
    dashboard: Dashboard,
}

impl Server {
    /// Listens on `options.address`; nothing is answered before [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// Validation for an address that other machines can reach, without `tls`, and for all addresses
    /// (`0.0.0.0`, `::`) without `options.hosts`; Conflict for one that is in use.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn bind(
        dashboard: Dashboard,
        options: &Options,
        tls: Option<Tls>,
    ) -> Result<Self, Error> {
        let address = options.address;
        // Its Host would be none that the guard knows.
        if tls.is_some() && address.ip().is_unspecified() && options.hosts.is_empty() {
            return Err(Error::NoHost { address });
        }
        let door = Door::bind(address, options.limits, tls).await?;
        Ok(Self { door, dashboard })
    }

    /// Where it listens, with the port that was free where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// The link that lets one browser in, once. The next one works after it has been used:
    /// [`Access::link_used`](super::Access::link_used).
    #[must_use]
    pub fn link(&self) -> String {
        self.dashboard.link(self.address(), self.door.tls.is_some())
    }

    /// Serves until `stop` is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes all connections. Commands that were answered have been carried out.
    pub async fn serve(&self, stop: CancellationToken) {
        let mut refresher = JoinSet::new();
        let dashboard = self.dashboard.clone();
        refresher.spawn(async move { dashboard.keep_current().await });
        self.door.serve(self.dashboard.router(), stop).await;
    }
}

/// Answers the requests of one connection until one of both sides has had enough.
async fn converse(
    stream: TcpStream,
    tls: Option<Tls>,
    router: Router,
    limits: Limits,
    connection: Arc<Connection>,
) {
    // A refusal costs latency, never correctness.
    stream.set_nodelay(true).ok();
    match tls {
        None => answer(stream, router, limits, connection).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(limits.head_time, tls.0.accept(stream)).await {
                answer(stream, router, limits, connection).await;
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    limits: Limits,
    connection: Arc<Connection>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let busy = connection.busy();
        let answer = router.call(request);
        async move {
            let response: Response = answer.await?;
            Ok::<_, Infallible>(response.map(|body| Guarded { body, _busy: busy }))
        }
    });
    let stream = TokioIo::new(Patient::new(stream, limits.answer_time));
    // What ends a connection early is the peer's affair: there is nobody to tell.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(64)
        .max_buf_size(limits.head_bytes.max(8192))
        .serve_connection(stream, service)
        .await
        .ok();
}

/// A body that keeps its connection busy until it has been sent.
struct Guarded {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Guarded {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
