//! What goes on: changes of runs, and lines of logs.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::Response,
};
use core_types::{PortError, RunId, TaskId};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep, timeout},
};

use super::{failed, known};
use crate::{
    dashboard::{
        app::{App, Changes},
        guard::header_text,
        respond,
        stream::{Sent, events as stream},
        text::harmless,
    },
    fold::{LogChunk, LogLine, LogPosition},
};

/// After so long without an event a line is sent that says nothing, so that proxies keep the
/// connection and a gone client is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a log is looked at for new lines.
const LOG_LOOK: Duration = Duration::from_millis(200);

/// A place among the streams; `None` where all are taken.
fn place(app: &App) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&app.streams).try_acquire_owned().ok()
}

fn full() -> Response {
    respond::problem(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open")
}

/// Changes of any run: event `changed` with the number of the change.
pub(super) async fn events(State(app): State<Arc<App>>) -> Response {
    let Some(permit) = place(&app) else {
        return full();
    };
    let changes = app.changes.subscribe();
    let seen = changes.borrow().number;
    stream(
        (changes, seen, permit),
        |(mut changes, seen, permit)| async move {
            let sent = changed(&mut changes, |changes| {
                (changes.number > seen).then_some(changes.number)
            })
            .await?;
            Some((sent.0, (changes, sent.1.unwrap_or(seen), permit)))
        },
    )
}

/// Changes of one run.
pub(super) async fn run_events(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let run: RunId = match known(&run) {
        Ok(run) => run,
        Err(error) => return failed(&error),
    };
    let Some(permit) = place(&app) else {
        return full();
    };
    let changes = app.changes.subscribe();
    let seen = changes.borrow().of(&run);
    stream(
        (changes, seen, permit, run),
        |(mut changes, seen, permit, run)| async move {
            let sent = changed(&mut changes, |changes| {
                let now = changes.of(&run);
                (now > seen).then_some(now)
            })
            .await?;
            Some((sent.0, (changes, sent.1.unwrap_or(seen), permit, run)))
        },
    )
}

/// Waits until `news` finds something new, or it is time for a heartbeat. `None` at the end of the
/// dashboard.
async fn changed(
    changes: &mut watch::Receiver<Changes>,
    news: impl Fn(&Changes) -> Option<u64>,
) -> Option<(Sent, Option<u64>)> {
    let found = timeout(
        HEARTBEAT,
        changes.wait_for(|changes| news(changes).is_some()),
    )
    .await;
    match found {
        Err(_) => Some((Sent::heartbeat(), None)),
        Ok(Err(_)) => None,
        Ok(Ok(changes)) => {
            let number = news(&changes);
            let mut sent = Sent::default();
            sent.event("changed", number.unwrap_or_default(), &number);
            Some((sent, number))
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    task: Option<TaskId>,
    after: Option<LogPosition>,
}

#[derive(Serialize)]
struct Line {
    file: String,
    text: String,
}

impl Line {
    fn of(line: &LogLine) -> Self {
        Self {
            file: harmless(&line.file),
            text: harmless(&line.text),
        }
    }
}

/// Where a stream of lines is.
struct Tail {
    app: Arc<App>,
    run: RunId,
    task: Option<TaskId>,
    after: Option<LogPosition>,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

/// The lines of a log, some in each event, with the position after them as id, from `after` or
/// Last-Event-ID on; without either from a screenful before the end. Who takes whole events gets each
/// line once, also over a broken connection. At the end of the log comes the event `complete`.
pub(super) async fn log(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Response {
    let run: RunId = match known(&run) {
        Ok(run) => run,
        Err(error) => return failed(&error),
    };
    let Some(permit) = place(&app) else {
        return full();
    };
    let last =
        header_text(&headers, &HeaderName::from_static("last-event-id")).map(LogPosition::new);
    let tail = Tail {
        run,
        task: query.task,
        after: last.or(query.after),
        is_over: false,
        app,
        _permit: permit,
    };
    // What cannot be read is said with a status, not within the stream.
    if let Err(error) = tail.read().await {
        return failed(&error);
    }
    stream(tail, |mut tail| async move {
        if tail.is_over {
            return None;
        }
        let quiet = HEARTBEAT.as_millis() / LOG_LOOK.as_millis();
        for _ in 0..quiet {
            let Ok(chunk) = tail.read().await else {
                return None;
            };
            let mut sent = Sent::default();
            if !chunk.lines.is_empty() {
                let lines: Vec<_> = chunk.lines.iter().map(Line::of).collect();
                sent.event("", &chunk.next, &lines);
            } else if chunk.is_complete {
                sent.event("complete", &chunk.next, &true);
                tail.is_over = true;
            }
            tail.after = Some(chunk.next);
            if !sent.is_empty() {
                return Some((sent, tail));
            }
            sleep(LOG_LOOK).await;
        }
        Some((Sent::heartbeat(), tail))
    })
}

impl Tail {
    async fn read(&self) -> Result<LogChunk, PortError> {
        let source = self.app.board.source();
        source
            .log(&self.run, self.task.as_ref(), self.after.clone())
            .await
    }
}
