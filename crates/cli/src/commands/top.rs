//! `top`: what runs now, in a terminal.

use std::time::Duration;

use anyhow::{Context, Result};
use facade::{
    core_types::{TaskStatus, Timestamp, Usd},
    monitoring::{
        dashboard::text::{duration, money},
        fold::{Board, Overview, RunView, TaskRow},
    },
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::TopArguments,
    failure::{DONE, INTERRUPTED},
    output::{one_line, printable, table},
    session::Session,
};

/// How often it is drawn.
const TICK: Duration = Duration::from_secs(1);

/// How many tasks of a run are shown.
const TASKS: usize = 12;

/// What `top --json` prints.
#[derive(Debug, Serialize)]
struct Top {
    overview: Overview,
    /// The runs that have not ended, newest first.
    runs: Vec<RunView>,
}

/// `automation top`.
pub(crate) async fn top(session: &Session, arguments: &TopArguments) -> Result<u8> {
    let board = session.board();
    if arguments.once || !session.output.is_terminal() {
        let top = read(&board).await?;
        session.output.json(&top)?;
        for line in lines(&top) {
            session.output.line(line);
        }
        return Ok(DONE);
    }
    let mut interrupted = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    loop {
        let top = read(&board).await?;
        session.output.redraw_all(&lines(&top));
        tokio::select! {
            _ = interrupted.recv() => return Ok(INTERRUPTED),
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn read(board: &Board) -> Result<Top> {
    board.refresh().await?;
    let overview = board.overview().await;
    let mut runs = Vec::new();
    for row in &overview.active {
        runs.extend(board.run(&row.run).await?);
    }
    Ok(Top { overview, runs })
}

fn lines(top: &Top) -> Vec<String> {
    let overview = &top.overview;
    let mut lines = vec![heading(overview)];
    for reason in &overview.unreadable {
        lines.push(format!(
            "! cannot be read: {}",
            printable(&one_line(reason, 100))
        ));
    }
    for it in &overview.attention {
        let task = it.task.as_ref();
        let task = task.map_or_else(String::new, |task| format!(" task {task}:"));
        lines.push(format!(
            "! {}:{task} {}",
            it.run,
            printable(&one_line(&it.message, 100))
        ));
    }
    if top.runs.is_empty() {
        lines.push("nothing runs".to_owned());
    }
    for run in &top.runs {
        lines.push(String::new());
        lines.extend(of_run(run, overview.now));
    }
    if !overview.recent.is_empty() {
        lines.push(String::new());
        lines.push("ended:".to_owned());
        let rows: Vec<_> = overview
            .recent
            .iter()
            .map(|row| {
                vec![
                    format!("  {}", row.run),
                    row.state.as_str().to_owned(),
                    format!("{}/{}", row.counts.ended(), row.counts.total),
                    duration(row.elapsed_ms),
                    spending(row.spent, row.limit),
                    printable(&one_line(&row.title, 60)),
                ]
            })
            .collect();
        lines.extend(table(&rows));
    }
    lines
}

fn heading(overview: &Overview) -> String {
    let mut parts = vec![format!("{} running", overview.running)];
    let waiting = overview.active.len() as u64 - overview.running;
    if waiting > 0 {
        parts.push(format!("{waiting} not running"));
    }
    parts.push(format!(
        "{} ended, {} of them well",
        overview.ended, overview.succeeded
    ));
    parts.push(overview.day.as_ref().map_or_else(
        || "spent today is not known".to_owned(),
        |day| format!("{} spent today", spending(day.spent, day.limit)),
    ));
    format!("automation: {}", parts.join(", "))
}

fn of_run(run: &RunView, now: Timestamp) -> Vec<String> {
    let header = &run.header;
    let mut parts = vec![header.state.as_str().to_owned()];
    parts.extend(header.stage.map(|stage| format!("stage {stage}")));
    let counts = header.counts;
    parts.push(format!("{}/{} tasks", counts.ended(), counts.total));
    parts.push(duration(header.elapsed_ms));
    if let Some(eta) = header.eta {
        let about = |at: Timestamp| between(now, at);
        parts.push(format!(
            "tasks end in about {} ({} to {})",
            about(eta.at),
            about(eta.earliest),
            about(eta.latest)
        ));
    }
    let spend = &run.spend;
    if spend.spent > Usd::ZERO || spend.limit.is_some() {
        parts.push(spending(spend.spent, spend.limit));
    }
    let title = printable(&one_line(&header.title, 60));
    let mut lines = vec![
        format!("run {}: {title}", header.run),
        format!("  {}", parts.join(", ")),
    ];
    let mut tasks: Vec<_> = run.tasks.iter().collect();
    // What happens now first; in a kind, as the plan has them.
    tasks.sort_by_key(|row| rank(row.status));
    let shown = tasks.iter().take(TASKS).map(|row| of_task(row, now));
    let rows: Vec<_> = shown.collect();
    lines.extend(table(&rows));
    if tasks.len() > TASKS {
        lines.push(format!("  and {} more", tasks.len() - TASKS));
    }
    lines
}

const fn rank(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Running => 0,
        TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Panicked => 1,
        TaskStatus::Ready => 2,
        TaskStatus::Waiting => 3,
        TaskStatus::Skipped | TaskStatus::Cancelled => 4,
        TaskStatus::Succeeded | TaskStatus::Unchanged => 5,
    }
}

fn of_task(row: &TaskRow, now: Timestamp) -> Vec<String> {
    let detail = match (&row.failure, row.since) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(since)) if row.status == TaskStatus::Running => {
            format!("attempt {}, for {}", row.attempt, between(since, now))
        }
        (None, _) if !row.waits_for.is_empty() => format!("waits for {}", row.waits_for),
        (None, _) if row.running_ms > 0 => duration(row.running_ms),
        (None, _) => String::new(),
    };
    let mark = if row.is_critical { "*" } else { " " };
    vec![
        format!(" {mark}{}", row.task),
        row.status.to_string(),
        printable(&one_line(&detail, 80)),
    ]
}

/// `$0.48`, or `$0.48 of $5.00`.
fn spending(spent: Usd, limit: Option<Usd>) -> String {
    match limit {
        Some(limit) => format!("{} of {}", money(spent), money(limit)),
        None => money(spent),
    }
}

fn between(earlier: Timestamp, later: Timestamp) -> String {
    duration(u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX))
}
