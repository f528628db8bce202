//! A server on the loopback, made of hyper, that counts what it gets.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use perf_utils::{HttpConnectionPool, http::HttpConnectionPoolBuilder};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Ends with its connections when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Server {
    /// Answers by this function of head and body.
    pub(crate) async fn start<F>(
        answer: impl Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send,
    {
        Self::start_over(async |stream| Some(stream), answer).await
    }

    /// The same over what `accept` makes of each TCP connection.
    pub(crate) async fn start_over<S, A, F>(
        accept: impl Fn(TcpStream) -> A + Send + 'static,
        answer: impl Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Future<Output = Option<S>> + Send,
        F: Future<Output = Answer> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("it works in a test");
        let address = listener.local_addr().expect("it works in a test");
        let counts = Arc::<Counts>::default();
        let (count, answer) = (Arc::clone(&counts), Arc::new(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it works in a test");
                count.connections.fetch_add(1, Ordering::SeqCst);
                let Some(stream) = accept(stream).await else {
                    continue;
                };
                let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
                    async move {
                        count.requests.fetch_add(1, Ordering::SeqCst);
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes());
                        let request = Request::from_parts(head, body.unwrap_or_default());
                        Ok::<_, Infallible>(answer(request).await)
                    }
                });
                connections.spawn(async move {
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // What breaks here is what a test looks at from the other side.
                    drop(connection.await);
                });
            }
        });
        Self {
            address,
            counts,
            _tasks: tasks,
        }
    }

    pub(crate) fn pool(&self) -> HttpConnectionPoolBuilder {
        HttpConnectionPool::builder(&format!("http://{}", self.address))
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many requests it has read.
    pub(crate) fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }
}

pub(crate) fn ok(body: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(body.into()))
}

/// A server of one's own making, which gets each connection in turn.
pub(crate) async fn raw<F>(
    talk: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinSet<()>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("it works in a test");
    let address = listener.local_addr().expect("it works in a test");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("it works in a test");
            talk(stream).await;
        }
    });
    (address, tasks)
}
