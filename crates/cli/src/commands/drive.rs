//! Executing a run in this process: progress, Ctrl-C, gates, and the end in words.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use facade::{
    assemble::{Assembly, Repair},
    core_types::{CancellationToken, ErrorClass, Failure, RunId, Scope},
    engine_workflow::{EndStatus, RepositoryState, RunEnd},
};
use serde::Serialize;

use crate::{
    end::{gate_line, repair_lines, repository_lines, summary},
    failure::INTERRUPTED,
    output::error_line,
    progress::Progress,
    session::Session,
    signals::stoppable,
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

/// What came of a run in this process, and its form as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Driven {
    run: RunId,
    pub(crate) exit_code: u8,
    /// How it ended or where it waits; `None` where it was stopped before.
    pub(crate) end: Option<RunEnd>,
    /// What stopped it.
    error: Option<String>,
}

/// Executes a run until it has ended or waits, and says how; returns the exit code.
pub(crate) async fn drive(session: &Session, assembly: Assembly, at_gate: AtGate) -> Result<u8> {
    let driven = Box::pin(execute(session, assembly, at_gate)).await?;
    describe(session, &driven);
    session.output.json(&driven)?;
    Ok(driven.exit_code)
}

/// Executes a run until it has ended or waits. What stops it before is told at once.
pub(crate) async fn execute(
    session: &Session,
    mut assembly: Assembly,
    at_gate: AtGate,
) -> Result<Driven> {
    let run = assembly.record().settings.run.clone();
    let folder = session.home.run_folder(&run);
    let output = session.output;
    let progress = Arc::new(Progress::new(output));
    let pause = CancellationToken::new();
    let resume = format!("go on with: automation resume {run}");
    let paused = |run| {
        error_line(format!("the run is paused; {resume}"));
        Driven {
            run,
            exit_code: INTERRUPTED,
            end: None,
            error: Some("paused".to_owned()),
        }
    };
    loop {
        let n_messages = assembly.n_messages().await?;
        let executing = Box::pin(assembly.execute(&pause, progress.clone()));
        let result = shown(executing, &pause, &progress).await?;
        progress.finish();
        let end = match result {
            Some(Ok(end)) => end,
            Some(Err(error)) if error.class() != ErrorClass::Cancelled => {
                let error = anyhow::Error::from(error);
                let exit_code = crate::failure::report(&error);
                error_line(format!("mend that, then {resume}"));
                let error = Some(format!("{error:#}"));
                return Ok(Driven {
                    run,
                    exit_code,
                    end: None,
                    error,
                });
            }
            Some(Err(_)) | None => return Ok(paused(run)),
        };
        if let (EndStatus::AtGate(gate), AtGate::Wait) = (end.status, at_gate) {
            output.progress(gate_line(&run, gate, &folder));
            let told = shown(
                next_message(&assembly, n_messages, &pause),
                &pause,
                &progress,
            )
            .await?;
            if let Some(told) = told.filter(|_| !pause.is_cancelled()) {
                told?;
                continue;
            }
            return Ok(paused(run));
        }
        // What somebody said while the run came to its end was told to this process alone.
        if !is_over(&end)
            && let Some(told) = assembly.release(n_messages).await?
        {
            assembly = told;
            continue;
        }
        return Ok(Driven {
            run,
            exit_code: end.status.exit_code(),
            end: Some(end),
            error: None,
        });
    }
}

/// Whether nothing that anybody says could change the end.
fn is_over(end: &RunEnd) -> bool {
    let is_settled = |state: &RepositoryState| {
        matches!(state, RepositoryState::Landed | RepositoryState::Unchanged)
    };
    end.status == EndStatus::Done && end.repositories.iter().all(|it| is_settled(&it.state))
}

/// Runs to the end, and shows how it goes. The first signal pauses, the second stops at once (`None`).
async fn shown<T>(
    executing: impl Future<Output = T>,
    pause: &CancellationToken,
    progress: &Progress,
) -> Result<Option<T>> {
    let ticking = async {
        let mut executing = std::pin::pin!(executing);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                result = &mut executing => return result,
                _ = ticks.tick() => progress.tick(),
            }
        }
    };
    let tell = || {
        progress.finish();
        error_line("pausing: agents are being ended; once more stops at once");
    };
    stoppable(ticking, pause, tell).await
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

/// The end of a run in words.
pub(crate) fn describe(session: &Session, driven: &Driven) {
    let (output, run) = (session.output, &driven.run);
    let Some(end) = &driven.end else {
        return;
    };
    output.line("");
    for task in end.tasks.iter().filter(|task| !task.status.is_good()) {
        let (id, status) = (&task.task, task.status);
        if task.left_out {
            output.line(format!("task {id} left out, as you said"));
            continue;
        }
        match (&task.failure, &task.because_of) {
            (Some(failure), _) => {
                output.line(format!("task {id} {status}: {}", failure.message));
                for line in tail(failure) {
                    output.line(format!("  | {line}"));
                }
                output.line(format!("  all of it: automation logs {id} --run {run}"));
                output.line(format!("  once more: automation retry {id} --run {run}"));
            }
            (None, Some(dependency)) => {
                output.line(format!("task {id} {status}: {dependency} did not succeed"));
            }
            (None, None) => output.line(format!("task {id} {status}")),
        }
    }
    for line in repository_lines(end) {
        output.line(line);
    }
    // What a person has to do stands above; this is what was done without one, or with.
    let is_open = |repair: &Repair| {
        let failed = end.tasks.iter().filter(|task| !task.status.is_good());
        let mut failed = failed.map(|task| Scope::Task(task.task.clone()));
        repair.outcome == "handed_off" && failed.any(|it| Some(it) == repair.scope)
    };
    let mut repairs = session
        .status(run)
        .map_or(Vec::new(), |status| status.repairs);
    repairs.retain(|repair| !is_open(repair));
    if !repairs.is_empty() {
        output.line("on the way:");
        for line in repair_lines(&repairs) {
            output.line(line);
        }
    }
    output.line(summary(run, end, &session.home.run_folder(run)));
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
