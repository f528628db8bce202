//! What many and slow clients cost.

use std::{
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::{home::Dashboard, percentile, say, verdict};

const STREAMS: usize = 1_000;
const SLOW: usize = 2_000;
const REQUESTS: usize = 400;

/// Healthy requests beside streams and connections that do not finish a request.
pub(crate) fn crowd(dashboard: &Dashboard) -> Result<Vec<Value>> {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, all)?;
    let alone = dashboard.peak_megabytes()?;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(dashboard.changes("/api/events")?);
    }
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = dashboard.connect()?;
        // Those that wait longest are sent away when there are too many.
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            .ok();
        slow.push(stream);
    }
    let mut times = Vec::new();
    for round in 0..REQUESTS {
        if let Some(stream) = slow.get_mut(round * 5 % SLOW) {
            stream.write_all(b"X").ok();
        }
        let began = Instant::now();
        dashboard.get(["/api/health", "/api/metrics/summary"][round % 2])?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(5));
    }
    let p99 = percentile(&mut times, 99);
    let crowded = dashboard.peak_megabytes()?;
    say(format!(
        "crowd: p99 {p99:.1} ms, {alone:.0} MB, then {crowded:.0} MB"
    ));
    Ok(vec![
        json!({
            "claim": format!("a healthy request beside {STREAMS} streams and {SLOW} slow connections, p99 of {REQUESTS}"),
            "ours": p99, "unit": "ms", "goal": "≤ 50 ms", "verdict": verdict(p99 <= 50.0),
        }),
        json!({
            "claim": format!("peak memory of the dashboard beside them ({alone:.0} MB before)"),
            "ours": crowded, "unit": "MB", "goal": "≤ 150 MB", "verdict": verdict(crowded <= 150.0),
        }),
    ])
}
