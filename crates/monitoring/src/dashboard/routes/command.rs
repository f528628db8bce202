//! What a person tells a run.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use core_types::{Gate, RunId, TaskId};
use serde::Deserialize;

use super::{failed, failed_page, known};
use crate::{
    dashboard::{app::App, respond},
    fold::{Command, RunFold},
};

/// What forms send; each command needs its own part of it.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    token: String,
    #[serde(default)]
    gate: String,
    #[serde(default)]
    limit: String,
    #[serde(default)]
    text: String,
}

/// `approve` (with `gate`), `cancel`, `raise` (with `limit` in USD).
pub(super) async fn to_run(
    State(app): State<Arc<App>>,
    Path((run, command)): Path<(String, String)>,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Response {
    let command = match command.as_str() {
        "approve" => [Gate::Plan, Gate::Landing, Gate::Deploy]
            .into_iter()
            .find(|gate| gate.as_str() == said.gate)
            .map(|gate| Command::Approve { gate })
            .ok_or("there is no such gate"),
        "cancel" => Ok(Command::Cancel),
        "raise" => said
            .limit
            .parse()
            .map(|limit| Command::Raise { limit })
            .map_err(|_| "the limit is no amount in USD, such as 12.50"),
        _ => Err("there is no such command"),
    };
    let back = format!("/runs/{run}");
    carry_out(&app, &headers, &said, &run, command, &back).await
}

/// `answer` (with `text`), `retry`, `skip`.
pub(super) async fn to_task(
    State(app): State<Arc<App>>,
    Path((run, task, command)): Path<(String, String, String)>,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Response {
    let back = format!("/runs/{run}/tasks/{task}");
    let command = known::<TaskId>(&task)
        .map_err(|_| "there is no such task")
        .and_then(|task| match command.as_str() {
            "answer" if said.text.trim().is_empty() => Err("the answer is empty"),
            "answer" => Ok(Command::Answer {
                task,
                text: said.text.clone(),
            }),
            "retry" => Ok(Command::Retry { task }),
            "skip" => Ok(Command::Skip { task }),
            _ => Err("there is no such command"),
        });
    carry_out(&app, &headers, &said, &run, command, &back).await
}

async fn carry_out(
    app: &App,
    headers: &HeaderMap,
    said: &Said,
    run: &str,
    command: Result<Command, &'static str>,
    back: &str,
) -> Response {
    // A program with the bearer token is no browser: nothing else could have made it send this.
    if !app.is_bearer(headers) && !app.access.is_form_token(&said.token) {
        return respond::problem(
            StatusCode::FORBIDDEN,
            "the form's token is missing or wrong",
        );
    }
    let command = match command {
        Ok(command) => command,
        Err(message) => return respond::problem(StatusCode::BAD_REQUEST, message),
    };
    let run: RunId = match known(run) {
        Ok(run) => run,
        Err(error) => return failed(&error),
    };
    // The ledger has it; no process is waited for.
    let is_settled = matches!(command, Command::Raise { .. });
    match app.board.source().command(&run, command).await {
        Ok(_) if is_settled => respond::see_other(back),
        Ok(_) => respond::see_other(&after_word(app, &run, back).await),
        Err(error) => failed_page(app, &error),
    }
}

/// Where a browser goes that has told a run something: where no process holds the run, the page says
/// that the word waits, until the run has told something itself.
async fn after_word(app: &App, run: &RunId, back: &str) -> String {
    let unheld = |fold: &RunFold| (!fold.is_held()).then(|| fold.last_seq());
    match app.board.with(run, unheld).await {
        Ok(Some(Some(seq))) => format!("{back}?told={seq}"),
        _ => back.to_owned(),
    }
}
