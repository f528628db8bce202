//! Streams: changes, and lines of logs.

use std::time::Duration;

use core_types::{Event, EventRecord, RunId, TaskId};
use monitoring::dashboard::Control;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::dashboard_client::{NOW, Served, options, serve};

async fn open(served: &Served, path: &str, headers: &str) -> TcpStream {
    let mut stream = served.connect().await;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\n{}{headers}\r\n",
        served.bearer()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Reads until the text holds `end`.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let reading = async {
        let mut text = String::new();
        let mut bytes = [0; 4096];
        while !text.contains(end) {
            let n = stream.read(&mut bytes).await.expect("it goes on");
            assert!(n > 0, "closed before {end:?}: {text}");
            text.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
        text
    };
    timeout(Duration::from_secs(10), reading)
        .await
        .unwrap_or_else(|_| panic!("{end:?} does not come"))
}

#[tokio::test]
async fn a_change_reaches_the_pages_it_is_on() {
    let served = serve(options(Control::ReadOnly)).await;
    let run: RunId = "65-two-factor".parse().expect("a name");
    let mut all = open(&served, "/api/events", "").await;
    let mut this = open(&served, "/api/runs/65-two-factor/events", "").await;
    let mut other = open(&served, "/api/runs/64-billing/events", "").await;
    for stream in [&mut all, &mut this, &mut other] {
        let head = read_until(stream, "\r\n\r\n").await;
        assert!(head.contains("text/event-stream"), "{head}");
    }
    let event = Event::Warning {
        message: "something new".to_owned(),
    };
    served.source.push(
        &run,
        [EventRecord {
            v: 1,
            at: NOW,
            step: None,
            event,
        }],
    );
    read_until(&mut all, "event: changed").await;
    read_until(&mut this, "event: changed").await;
    let mut bytes = [0; 64];
    let quiet = timeout(Duration::from_millis(300), other.read(&mut bytes)).await;
    assert!(quiet.is_err(), "another run's page is not told");
}

#[tokio::test]
async fn what_runs_is_drawn_anew_also_where_nothing_is_told() {
    let served = serve(options(Control::ReadOnly)).await;
    for (path, seconds) in [
        ("/", 5),
        ("/history", 5),
        ("/costs", 30),
        ("/runs/65-two-factor", 5),
        ("/runs/65-two-factor/tasks/e2e", 5),
        ("/runs/61-search", 30),
        ("/runs/64-billing", 30),
    ] {
        let page = served.get(path).await.body;
        let said = format!("data-redraw=\"{seconds}\"");
        assert!(page.contains(&said), "{path}: {said}");
    }
    let page = served.get("/runs/none").await.body;
    assert!(!page.contains("data-redraw"), "nothing is to come there");
}

/// In virtual time: each run is looked at ten times a second.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_counted_is_left_alone_for_a_while() {
    let served = serve(options(Control::ReadOnly)).await;
    let run: RunId = "63-import".parse().expect("a name");
    let n_before = served.source.n_reads(&run);
    served.source.set_damaged(&run, true);
    tokio::time::sleep(Duration::from_secs(35)).await;
    let n_reads = served.source.n_reads(&run) - n_before;
    assert!((2..=5).contains(&n_reads), "{n_reads} reads in 35 seconds");
}

#[tokio::test]
async fn no_line_is_lost_or_repeated_however_often_the_stream_breaks() {
    let served = serve(options(Control::ReadOnly)).await;
    let (run, task): (RunId, TaskId) = (
        "65-two-factor".parse().expect("a name"),
        "e2e".parse().expect("a name"),
    );
    let first = 34;
    let (mut n_written, mut seen) = (first, Vec::new());
    let mut last = first.to_string();
    for round in 0..100 {
        for _ in 0..=round % 3 {
            n_written += 1;
            served.source.log_line(
                &run,
                Some(&task),
                "1.1/test.log",
                &format!("line {n_written}"),
            );
        }
        let resume = format!("Last-Event-ID: {last}\r\n");
        let path = "/api/runs/65-two-factor/log?task=e2e&after=0";
        let mut stream = open(&served, path, &resume).await;
        let text = read_until(&mut stream, &format!("line {n_written}\"}}]\n\n")).await;
        for line in text.lines() {
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut last);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let lines: Vec<serde_json::Value> = serde_json::from_str(data).expect("lines");
                seen.extend(lines.iter().map(|line| line["text"].to_string()));
            }
        }
    }
    let expected: Vec<_> = (first + 1..=n_written)
        .map(|number| format!("\"line {number}\""))
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn lines_are_harmless_in_the_stream_too() {
    let served = serve(options(Control::ReadOnly)).await;
    let (run, task): (RunId, TaskId) = (
        "65-two-factor".parse().expect("a name"),
        "e2e".parse().expect("a name"),
    );
    served.source.log_line(
        &run,
        Some(&task),
        "t",
        "\u{1b}[31m<b>\u{202e}\u{0}data: x\u{7}",
    );
    let path = "/api/runs/65-two-factor/log?task=e2e&after=34";
    let mut stream = open(&served, path, "").await;
    let text = read_until(&mut stream, "\n\n").await;
    assert!(
        text.contains(r#"data: [{"file":"t","text":"<b>⟨U+202E⟩␀data: x␇"}]"#),
        "{text}"
    );
}

#[tokio::test]
async fn the_log_of_what_has_ended_ends() {
    let served = serve(options(Control::ReadOnly)).await;
    let run: RunId = "61-search".parse().expect("a name");
    served.source.log_line(&run, None, "t", "the last line");
    let answer = served.get("/api/runs/61-search/log?after=0").await;
    assert!(answer.body.contains("the last line"), "{}", answer.body);
    assert!(answer.body.contains("event: complete"), "{}", answer.body);
}
