//! The same as JSON, and the metrics.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use core_types::{PortError, RunId, TaskId};
use serde::Serialize;

use super::{absent, failed, known};
use crate::{
    dashboard::{app::App, guard::header_text, respond},
    metrics::Format,
};

fn answered<T: Serialize>(value: Result<T, PortError>) -> Response {
    match value {
        Ok(value) => respond::json(&value),
        Err(error) => failed(&error),
    }
}

/// `{"status": "healthy", "timestamp": "…"}`, as long as we answer.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        timestamp: String,
    }
    respond::json(&Health {
        status: "healthy",
        timestamp: app.now().to_string(),
    })
}

pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !app.is_counted().await {
        return respond::with_type(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain; charset=utf-8",
            "what has happened before is still being counted\n".to_owned(),
        );
    }
    let accept = header_text(&headers, &header::ACCEPT);
    let format = Format::negotiate(accept);
    // What is under way is said as of now, as pages say it.
    app.metrics.show_runs(&app.board.summaries());
    respond::with_type(
        StatusCode::OK,
        format.content_type(),
        app.metrics.encode(format),
    )
}

pub(super) async fn summary(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.summary_body())
}

pub(super) async fn workflows(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.workflows_body())
}

pub(super) async fn tasks(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.tasks_body())
}

pub(super) async fn performance(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.performance_body())
}

pub(super) async fn costs(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.costs_body())
}

pub(super) async fn overview(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.overview().await)
}

pub(super) async fn history(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.history())
}

pub(super) async fn all_costs(State(app): State<Arc<App>>) -> Response {
    respond::json(&app.board.costs().await)
}

pub(super) async fn learning(State(app): State<Arc<App>>) -> Response {
    answered(app.board.learning().await)
}

/// `{"runs": […]}`, newest first.
pub(super) async fn runs(State(app): State<Arc<App>>) -> Response {
    respond::json(&serde_json::json!({ "runs": app.board.history().runs }))
}

pub(super) async fn run(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = known(&run)?;
        app.board.run(&run).await?.ok_or_else(absent)
    };
    answered(view.await)
}

pub(super) async fn timeline(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = known(&run)?;
        let view = app.board.run(&run).await?.ok_or_else(absent)?;
        Ok(view.timeline)
    };
    answered(view.await)
}

pub(super) async fn graph(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = known(&run)?;
        app.board.graph(&run).await?.ok_or_else(absent)
    };
    answered(view.await)
}

pub(super) async fn task(
    State(app): State<Arc<App>>,
    Path((run, task)): Path<(String, String)>,
) -> Response {
    let view = async {
        let (run, task): (RunId, TaskId) = (known(&run)?, known(&task)?);
        app.board.task(&run, &task).await?.ok_or_else(absent)
    };
    answered(view.await)
}

pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Path((run, task)): Path<(String, String)>,
) -> Response {
    let view = async {
        let (run, task): (RunId, TaskId) = (known(&run)?, known(&task)?);
        app.board.explain(&run, &task).await?.ok_or_else(absent)
    };
    answered(view.await)
}
