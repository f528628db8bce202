//! Requests a second beside hyper-util's own pooling client, over the loopback.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use perf_utils::HttpConnectionPool;
use serde_json::{Value, json};
use testkit::Rounds;
use tokio::{net::TcpListener, runtime, task::JoinSet};

use crate::{ROUNDS, TURNS, say, verdict};

/// A turn of one side.
const REQUESTS: usize = 1000;

/// Concurrency, `max_connections`, `max_keepalive_connections`, and the least share of hyper's rate.
const CASES: &[(usize, usize, usize)] = &[(1, 10, 5), (10, 10, 5), (100, 100, 100), (100, 10, 5)];

pub(crate) fn throughput() -> Result<Vec<Value>> {
    let server = Server::start()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut claims = Vec::new();
    for &(concurrency, max_connections, max_keepalive_connections) in CASES {
        let pool = HttpConnectionPool::builder(&format!("http://{}", server.address))
            .max_connections(max_connections)
            .max_keepalive_connections(max_keepalive_connections)
            .build()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build(connector);
        let uri: hyper::Uri = format!("http://{}/issues/7", server.address).parse()?;
        let (mut of_ours, mut of_bare) = (Rounds::default(), Rounds::default());
        let mut most_opened = 0;
        for round in 0..=ROUNDS {
            let (mut s_ours, mut s_bare) = (0.0, 0.0);
            for _ in 0..TURNS {
                let before = server.opened();
                let ours = pool.clone();
                s_ours += runtime.block_on(turn(concurrency, move || {
                    let pool = ours.clone();
                    async move { Ok(pool.get("/issues/7").await?.bytes().len()) }
                }))?;
                most_opened = most_opened.max(server.opened() - before);
                let bare = (client.clone(), uri.clone());
                s_bare += runtime.block_on(turn(concurrency, move || {
                    let (client, uri) = bare.clone();
                    async move {
                        let response = client.get(uri).await?;
                        Ok(response.into_body().collect().await?.to_bytes().len())
                    }
                }))?;
            }
            if round > 0 {
                let n_requests = (TURNS * REQUESTS) as f64;
                of_ours.add(n_requests / s_ours);
                of_bare.add(n_requests / s_bare);
            }
        }
        let ratio = of_ours.ratio(&of_bare);
        say(format!(
            "pool of {max_connections}, concurrency {concurrency}: ours {:.0}/s, hyper {:.0}/s, opened {most_opened}",
            of_ours.median(),
            of_bare.median()
        ));
        let setting = format!(
            "concurrency {concurrency}, at most {max_connections} connections, {max_keepalive_connections} of them idle"
        );
        claims.push(json!({
            "claim": format!("requests a second of 1 KiB, {setting}"),
            "ours": of_ours.median(), "unit": "/s",
            "held_against": "hyper-util's client without a cap", "theirs": of_bare.median(),
            "ratio": ratio, "goal": "≥ 0.9",
            "spread": format!("ours {}, theirs {}", of_ours.spread(), of_bare.spread()),
            "verdict": verdict(ratio >= 0.9),
        }));
        claims.push(json!({
            "claim": format!("connections opened for {REQUESTS} requests, {setting}"),
            "ours": most_opened, "goal": format!("≤ {max_connections}"),
            "spread": format!("the most of {} turns", (ROUNDS + 1) * TURNS),
            "verdict": verdict(most_opened <= max_connections),
        }));
    }
    Ok(claims)
}

/// Seconds for a turn, so many requests at a time.
async fn turn<F>(
    concurrency: usize,
    request: impl Fn() -> F + Clone + Send + 'static,
) -> Result<f64>
where
    F: Future<Output = Result<usize>> + Send,
{
    let begin = Instant::now();
    let left = Arc::new(AtomicUsize::new(REQUESTS));
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (left, request) = (Arc::clone(&left), request.clone());
        workers.spawn(async move {
            let next = |n: usize| n.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
                .is_ok()
            {
                ensure!(request().await? == BODY_BYTES, "an answer is not whole");
            }
            Ok(())
        });
    }
    for result in workers.join_all().await {
        result?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

const BODY_BYTES: usize = 1024;

/// Answers everything with 1 KiB, on a thread of its own, until the program ends.
struct Server {
    address: SocketAddr,
    opened: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Result<Self> {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&opened);
        let (tell, address) = mpsc::channel();
        thread::spawn(move || -> Result<()> {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                tell.send(listener.local_addr()?)?;
                serve(listener, &count).await
            })
        });
        let address = address.recv().context("the server does not start")?;
        Ok(Self { address, opened })
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, count: &AtomicUsize) -> Result<()> {
    let body = Bytes::from(vec![b'x'; BODY_BYTES]);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        count.fetch_add(1, Ordering::SeqCst);
        while connections.try_join_next().is_some() {}
        let body = body.clone();
        let service = service_fn(move |_: Request<_>| {
            let body = body.clone();
            async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
        });
        connections.spawn(async move {
            // A client that goes is no concern of the server's.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}
