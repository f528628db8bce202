//! Pages.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use core_types::{PortError, RunId, TaskId, TaskStatus};
use serde::Deserialize;

use super::{absent, failed_page, known};
use crate::{
    dashboard::{
        app::App,
        pages::{self, Filter, Log, RunPage, TaskPage},
        respond,
    },
    fold::{LogChunk, RunView},
};

#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    page: Option<usize>,
    show: Option<String>,
    log: Option<String>,
    told: Option<u64>,
}

fn answered(app: &App, page: Result<maud::Markup, PortError>) -> Response {
    match page {
        Ok(page) => respond::html(StatusCode::OK, page),
        Err(error) => failed_page(app, &error),
    }
}

pub(super) async fn overview(State(app): State<Arc<App>>) -> Response {
    let view = app.board.overview().await;
    answered(&app, Ok(pages::overview(app.context(), &view)))
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    Query(query): Query<PageQuery>,
) -> Response {
    let view = app.board.history();
    let number = query.page.unwrap_or(1);
    answered(&app, Ok(pages::history(app.context(), &view, number)))
}

pub(super) async fn costs(State(app): State<Arc<App>>) -> Response {
    let view = app.board.costs().await;
    answered(&app, Ok(pages::costs(app.context(), &view)))
}

pub(super) async fn learning(State(app): State<Arc<App>>) -> Response {
    let page = app.board.learning().await;
    answered(&app, page.map(|view| pages::learning(app.context(), &view)))
}

pub(super) async fn run(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Query(query): Query<PageQuery>,
) -> Response {
    answered(&app, run_page(&app, &run, &query).await)
}

async fn run_page(app: &App, run: &str, query: &PageQuery) -> Result<maud::Markup, PortError> {
    let run: RunId = known(run)?;
    let now = app.now();
    let found = app
        .board
        .with(&run, |fold| (fold.view(now), fold.graph(now)));
    let (view, graph) = found.await?.ok_or_else(absent)?;
    let log = match query.log.as_deref() {
        Some("run") => None,
        Some(task) => Some(known::<TaskId>(task)?),
        None => longest_running(&view),
    };
    let chunk = log_tail(app, &run, log.as_ref()).await?;
    let page = RunPage {
        view: &view,
        graph: &graph,
        log: chunk.map(|chunk| Log { task: log, chunk }),
        filter: Filter::named(query.show.as_deref()),
        page: query.page.unwrap_or(1),
        told: query.told.filter(|seq| *seq == view.last_seq),
    };
    Ok(pages::run(app.context(), &page))
}

/// The task whose log says most of what goes on now.
fn longest_running(view: &RunView) -> Option<TaskId> {
    view.tasks
        .iter()
        .filter(|row| row.status == TaskStatus::Running)
        .min_by_key(|row| row.since)
        .map(|row| row.task.clone())
}

/// The end of a log; `None` where there is none.
async fn log_tail(
    app: &App,
    run: &RunId,
    task: Option<&TaskId>,
) -> Result<Option<LogChunk>, PortError> {
    absent_as_none(app.board.source().log(run, task, None).await)
}

fn absent_as_none<T>(result: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if super::status(&error) == StatusCode::NOT_FOUND => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn task(
    State(app): State<Arc<App>>,
    Path((run, task)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    answered(&app, task_page(&app, &run, &task, &query).await)
}

async fn task_page(
    app: &App,
    run: &str,
    task: &str,
    query: &PageQuery,
) -> Result<maud::Markup, PortError> {
    let (run, task): (RunId, TaskId) = (known(run)?, known(task)?);
    let now = app.now();
    let found = app
        .board
        .with(&run, |fold| (fold.view(now), fold.task(&task, now)));
    let (run_view, view) = found.await?.ok_or_else(absent)?;
    let view = view.ok_or_else(absent)?;
    let source = app.board.source();
    let attempt = view.row.attempt;
    let (prompt, diff) = if attempt == 0 {
        (None, None)
    } else {
        (
            absent_as_none(source.prompt(&run, &task, attempt).await)?,
            absent_as_none(source.diff(&run, &task, attempt).await)?,
        )
    };
    let chunk = log_tail(app, &run, Some(&task)).await?;
    let page = TaskPage {
        header: &run_view.header,
        told: query.told.filter(|seq| *seq == run_view.last_seq),
        timeline: &run_view.timeline,
        view: &view,
        log: chunk.map(|chunk| Log {
            task: Some(task.clone()),
            chunk,
        }),
        prompt,
        diff,
    };
    Ok(pages::task(app.context(), &page))
}

#[derive(Debug, Deserialize)]
pub(super) struct Code {
    #[serde(default)]
    code: String,
}

/// Lets a browser in by a link, once.
pub(super) async fn enter(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(code): Query<Code>,
) -> Response {
    if !app.access.redeem(&code.code) {
        return if app.is_known(&headers) {
            respond::see_other("/")
        } else {
            respond::html(StatusCode::FORBIDDEN, pages::entry::spent())
        };
    }
    let mut response = respond::html(StatusCode::OK, pages::entry::welcome());
    if let Ok(cookie) = HeaderValue::from_str(&app.set_cookie()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
