//! Executing a run in this process: progress, Ctrl-C, gates, and the end in words.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use facade::{
    assemble::Assembly,
    core_types::{CancellationToken, ErrorClass, Failure, Gate, RunId},
    engine_workflow::{EndStatus, RepositoryState, RunEnd},
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    failure::INTERRUPTED,
    output::{Output, error_line, one_line, table},
    progress::Progress,
    session::Session,
};

/// How often the last line of a terminal is drawn.
const TICK: Duration = Duration::from_millis(200);

/// How often a waiting process looks whether its gate was opened.
const GATE_POLL: Duration = Duration::from_millis(500);

/// What a process does at a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtGate {
    /// It exits with 3.
    Exit,
    /// It waits until the gate is opened.
    Wait,
}

impl AtGate {
    pub(crate) fn from_flag(wait: bool) -> Self {
        if wait { Self::Wait } else { Self::Exit }
    }
}

/// A run's end as JSON.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    run: &'a RunId,
    exit_code: u8,
    end: &'a RunEnd,
}

/// Executes a run until it has ended or waits; returns the exit code.
pub(crate) async fn drive(session: &Session, assembly: &Assembly, at_gate: AtGate) -> Result<u8> {
    let run = assembly.record().settings.run.clone();
    let output = session.output;
    let progress = Arc::new(Progress::new(output));
    let pause = CancellationToken::new();
    loop {
        let n_messages = assembly.n_messages().await?;
        let executing = Box::pin(assembly.execute(&pause, progress.clone()));
        let result = with_signals(executing, &pause, &progress).await?;
        progress.finish();
        let resume = format!("go on with: automation resume {run}");
        let end = match result {
            Some(Ok(end)) => end,
            Some(Err(error)) if error.class() != ErrorClass::Cancelled => {
                let code = crate::failure::report(&error.into());
                error_line(resume);
                return Ok(code);
            }
            Some(Err(_)) | None => {
                error_line(format!("the run is paused; {resume}"));
                return Ok(INTERRUPTED);
            }
        };
        if let (EndStatus::AtGate(gate), AtGate::Wait) = (end.status, at_gate) {
            output.progress(gate_line(&run, gate));
            let told = with_signals(
                next_message(assembly, n_messages, &pause),
                &pause,
                &progress,
            )
            .await?;
            if let Some(told) = told.filter(|_| !pause.is_cancelled()) {
                told?;
                continue;
            }
            error_line(format!("the run is paused; {resume}"));
            return Ok(INTERRUPTED);
        }
        describe(output, &run, &end);
        let exit_code = end.status.exit_code();
        output.json(&Ended {
            run: &run,
            exit_code,
            end: &end,
        })?;
        return Ok(exit_code);
    }
}

/// Runs to the end. The first signal pauses, the second stops at once (`None`).
async fn with_signals<T>(
    executing: impl Future<Output = T>,
    pause: &CancellationToken,
    progress: &Progress,
) -> Result<Option<T>> {
    let mut executing = std::pin::pin!(executing);
    let mut ticks = tokio::time::interval(TICK);
    let listen = |kind| signal(kind).context("signals cannot be received");
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    loop {
        tokio::select! {
            result = &mut executing => return Ok(Some(result)),
            _ = ticks.tick() => {
                progress.tick();
                continue;
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if pause.is_cancelled() {
            return Ok(None);
        }
        progress.finish();
        error_line("pausing: agents are being ended; once more stops at once");
        pause.cancel();
    }
}

/// Waits until somebody has said something to the run, or it is to be paused.
async fn next_message(
    assembly: &Assembly,
    n_messages: usize,
    pause: &CancellationToken,
) -> Result<()> {
    while assembly.n_messages().await? == n_messages && !pause.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(GATE_POLL) => {}
            () = pause.cancelled() => {}
        }
    }
    Ok(())
}

fn gate_line(run: &RunId, gate: Gate) -> String {
    match gate {
        Gate::Plan => format!(
            "the plan waits for approval: automation approve {run} (with --plan FILE if you edit it)"
        ),
        _ => format!("the landing waits for approval: automation approve {run}"),
    }
}

/// The end of a run in words.
fn describe(output: Output, run: &RunId, end: &RunEnd) {
    output.line("");
    for task in end.tasks.iter().filter(|task| !task.status.is_good()) {
        let Some(failure) = &task.failure else {
            continue;
        };
        output.line(format!(
            "task {} {}: {}",
            task.task, task.status, failure.message
        ));
        for line in tail(failure) {
            output.line(format!("  | {line}"));
        }
        output.line(format!(
            "  all of it: automation logs {} --run {run}",
            task.task
        ));
    }
    let mut rows = Vec::new();
    for repository in &end.repositories {
        let (state, hint) = match &repository.state {
            RepositoryState::Unchanged => ("unchanged".to_owned(), String::new()),
            RepositoryState::Failed { reason } => (format!("failed: {reason}"), String::new()),
            RepositoryState::Published => match repository.pull_request {
                Some(number) => (
                    format!("proposed as {}#{number}", repository.repository),
                    String::new(),
                ),
                None => ("not proposed".to_owned(), String::new()),
            },
            RepositoryState::Landed => ("landed".to_owned(), String::new()),
            RepositoryState::Blocked { reason, hint } => (reason.clone(), hint.clone()),
        };
        let verified = match repository.tested {
            _ if repository.base == repository.head => "",
            Some(true) => "verified",
            Some(false) => "tests failed",
            None if matches!(repository.state, RepositoryState::Failed { .. }) => "",
            None => "not verified",
        };
        let head = repository.head.short().to_owned();
        rows.push(vec![
            repository.repository.to_string(),
            head,
            verified.to_owned(),
            one_line(&state, 200),
        ]);
        if !hint.is_empty() {
            rows.push(vec![
                String::new(),
                String::new(),
                String::new(),
                format!("→ {hint}"),
            ]);
        }
    }
    for line in table(&rows) {
        output.line(line);
    }
    let last = match end.status {
        EndStatus::Done => {
            let any_open = end
                .repositories
                .iter()
                .any(|it| matches!(it.state, RepositoryState::Published));
            if any_open {
                format!("run {run} is done; land it with: automation land {run}")
            } else {
                format!("run {run} is done")
            }
        }
        EndStatus::Failed => format!("run {run} failed; nothing landed, its branches stay"),
        EndStatus::Partial => format!("run {run} is done in part"),
        EndStatus::AtGate(gate) => gate_line(run, gate),
        EndStatus::NeedsPerson => {
            format!("run {run} waits for you; then go on with: automation land {run}")
        }
    };
    output.line(last);
}

/// The last lines of what a failed command printed.
fn tail(failure: &Failure) -> Vec<&str> {
    let lines: Vec<_> = failure
        .detail
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].to_vec()
}
