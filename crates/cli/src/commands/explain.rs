//! `explain`: why a task is not running.

use anyhow::{Result, bail};
use facade::{
    assemble::Error,
    core_types::{RunId, TaskId},
    monitoring::fold::{Explanation, Reason},
};
use serde_json::json;

use crate::{
    args::ExplainArguments,
    failure::DONE,
    output::one_line,
    session::{Session, refused},
};

/// `automation explain`.
pub(crate) async fn explain(session: &Session, arguments: &ExplainArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "has been begun", |_| true)?;
    let task = TaskId::new(&arguments.task).map_err(refused)?;
    let board = session.board();
    board.refresh().await?;
    let Some(view) = board.task(&run, &task).await? else {
        let view = board.run(&run).await?;
        let known = view.iter().flat_map(|run| &run.tasks);
        let known: Vec<_> = known.map(|row| row.task.as_str()).collect();
        let gate = view.as_ref().and_then(|run| run.header.gate.as_ref());
        let hint = match (known.is_empty(), gate) {
            (false, _) => format!("its tasks are: {}", known.join(", ")),
            (true, None) => "it has no plan yet".to_owned(),
            (true, Some(gate)) => {
                format!("it waits at the gate \"{gate}\"; go on with: automation approve {run}")
            }
        };
        bail!(Error::Request {
            message: format!("run {run} has no task {task}"),
            hint,
        })
    };
    let explanation = view.explanation;
    let lines: Vec<_> = explanation
        .reasons
        .iter()
        .map(ToString::to_string)
        .collect();
    session.output.json(&json!({
        "run": run,
        "task": task,
        "status": explanation.status,
        "reasons": explanation.reasons,
        "lines": lines,
        "attempt": view.row.attempt,
        "is_critical": view.row.is_critical,
        "slack_ms": view.row.slack_ms,
    }))?;
    let title = one_line(&view.row.title, 100);
    let output = session.output;
    output.line(format!("task {task} of run {run}: {title}"));
    output.line(format!("it is {}", explanation.status));
    for line in lines {
        output.line(format!("  {}", one_line(&line, 300)));
    }
    if let Some(line) = way_on(&run, &explanation) {
        output.line(format!("go on with: {line}"));
    }
    Ok(DONE)
}

/// The line that takes the first thing away that a person can.
fn way_on(run: &RunId, explanation: &Explanation) -> Option<String> {
    explanation.reasons.iter().find_map(|reason| match reason {
        Reason::Gate { .. } => Some(format!("automation approve {run}")),
        Reason::Budget { .. } => Some(format!("automation budget raise USD --run {run}")),
        Reason::Person { .. } => Some(format!("automation status {run}")),
        Reason::NotHeld { .. } => Some(format!("automation resume {run}")),
        _ => None,
    })
}
