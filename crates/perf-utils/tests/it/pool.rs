//! Requests, their answers and their failures.

use std::{future::pending, sync::Arc, time::Duration};

use core_types::{ErrorClass, Timestamp};
use http_body_util::{BodyExt as _, Full};
use hyper::{Response, body::Bytes};
use perf_utils::{
    HttpConnectionPool,
    http::{Error, Method, Phase, StatusCode, StreamedBody},
};
use serde_json::{Value, json};
use testkit::FixedClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::server::{Server, ok, raw};

/// Says what it got, as JSON.
async fn mirror() -> Server {
    Server::start(async |request| {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value.map(|value| value.to_str().expect("it works in a test").to_owned())
        };
        let told = json!({
            "method": request.method().as_str(),
            "target": request.uri().to_string(),
            "host": header("host"),
            "agent": header("user-agent"),
            "authorization": header("authorization"),
            "type": header("content-type"),
            "body": String::from_utf8_lossy(request.body()),
        });
        ok(told.to_string())
    })
    .await
}

#[tokio::test]
async fn a_request_says_what_it_should() {
    let server = mirror().await;
    let url = format!("http://{}/api/v1/", server.address);
    let pool = HttpConnectionPool::builder(&url)
        .secret_header("Authorization", "token abc")
        .build()
        .expect("it works in a test");
    let told: Value = pool
        .get("/issues?state=open")
        .await
        .expect("it works in a test")
        .json()
        .expect("it works in a test");
    assert_eq!(told["method"], "GET");
    assert_eq!(told["target"], "/api/v1/issues?state=open");
    assert_eq!(told["host"], server.address.to_string());
    assert_eq!(told["agent"], "automation-engine");
    assert_eq!(told["authorization"], "token abc");

    let request = pool
        .request(Method::POST, "/issues")
        .json(&json!({"title": "Ä"}));
    let told: Value = request
        .header("authorization", "other")
        .send()
        .await
        .expect("it works in a test")
        .json()
        .expect("it works in a test");
    assert_eq!(told["type"], "application/json");
    assert_eq!(told["body"], r#"{"title":"Ä"}"#);
    assert_eq!(told["authorization"], "other", "in place of the pool's");
    assert_eq!(pool.stats().opened, 1);
    assert_eq!(pool.stats().reused, 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_before_a_connection_is_opened() {
    let server = mirror().await;
    let pool = server.pool().build().expect("it works in a test");
    for path in [
        "http://127.0.0.1:1/",
        "//127.0.0.1/",
        "/a/../b",
        "issues",
        "/a b",
    ] {
        let error = pool.get(path).await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidPath { .. }),
            "{path}: {error}"
        );
        assert_eq!(error.class(), ErrorClass::Validation);
    }
    for name in ["host", "content-length", "transfer-encoding", "a b", ""] {
        let request = pool.request(Method::GET, "/").header(name, "x");
        let error = request.send().await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidHeader { .. }),
            "{name}: {error}"
        );
    }
    assert!(server.pool().header("x", "a\nb").build().is_err());
    assert_eq!(server.connections(), 0);
}

#[test]
fn zeros_are_refused() {
    let pool = || HttpConnectionPool::builder("http://127.0.0.1:1");
    let refused = [
        pool().max_connections(0).build(),
        pool().timeout(Duration::ZERO).build(),
        pool().connect_timeout(Duration::ZERO).build(),
        pool().idle_timeout(Duration::ZERO).build(),
        pool().max_body_bytes(0).build(),
    ];
    for result in refused {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::ZeroOption { .. }), "{error}");
    }
}

