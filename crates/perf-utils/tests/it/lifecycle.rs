//! Connections: how many, who gets them, when they end.

use std::{sync::Arc, time::Duration};

use core_types::ErrorClass;
use perf_utils::{HttpConnectionPool, http::Error};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, Semaphore},
    task::JoinSet,
};

use crate::server::{Server, ok, raw};

async fn many(pool: &HttpConnectionPool, n: usize) {
    let mut tasks = JoinSet::new();
    for _ in 0..n {
        let pool = pool.clone();
        tasks.spawn(async move { pool.get("/").await.map(|response| response.status()) });
    }
    while let Some(status) = tasks.join_next().await {
        assert_eq!(
            status
                .expect("it works in a test")
                .expect("it works in a test"),
            200
        );
    }
}

#[tokio::test]
async fn waiting_requests_share_the_connections_whatever_is_kept_alive() {
    let server = Server::start(async |_| ok("{}")).await;
    for max_keepalive_connections in [5, 0] {
        let before = server.connections();
        let pool = server
            .pool()
            .max_connections(10)
            .max_keepalive_connections(max_keepalive_connections)
            .build()
            .expect("it works in a test");
        many(&pool, 300).await;
        let opened = server.connections() - before;
        assert!(
            opened <= 10,
            "{opened} connections for 300 requests at a time"
        );
        let stats = pool.stats();
        assert_eq!(stats.opened as usize, opened);
        assert_eq!(stats.reused as usize, 300 - opened);
        assert!(stats.idle <= max_keepalive_connections, "{stats:?}");
        assert_eq!((stats.in_use, stats.waiting), (0, 0));
    }
}

/// A server that answers as often as it is allowed to.
async fn gated() -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let allowed = Arc::clone(&gate);
    let server = Server::start(move |_| {
        let allowed = Arc::clone(&allowed);
        async move {
            allowed
                .acquire()
                .await
                .expect("it works in a test")
                .forget();
            ok("{}")
        }
    })
    .await;
    (server, gate)
}

