//! Slow, greedy and many clients.

use std::time::{Duration, Instant};

use monitoring::dashboard::{Control, Limits, Options};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use core_types::RepositoryName;
use monitoring::{
    fold::MemorySource,
    samples::{Ends, Sample, layered_plan},
};

use crate::dashboard_client::{NOW, Served, options, serve, serve_source};

async fn limited(limits: Limits) -> Served {
    serve(Options {
        limits,
        ..options(Control::Allowed)
    })
    .await
}

/// Reads until the other side closes.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let mut bytes = Vec::new();
    timeout(within, stream.read_to_end(&mut bytes))
        .await
        .is_ok()
}

#[tokio::test]
async fn who_does_not_finish_a_request_is_sent_away() {
    let served = limited(Limits {
        head_time: Duration::from_millis(150),
        request_time: Duration::from_millis(150),
        ..Limits::default()
    })
    .await;
    let mut silent = served.connect().await;
    let mut slow = served.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: loc")
        .await
        .expect("sent");
    let mut idle = served.connect().await;
    idle.write_all(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut slow_body = served.connect().await;
    let head = format!(
        "POST /runs/64-billing/cancel HTTP/1.1\r\nHost: localhost\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntok",
        served.bearer()
    );
    slow_body.write_all(head.as_bytes()).await.expect("sent");
    for (name, stream) in [
        ("silent", &mut silent),
        ("slow", &mut slow),
        ("idle after an answer", &mut idle),
        ("slow body", &mut slow_body),
    ] {
        assert!(is_closed(stream, Duration::from_secs(5)).await, "{name}");
    }
    assert!(
        served.source.commands().is_empty(),
        "half a command is none"
    );
}

#[tokio::test]
async fn heads_and_bodies_are_bounded() {
    let served = limited(Limits::default()).await;
    let long = served
        .get_with(
            "/api/health",
            &format!("X-Long: {}\r\n", "x".repeat(20_000)),
        )
        .await;
    assert!(matches!(long.status, 0 | 431), "{}", long.status);
    let many: String = (0..100).map(|i| format!("X-{i}: 1\r\n")).collect();
    let many = served.get_with("/api/health", &many).await;
    assert!(matches!(many.status, 0 | 431), "{}", many.status);
    let body = format!("text={}", "x".repeat(70_000));
    let large = served
        .post("/runs/64-billing/cancel", &served.bearer(), &body)
        .await;
    assert!(matches!(large.status, 0 | 413), "{}", large.status);
    assert!(served.source.commands().is_empty());
}

#[tokio::test]
async fn slow_clients_do_not_keep_out_a_prompt_one() {
    let served = limited(Limits {
        waiting: 32,
        connections: 48,
        ..Limits::default()
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = served.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.ok();
        slow.push(stream);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(served.get_with("/api/health", "").await.status, 200);
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{:?}",
            asked.elapsed()
        );
    }
    let mut n_closed = 0;
    for stream in &mut slow {
        n_closed += usize::from(is_closed(stream, Duration::from_millis(20)).await);
    }
    assert!(
        n_closed >= 200 - 48,
        "those who wait longest make room: {n_closed} closed"
    );
}

#[tokio::test]
async fn streams_are_bounded() {
    let served = limited(Limits {
        streams: 2,
        ..Limits::default()
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(stream(&served, "/api/events").await);
    }
    assert_eq!(
        served.get("/api/events").await.status,
        503,
        "the third is refused"
    );
    drop(open);
    // The server notices at its next write or read of the closed connection.
    let mut last = 503;
    for _ in 0..100 {
        let mut third = stream(&served, "/api/events").await;
        let mut start = [0; 12];
        third.read_exact(&mut start).await.expect("an answer");
        last = String::from_utf8_lossy(&start[9..]).parse().unwrap_or(0);
        if last == 200 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(last, 200, "who has gone leaves its place");
}

async fn stream(served: &Served, path: &str) -> TcpStream {
    let mut stream = served.connect().await;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        served.bearer()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// A run of `n_tasks` that goes on, `big`.
async fn with_a_large_run(n_tasks: usize) -> Served {
    let repository = |name: &str| -> RepositoryName { name.parse().expect("a name") };
    let sample = Sample {
        run: "big".parse().expect("a name"),
        title: "Rewrite all of it".to_owned(),
        plan: layered_plan(n_tasks, 40),
        waits: ["backend", "frontend", "tools"]
            .map(|it| (repository(it), Vec::new()))
            .to_vec(),
        max_workers: 16,
        limit: None,
        from: core_types::Timestamp(NOW.0 - 3_000_000),
        until: NOW,
        ends: Ends::Not,
    };
    let source = MemorySource::new();
    source.push(&sample.run, sample.make().events);
    source.set_held(&sample.run, true);
    serve_source(options(Control::ReadOnly), source).await
}

/// What takes long to make. All of it is asked on the one thread of this test and its server.
const LARGE: [&str; 6] = [
    "/runs/big",
    "/api/runs/big",
    "/api/runs/big/graph",
    "/runs/big/tasks/task-0100",
    "/",
    "/metrics",
];

#[tokio::test]
async fn views_of_large_runs_keep_nobody_waiting() {
    let served = with_a_large_run(1_000).await;
    let mut views = Vec::new();
    for path in LARGE {
        let mut stream = served.connect().await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
            served.bearer()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        views.push(stream);
    }
    assert_eq!(served.get("/api/health").await.status, 200);
    let mut start = [0; 12];
    let early = views
        .iter()
        .filter(|stream| stream.try_read(&mut start).is_ok());
    let n_early = early.count();
    assert!(
        n_early < LARGE.len(),
        "a short answer waited for all the long ones"
    );
}

/// Run by `RUN_SLOW=1` in a release build, with a run of 10,000 tasks.
#[tokio::test]
async fn healthy_requests_stay_quick_beside_large_views() {
    if std::env::var_os("RUN_SLOW").is_none() {
        return;
    }
    let served = with_a_large_run(10_000).await;
    let mut times = Vec::new();
    let measure = async {
        for _ in 0..400 {
            let asked = Instant::now();
            assert_eq!(served.get("/api/health").await.status, 200);
            times.push(asked.elapsed());
            sleep(Duration::from_millis(5)).await;
        }
    };
    let look = |offset: usize| {
        let served = &served;
        async move {
            for path in LARGE.iter().cycle().skip(offset) {
                assert_eq!(served.get(path).await.status, 200, "{path}");
            }
        }
    };
    tokio::select! {
        () = measure => {}
        () = async { tokio::join!(look(0), look(1), look(2), look(3)); } => {}
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!(
        "p50 {:?}, p99 {p99:?}, most {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert!(p99 < Duration::from_millis(50), "p99 is {p99:?}");
}

/// 2,000 slow connections and 1,000 streams beside healthy requests. Run by `RUN_SLOW=1`, in a
/// release build: the figures are for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_requests_stay_quick_beside_a_crowd() {
    if std::env::var_os("RUN_SLOW").is_none() {
        return;
    }
    let served = limited(Limits::default()).await;
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        streams.push(stream(&served, "/api/events").await);
    }
    let mut slow = Vec::new();
    for _ in 0..2_000 {
        let mut stream = served.connect().await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            .await
            .ok();
        slow.push(stream);
    }
    let run = "65-two-factor".parse().expect("a name");
    let mut times = Vec::new();
    for round in 0..400_usize {
        // All streams are told ten times a second, slow clients send a byte now and then.
        served.source.set_held(&run, round % 2 == 0);
        if let Some(stream) = slow.get_mut(round * 5 % 2_000) {
            stream.write_all(b"X").await.ok();
        }
        let asked = Instant::now();
        let path = ["/api/health", "/api/metrics/summary"][round % 2];
        assert_eq!(served.get(path).await.status, 200);
        times.push(asked.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!(
        "p50 {:?}, p99 {p99:?}, most {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert!(p99 < Duration::from_millis(50), "p99 is {p99:?}");
}
