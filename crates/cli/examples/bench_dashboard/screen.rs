//! How large pages are, and how soon an event is on one.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use facade::{
    core_types::{Event, TaskStatus},
    engine_checkpoint::{Options, RunJournal},
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::{
    home::{Dashboard, Home, RUN, TASKS, task},
    percentile, say, verdict,
};

const A_SECOND: usize = 200;
const SECONDS: usize = 10;
/// So many times a second the events that came are made durable, as the engine does with each step.
const FLUSHES_A_SECOND: usize = 20;
const READS: usize = 50;

/// The size of each page, and the time until the largest is there.
pub(crate) fn pages(dashboard: &Dashboard) -> Result<Vec<Value>> {
    let is_read = || dashboard.get(&format!("/runs/{RUN}")).is_ok();
    while !is_read() {
        thread::sleep(Duration::from_millis(50));
    }
    let paths = [
        "/".to_owned(),
        format!("/runs/{RUN}"),
        format!("/runs/{RUN}/tasks/{}", task(TASKS - 1)),
        "/history".to_owned(),
        "/costs".to_owned(),
        "/learning".to_owned(),
    ];
    let mut largest = (0, String::new());
    for path in paths {
        let body = dashboard.get(&path)?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&body)?;
        let n_bytes = packed.finish()?.len();
        say(format!("{path}: {} bytes, {n_bytes} packed", body.len()));
        largest = largest.max((n_bytes, path));
    }
    let (n_bytes, path) = largest;
    let kilobytes = n_bytes as f64 / 1e3;
    let mut times = Vec::new();
    for _ in 0..READS {
        let began = Instant::now();
        dashboard.get(&format!("/runs/{RUN}"))?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let p99 = percentile(&mut times, 99);
    let p50 = percentile(&mut times, 50);
    Ok(vec![
        json!({
            "claim": format!("the largest page, {path} of a run of {TASKS} tasks, by gzip"),
            "ours": kilobytes, "unit": "KB", "goal": "≤ 150 KB", "verdict": verdict(kilobytes <= 150.0),
        }),
        json!({
            "claim": format!("the page of a run of {TASKS} tasks, from request to last byte, p99 of {READS} (p50 {p50:.0} ms); a browser's first paint: real-parts"),
            "ours": p99, "unit": "ms", "goal": "≤ 300 ms", "verdict": verdict(p99 <= 300.0),
        }),
    ])
}

/// From an event of a run that is emitted to the page that has it.
pub(crate) fn events(home: &Home, dashboard: &Dashboard) -> Result<Vec<Value>> {
    let mut changes = dashboard.changes(&format!("/api/runs/{RUN}/events"))?;
    let journal = RunJournal::open(home.journal(), &Options::default())?;
    let (tell, told) = mpsc::channel();
    thread::spawn(
        move || {
            while changes.next().is_ok() && tell.send(()).is_ok() {}
        },
    );
    thread::scope(|scope| {
        let (emitted, emissions) = mpsc::channel();
        let n_events = A_SECOND * SECONDS;
        let screen = scope.spawn(move || screen(dashboard, &told, &emissions, n_events));
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let sink = journal.events();
        let began = Instant::now();
        let a_flush = A_SECOND / FLUSHES_A_SECOND;
        for n in 0..n_events {
            let due = began + Duration::from_secs(1) * n as u32 / A_SECOND as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let (task, status) = match n % 2 {
                0 => (n / 2, TaskStatus::Running),
                _ => (n / 2, TaskStatus::Succeeded),
            };
            let event = Event::TaskChanged {
                task: task_id(task)?,
                status,
                attempt: 1,
                failure: None,
                because_of: None,
            };
            emitted.send((n, Instant::now())).ok();
            sink.emit(None, event);
            if n % a_flush == a_flush - 1 {
                runtime.block_on(sink.flush())?;
            }
        }
        drop(emitted);
        let (mut times, n_pages) = screen.join().expect("it does not panic")?;
        let p99 = percentile(&mut times, 99);
        let p50 = percentile(&mut times, 50);
        Ok(vec![json!({
            "claim": format!(
                "from an event of a run of {TASKS} tasks to the page that has it, {A_SECOND} events a second, p99 of {n_events} (p50 {p50:.0} ms; {n_pages} pages fetched)"
            ),
            "ours": p99, "unit": "ms", "goal": "≤ 250 ms", "verdict": verdict(p99 <= 250.0),
        })])
    })
}

fn task_id(n: usize) -> Result<facade::core_types::TaskId> {
    Ok(task(n % TASKS).parse()?)
}

/// Fetches the page when a change is told, one at a time, until all events were on one. Returns how long
/// each took, in ms, and how many pages that were.
fn screen(
    dashboard: &Dashboard,
    told: &mpsc::Receiver<()>,
    emissions: &mpsc::Receiver<(usize, Instant)>,
    n_events: usize,
) -> Result<(Vec<f64>, usize)> {
    let mut waiting = VecDeque::new();
    let (mut times, mut n_pages) = (Vec::new(), 0);
    while times.len() < n_events {
        let patience = Duration::from_secs(30);
        told.recv_timeout(patience).context("no change is told")?;
        // What came while the last page was fetched is seen by one more.
        told.try_iter().for_each(drop);
        let page = dashboard.get(&format!("/runs/{RUN}"))?;
        n_pages += 1;
        let seen = Instant::now();
        waiting.extend(emissions.try_iter());
        // Each task that has succeeded on the page stands for the two events of it.
        let n_succeeded = succeeded(&String::from_utf8_lossy(&page))?;
        let n_seen = waiting.partition_point(|(n, _)| *n < 2 * n_succeeded);
        let delay =
            |(_, emitted): (usize, Instant)| seen.duration_since(emitted).as_secs_f64() * 1e3;
        times.extend(waiting.drain(..n_seen).map(delay));
    }
    Ok((times, n_pages))
}

/// How many tasks have succeeded by the row of the repository on a run's page.
fn succeeded(page: &str) -> Result<usize> {
    let of_all = format!(" of {TASKS}</td>");
    let (before, _) = page.split_once(&of_all).context("the page counts tasks")?;
    let number = before.rsplit('>').next().context("a cell has a text")?;
    Ok(number.parse()?)
}
