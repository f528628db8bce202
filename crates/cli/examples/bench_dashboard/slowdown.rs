//! Whether a run is slowed by who looks at it.

use std::{net::Shutdown, thread};

use anyhow::{Result, ensure};
use facade::journal::atomic_write;
use serde_json::{Value, json};

use crate::{client::Changes, home::Home, process, say, verdict};

const PAIRS: usize = 24;
const TASKS: usize = 40;
const AGENT: &str = "sh:echo change > $AUTOMATION_TASK_ID";

/// Processor time of the run's own process, alone and with a dashboard that a browser looks at, in turns.
pub(crate) fn slowdown() -> Result<Vec<Value>> {
    let mut ratios = Vec::new();
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Neither side is always the first.
        let is_watched_first = pair % 2 == 1;
        let first = run(is_watched_first)?;
        let second = run(!is_watched_first)?;
        let (with, without) = match is_watched_first {
            true => (first, second),
            false => (second, first),
        };
        watched.push(with);
        alone.push(without);
        ratios.push(with / without);
    }
    let n = ratios.len() as f64;
    let mean = ratios.iter().sum::<f64>() / n;
    let variance = ratios.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // Student's t for 23 degrees of freedom, 95 %.
    let half = 2.069 * (variance / n).sqrt();
    let average = |figures: &[f64]| figures.iter().sum::<f64>() / figures.len() as f64;
    say(format!("slowdown: {mean:.4} ± {half:.4}"));
    Ok(vec![json!({
        "claim": format!("processor time of a run of {TASKS} tasks that a browser watches; {PAIRS} pairs in turns"),
        "ours": average(&watched), "unit": "ms", "held_against": "the same run, watched by nobody",
        "theirs": average(&alone), "ratio": mean, "goal": "≤ 1.01",
        "spread": format!("ratio of a pair, 95 % of the mean: [{:.3}, {:.3}]", mean - half, mean + half),
        "verdict": verdict(mean <= 1.01),
    })])
}

/// Milliseconds of processor time.
fn run(is_watched: bool) -> Result<f64> {
    let home = Home::new()?;
    let mut plan = "id: many\ntitle: Many\ntasks:\n".to_owned();
    for n in 0..TASKS {
        plan.push_str(&format!(
            "  - {{id: t{n}, title: Task {n}, repository: app}}\n"
        ));
    }
    atomic_write(&home.path("plan.yaml"), plan.as_bytes())?;
    let dashboard = is_watched.then(|| home.dashboard()).transpose()?;
    let mut command = home.automation();
    command
        .args([
            "--json", "run", "--run-id", "r", "--agent", AGENT, "--title", "Many", "--repo",
        ])
        .arg(home.path("app"))
        .arg("--plan")
        .arg(home.path("plan.yaml"))
        .args(["--max-workers", "2"]);
    let changes = dashboard.as_ref().map(|it| it.changes("/api/events"));
    let mut changes = changes.transpose()?;
    let connection = changes.as_ref().map(Changes::connection).transpose()?;
    thread::scope(|scope| {
        if let (Some(dashboard), Some(changes)) = (&dashboard, &mut changes) {
            scope.spawn(
                move || {
                    while changes.next().is_ok() && dashboard.get("/runs/r").is_ok() {}
                },
            );
        }
        let followed = process::follow(&mut command, &home.path("log"));
        connection
            .map(|it| it.shutdown(Shutdown::Both))
            .transpose()?;
        let (status, usage) = followed?;
        ensure!(status.success(), "a run ends with {status}");
        Ok(usage.cpu.as_secs_f64() * 1e3)
    })
}