/// Comes back when the pool looks like this.
async fn until(pool: &HttpConnectionPool, in_use: usize, waiting: usize) {
    loop {
        let stats = pool.stats();
        if (stats.in_use, stats.waiting) == (in_use, waiting) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_gives_up_waiting_loses_no_connection() {
    let (server, gate) = gated().await;
    let pool = server
        .pool()
        .max_connections(1)
        .build()
        .expect("it works in a test");
    let mut tasks = JoinSet::new();
    let mut ask = |pool: HttpConnectionPool| tasks.spawn(async move { drop(pool.get("/").await) });
    ask(pool.clone());
    until(&pool, 1, 0).await;
    let gives_up = ask(pool.clone());
    until(&pool, 1, 1).await;
    ask(pool.clone());
    until(&pool, 1, 2).await;
    gives_up.abort();
    until(&pool, 1, 1).await;
    gate.add_permits(2);
    while tasks.join_next().await.is_some() {}
    assert_eq!((server.connections(), server.requests()), (1, 2));
    assert_eq!((pool.stats().idle, pool.stats().in_use), (1, 0));
}

#[tokio::test]
async fn a_dropped_request_ends_its_connection_and_frees_its_place() {
    let (server, gate) = gated().await;
    let pool = server
        .pool()
        .max_connections(1)
        .build()
        .expect("it works in a test");
    let mut tasks = JoinSet::new();
    let dropped = tasks.spawn({
        let pool = pool.clone();
        async move { drop(pool.get("/").await) }
    });
    while server.requests() < 1 {
        tokio::task::yield_now().await;
    }
    dropped.abort();
    drop(tasks.join_next().await);
    gate.add_permits(2);
    assert_eq!(
        pool.get("/").await.expect("it works in a test").status(),
        200
    );
    assert_eq!(pool.stats().opened, 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used() {
    // It answers once a connection, does not say so, and closes.
    let closed = Arc::new(Notify::new());
    let tell = Arc::clone(&closed);
    let (address, _tasks) = raw(move |mut stream| {
        let tell = Arc::clone(&tell);
        async move {
            let mut bytes = [0; 1024];
            let n = stream.read(&mut bytes).await.expect("it works in a test");
            assert!(n > 0, "a request comes");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                .await
                .expect("it works in a test");
            stream.shutdown().await.expect("it works in a test");
            // Until the other side has closed too.
            while stream.read(&mut bytes).await.is_ok_and(|n| n > 0) {}
            tell.notify_one();
        }
    })
    .await;
    let pool = HttpConnectionPool::builder(&format!("http://{address}"))
        .build()
        .expect("it works in a test");
    for n in 1..=3 {
        assert_eq!(
            pool.get("/").await.expect("it works in a test").status(),
            200
        );
        // The end has reached us once it is told, by the look before the next request at the latest.
        if pool.stats().idle == 0 {
            closed.notified().await;
        }
        assert_eq!(pool.stats().opened, n);
    }
}

#[tokio::test]
async fn an_old_connection_is_not_used() {
    let server = Server::start(async |_| ok("{}")).await;
    let pool = server
        .pool()
        .idle_timeout(Duration::from_nanos(1))
        .build()
        .expect("it works in a test");
    pool.get("/").await.expect("it works in a test");
    pool.get("/").await.expect("it works in a test");
    assert_eq!((server.connections(), pool.stats().reused), (2, 0));
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_refuses_the_rest() {
    let (server, gate) = gated().await;
    let pool = server
        .pool()
        .max_connections(1)
        .build()
        .expect("it works in a test");
    pool.initialize().await.expect("it works in a test");
    assert_eq!((pool.stats().opened, pool.stats().idle), (1, 1));
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let pool = pool.clone();
        tasks.spawn(async move { pool.get("/").await });
    }
    until(&pool, 1, 1).await;
    let mut closing = Box::pin(pool.close());
    tokio::select! {
        biased;
        () = &mut closing => panic!("a request is under way"),
        () = tokio::task::yield_now() => {}
    }
    let refused = tasks
        .join_next()
        .await
        .expect("it works in a test")
        .expect("it works in a test")
        .unwrap_err();
    assert!(matches!(refused, Error::Closed { .. }), "{refused}");
    assert_eq!(refused.class(), ErrorClass::Cancelled);
    gate.add_permits(1);
    closing.await;
    let answered = tasks
        .join_next()
        .await
        .expect("it works in a test")
        .expect("it works in a test")
        .expect("it works in a test");
    assert_eq!(answered.status(), 200, "closing cuts nothing off");
    assert!(matches!(pool.get("/").await, Err(Error::Closed { .. })));
    assert_eq!((pool.stats().idle, pool.stats().in_use), (0, 0));

    gate.add_permits(1);
    pool.initialize().await.expect("it works in a test");
    assert_eq!(
        pool.get("/").await.expect("it works in a test").status(),
        200,
        "it is open again"
    );
}

#[tokio::test]
async fn a_scope_closes_its_pool() {
    let server = Server::start(async |_| ok("[1, 2]")).await;
    let pool = server.pool().build().expect("it works in a test");
    let data = pool
        .scope(async |pool| pool.get("/").await?.json::<Vec<u8>>())
        .await;
    assert_eq!(
        data.expect("it works in a test")
            .expect("it works in a test"),
        [1, 2]
    );
    assert!(matches!(pool.get("/").await, Err(Error::Closed { .. })));

    let pool = server.pool().build().expect("it works in a test");
    {
        let mut scope = Box::pin(pool.scope(async |_| std::future::pending::<()>().await));
        while pool.stats().idle == 0 {
            tokio::select! {
                biased;
                _ = &mut scope => panic!("it never ends"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    assert!(
        matches!(pool.get("/").await, Err(Error::Closed { .. })),
        "dropped, it is closed"
    );
}

#[tokio::test]
async fn initializing_says_what_is_wrong() {
    let pool = HttpConnectionPool::builder("http://127.0.0.1:1")
        .build()
        .expect("it works in a test");
    let error = pool.initialize().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
}