#[tokio::test]
async fn no_debug_output_shows_a_secret() {
    let server = mirror().await;
    let builder = server.pool().secret_header("private-token", "hunter2");
    let shown = format!("{builder:?}");
    let pool = builder
        .header("authorization", "hunter2")
        .build()
        .expect("it works in a test");
    let request = pool
        .request(Method::POST, "/")
        .header("cookie", "hunter2")
        .body("hunter2");
    let mut shown = format!("{shown}{pool:?}{request:?}");
    let response = request.send().await.expect("it works in a test");
    shown += &format!("{response:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(
        shown.contains("private-token") && shown.contains("authorization"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_refusal_is_an_answer_with_a_class() {
    let clock = Arc::new(FixedClock::default());
    let server = Server::start(async |request| {
        let mut answer = ok(r#"{"message":"slow down"}"#);
        *answer.status_mut() = request.uri().path()[1..]
            .parse()
            .expect("it works in a test");
        answer
            .headers_mut()
            .insert("retry-after", "7".parse().expect("it works in a test"));
        answer.headers_mut().insert(
            "location",
            "http://127.0.0.1:1/".parse().expect("it works in a test"),
        );
        answer
    })
    .await;
    let pool = server
        .pool()
        .clock(clock)
        .build()
        .expect("it works in a test");
    let response = pool.get("/429").await.expect("it works in a test");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let until = Some(Timestamp(FixedClock::default_millis() + 7000));
    assert_eq!(response.class(), Some(ErrorClass::RateLimited { until }));
    assert_eq!(response.observation().retry_at, until);
    assert!(response.observation().is_refused);
    let error = response
        .json::<Value>()
        .unwrap_err()
        .into_port_error("read an issue");
    assert_eq!(error.class(), ErrorClass::RateLimited { until });
    assert_eq!(error.detail(), r#"{"message":"slow down"}"#);

    let redirect = pool.get("/301").await.expect("it works in a test");
    assert_eq!(redirect.header("location"), Some("http://127.0.0.1:1/"));
    assert_eq!(
        redirect.class(),
        Some(ErrorClass::Validation),
        "it is not followed"
    );
    let mutation = pool
        .request(Method::POST, "/502")
        .send()
        .await
        .expect("it works in a test");
    assert_eq!(mutation.class(), Some(ErrorClass::UnknownOutcome));
    let search = pool
        .request(Method::POST, "/502")
        .read_only()
        .send()
        .await
        .expect("it works in a test");
    assert_eq!(search.class(), Some(ErrorClass::Transient));
    assert_eq!(server.requests(), 4, "nothing is sent twice");
}

trait DefaultMillis {
    fn default_millis() -> u64;
}

impl DefaultMillis for FixedClock {
    fn default_millis() -> u64 {
        core_types::Clock::now(&Self::default()).0
    }
}

#[tokio::test]
async fn a_refused_connection_changed_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("it works in a test");
    let address = listener.local_addr().expect("it works in a test");
    drop(listener);
    let pool = HttpConnectionPool::builder(&format!("http://{address}"))
        .build()
        .expect("it works in a test");
    let error = pool.request(Method::POST, "/").send().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    assert_eq!(
        error.class(),
        ErrorClass::Transient,
        "the mutation was not sent"
    );
    assert_eq!(pool.stats().in_use, 0, "its place is free");
}

#[tokio::test]
async fn a_broken_connection_leaves_a_mutation_unknown() {
    let (address, _tasks) = raw(async |mut stream| {
        // It reads the request, and goes.
        let mut bytes = [0; 1024];
        let n = stream.read(&mut bytes).await.expect("it works in a test");
        assert!(n > 0, "a request comes");
    })
    .await;
    let pool = HttpConnectionPool::builder(&format!("http://{address}"))
        .build()
        .expect("it works in a test");
    for (method, class) in [
        (Method::GET, ErrorClass::Transient),
        (Method::POST, ErrorClass::UnknownOutcome),
        (Method::DELETE, ErrorClass::UnknownOutcome),
    ] {
        let error = pool.request(method, "/").send().await.unwrap_err();
        assert!(matches!(error, Error::Exchange { .. }), "{error}");
        assert_eq!(error.class(), class);
    }
    assert_eq!(
        pool.stats().opened,
        3,
        "each broke, and none was tried again"
    );
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    let (address, _tasks) = raw(async |mut stream| {
        let mut bytes = [0; 1024];
        let n = stream.read(&mut bytes).await.expect("it works in a test");
        assert!(n > 0, "a request comes");
        stream
            .write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            .await
            .expect("it works in a test");
    })
    .await;
    let pool = HttpConnectionPool::builder(&format!("http://{address}"))
        .build()
        .expect("it works in a test");
    let error = pool.get("/").await.unwrap_err();
    assert!(matches!(error, Error::Exchange { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_timed_out() {
    let server = Server::start(async |_| pending().await).await;
    let pool = server
        .pool()
        .max_connections(1)
        .build()
        .expect("it works in a test");
    for (method, class) in [
        (Method::GET, ErrorClass::Transient),
        (Method::PATCH, ErrorClass::UnknownOutcome),
    ] {
        let error = pool.request(method, "/").send().await.unwrap_err();
        let Error::TimedOut { phase, limit, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(
            (*phase, *limit),
            (Phase::Answering, Duration::from_secs(30))
        );
        assert_eq!(error.class(), class);
    }
    assert_eq!(pool.stats().in_use, 0, "a timed out connection is given up");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_connection_has_sent_nothing() {
    let server = Server::start(async |_| pending().await).await;
    let pool = server
        .pool()
        .max_connections(1)
        .timeout(Duration::from_secs(5))
        .build()
        .expect("it works in a test");
    let post = async || pool.request(Method::POST, "/").send().await;
    // They ask in this order, and their time ends at once: then the second gets the place of the
    // first, too late.
    let (first, second, third) = tokio::join!(post(), post(), post());
    let end = |result: Result<_, Error>| match result {
        Err(Error::TimedOut {
            phase,
            may_have_acted,
            ..
        }) => (phase, may_have_acted),
        other => panic!("{other:?}"),
    };
    assert_eq!(end(first.map(drop)), (Phase::Answering, true));
    assert_eq!(end(second.map(drop)), (Phase::Connecting, false));
    assert_eq!(end(third.map(drop)), (Phase::Waiting, false));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let server = Server::start(async |request| match request.uri().path() {
        "/announced" => ok(vec![b'x'; 1001]),
        "/fits" => ok(vec![b'x'; 1000]),
        _ => unreachable!("no other path is asked for"),
    })
    .await;
    let pool = server
        .pool()
        .max_body_bytes(1000)
        .build()
        .expect("it works in a test");
    assert_eq!(
        pool.get("/fits")
            .await
            .expect("it works in a test")
            .bytes()
            .len(),
        1000
    );
    let error = pool.get("/announced").await.unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit: 1000, .. }),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::Validation);
    let error = pool
        .request(Method::POST, "/announced")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::UnknownOutcome);

    // One that never ends, in chunks.
    let (address, _tasks) = raw(async |mut stream| {
        let mut bytes = [0; 1024];
        let n = stream.read(&mut bytes).await.expect("it works in a test");
        assert!(n > 0, "a request comes");
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).await.expect("it works in a test");
        while stream.write_all(b"a\r\n0123456789\r\n").await.is_ok() {}
    })
    .await;
    let pool = HttpConnectionPool::builder(&format!("http://{address}")).max_body_bytes(1000);
    let error = pool
        .build()
        .expect("it works in a test")
        .get("/")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn answers_of_many_frames_are_read_whole() {
    let large: Bytes = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let expected = large.clone();
    let server = Server::start(move |request| {
        let large = large.clone();
        async move {
            match request.uri().path() {
                "/large" => ok(large),
                _ => Response::builder()
                    .status(204)
                    .body(Full::default())
                    .expect("it works in a test"),
            }
        }
    })
    .await;
    let pool = server
        .pool()
        .max_connections(1)
        .build()
        .expect("it works in a test");
    for _ in 0..3 {
        assert_eq!(
            *pool
                .get("/large")
                .await
                .expect("it works in a test")
                .bytes(),
            expected
        );
        assert!(
            pool.get("/empty")
                .await
                .expect("it works in a test")
                .bytes()
                .is_empty()
        );
        let head = pool
            .request(Method::HEAD, "/large")
            .send()
            .await
            .expect("it works in a test");
        assert!(head.bytes().is_empty());
    }
    let sent = pool
        .request(Method::PUT, "/empty")
        .body(expected)
        .send()
        .await
        .expect("it works in a test");
    assert_eq!(sent.status(), 204);
    assert_eq!(pool.stats().opened, 1, "one connection serves them all");
}

#[tokio::test]
async fn an_answer_that_is_not_the_json_expected_is_an_error() {
    let server = Server::start(async |_| ok("<html>")).await;
    let pool = server.pool().build().expect("it works in a test");
    let error = pool
        .get("/")
        .await
        .expect("it works in a test")
        .json::<Value>()
        .unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
}

/// Whether the end of a connection is seen before the request is written is a matter of chance; of so
/// many requests some always see it.
#[tokio::test]
async fn a_server_that_closes_what_it_accepts_is_not_asked_without_end() {
    const REQUESTS: u64 = 500;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("it works in a test");
    let address = listener.local_addr().expect("it works in a test");
    // A thread of its own closes them at once, whatever the client is about.
    let server = std::thread::spawn(move || listener.incoming().map_while(Result::ok).count());
    let pool = HttpConnectionPool::builder(&format!("http://{address}"))
        .build()
        .expect("it works in a test");
    for n in 1..=REQUESTS {
        let error = pool.get("/").await.unwrap_err();
        assert!(!matches!(error, Error::TimedOut { .. }), "{error}");
        assert_eq!(error.class(), ErrorClass::Transient);
        assert_eq!(pool.stats().opened, n, "a connection for each request");
    }
    assert!(!server.is_finished(), "it accepts to the end");
}

/// Answers with `hello` and, once it is told to, `world`, in chunks; then with the requests that it gets
/// on the same connection.
async fn in_pieces(go_on: Arc<tokio::sync::Notify>, is_cut: bool) -> HttpConnectionPool {
    let (address, mut tasks) = raw(move |mut stream| {
        let go_on = Arc::clone(&go_on);
        async move {
            let mut request = [0; 4096];
            while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
                stream.write_all(head.as_bytes()).await.expect("it reads");
                go_on.notified().await;
                if is_cut {
                    return;
                }
                let rest = "5\r\nworld\r\n0\r\n\r\n";
                stream.write_all(rest.as_bytes()).await.expect("it reads");
            }
        }
    })
    .await;
    tasks.detach_all();
    let pool = HttpConnectionPool::builder(&format!("http://{address}"));
    // The whole answer takes longer.
    let pool = pool.timeout(Duration::from_millis(500)).max_connections(1);
    pool.build().expect("it works in a test")
}

async fn piece(body: &mut StreamedBody) -> Option<Result<Bytes, Error>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().expect("no trailers")))
}

#[tokio::test]
async fn a_body_comes_in_pieces_and_its_connection_is_used_again() {
    let go_on = Arc::new(tokio::sync::Notify::new());
    let pool = in_pieces(Arc::clone(&go_on), false).await;
    for n_before in 0..2 {
        let sent = pool.request(Method::GET, "/").send_streamed().await;
        let answer = sent.expect("the head comes");
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_body();
        let first = piece(&mut body).await.expect("a piece").expect("whole");
        assert_eq!(first, "hello");
        // Past the timeout of the head.
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(pool.stats().in_use, 1);
        go_on.notify_one();
        let second = piece(&mut body).await.expect("a piece").expect("whole");
        assert_eq!(second, "world");
        assert!(piece(&mut body).await.is_none());
        assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 1));
        assert_eq!((pool.stats().opened, pool.stats().reused), (1, n_before));
    }
    go_on.notify_one();
    let sent = pool.request(Method::GET, "/").send_streamed().await;
    let whole = sent.expect("the head comes").whole().await.expect("whole");
    assert_eq!(whole.text(), "helloworld");
    assert_eq!(pool.stats().opened, 1);
}

#[tokio::test]
async fn a_body_that_is_cut_or_dropped_closes_its_connection() {
    let go_on = Arc::new(tokio::sync::Notify::new());
    let pool = in_pieces(Arc::clone(&go_on), true).await;
    let sent = pool.request(Method::POST, "/").send_streamed().await;
    let mut body = sent.expect("the head comes").into_body();
    go_on.notify_one();
    let mut all = Vec::new();
    let error = loop {
        match piece(&mut body).await.expect("an error at its end") {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(error) => break error,
        }
    };
    assert_eq!(all, b"hello");
    assert_eq!(error.class(), ErrorClass::UnknownOutcome);
    assert!(piece(&mut body).await.is_none());
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 0));

    let sent = pool.request(Method::GET, "/").send_streamed().await;
    let body = sent.expect("the head comes").into_body();
    assert_eq!(pool.stats().in_use, 1);
    drop(body);
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 0));
}
