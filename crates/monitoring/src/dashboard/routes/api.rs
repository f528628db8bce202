//! The same as JSON, and the metrics.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use core_types::{PortError, RunId, TaskId};
use serde::Serialize;

use super::failed;
use crate::dashboard::{app::App, guard::header_text, respond};

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
    let accept = header_text(&headers, &header::ACCEPT);
    let (content_type, body) = app.metrics.encode(accept);
    let mut response = respond::with_type(StatusCode::OK, "text/plain", body);
    if let Ok(content_type) = HeaderValue::from_str(&content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}

pub(super) async fn summary(State(app): State<Arc<App>>) -> Response {
    answered(app.board.summary(app.now()).await)
}

pub(super) async fn workflows(State(app): State<Arc<App>>) -> Response {
    answered(app.board.workflows(app.now()).await)
}

pub(super) async fn tasks(State(app): State<Arc<App>>) -> Response {
    answered(app.board.tasks(app.now()).await)
}

pub(super) async fn performance(State(app): State<Arc<App>>) -> Response {
    answered(app.board.performance(app.now()).await)
}

pub(super) async fn costs(State(app): State<Arc<App>>) -> Response {
    answered(app.board.cost_metrics(app.now()).await)
}

pub(super) async fn overview(State(app): State<Arc<App>>) -> Response {
    answered(app.board.overview(app.now()).await)
}

pub(super) async fn history(State(app): State<Arc<App>>) -> Response {
    answered(app.board.history(app.now()).await)
}

pub(super) async fn all_costs(State(app): State<Arc<App>>) -> Response {
    answered(app.board.costs(app.now()).await)
}

pub(super) async fn learning(State(app): State<Arc<App>>) -> Response {
    answered(app.board.learning(app.now()).await)
}

/// `{"runs": […]}`, newest first.
pub(super) async fn runs(State(app): State<Arc<App>>) -> Response {
    let history = app.board.history(app.now()).await;
    answered(history.map(|history| serde_json::json!({ "runs": history.runs })))
}

pub(super) async fn run(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = app.known(&run)?;
        app.board.run(&run, app.now()).await.map(|(view, _)| view)
    };
    answered(view.await)
}

pub(super) async fn timeline(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = app.known(&run)?;
        app.board.run(&run, app.now()).await.map(|(view, _)| view.timeline)
    };
    answered(view.await)
}

pub(super) async fn graph(State(app): State<Arc<App>>, Path(run): Path<String>) -> Response {
    let view = async {
        let run: RunId = app.known(&run)?;
        app.board.run(&run, app.now()).await.map(|(_, graph)| graph)
    };
    answered(view.await)
}

pub(super) async fn task(
    State(app): State<Arc<App>>,
    Path((run, task)): Path<(String, String)>,
) -> Response {
    let view = async {
        let (run, task): (RunId, TaskId) = (app.known(&run)?, app.known(&task)?);
        app.board.task(&run, &task, app.now()).await.map(|(_, task)| task)
    };
    answered(view.await)
}

pub(super) async fn explain(
    State(app): State<Arc<App>>,
    Path((run, task)): Path<(String, String)>,
) -> Response {
    let view = async {
        let (run, task): (RunId, TaskId) = (app.known(&run)?, app.known(&task)?);
        app.board.task(&run, &task, app.now()).await.map(|(_, task)| task.explanation)
    };
    answered(view.await)
}
