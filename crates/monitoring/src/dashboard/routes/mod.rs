//! Addresses and what answers them.

mod api;
mod command;
mod live;
mod page;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, Uri},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use core_types::{ErrorClass, PortError};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{app::App, guard::guard, pages, respond};

/// All routes behind the guard.
pub(super) fn router(app: &Arc<App>) -> Router {
    views()
        .layer(middleware::from_fn_with_state(Arc::clone(app), aside))
        .route("/enter", get(page::enter))
        .route("/assets/{name}", get(asset))
        .route("/runs/{run}/{command}", post(command::to_run))
        .route("/runs/{run}/tasks/{task}/{command}", post(command::to_task))
        .route("/api/health", get(api::health))
        .route("/api/runs/{run}/log", get(live::log))
        .route("/api/runs/{run}/events", get(live::run_events))
        .route("/api/events", get(live::events))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(app.limits.body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard))
        .with_state(Arc::clone(app))
}

/// What is made anew for each request, out of as many tasks and runs as there are.
fn views() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(page::overview))
        .route("/history", get(page::history))
        .route("/costs", get(page::costs))
        .route("/learning", get(page::learning))
        .route("/runs/{run}", get(page::run))
        .route("/runs/{run}/tasks/{task}", get(page::task))
        .route("/metrics", get(api::metrics))
        .route("/api/metrics/summary", get(api::summary))
        .route("/api/metrics/workflows", get(api::workflows))
        .route("/api/metrics/tasks", get(api::tasks))
        .route("/api/metrics/performance", get(api::performance))
        .route("/api/metrics/costs", get(api::costs))
        .route("/api/overview", get(api::overview))
        .route("/api/history", get(api::history))
        .route("/api/costs", get(api::all_costs))
        .route("/api/learning", get(api::learning))
        .route("/api/runs", get(api::runs))
        .route("/api/runs/{run}", get(api::run))
        .route("/api/runs/{run}/timeline", get(api::timeline))
        .route("/api/runs/{run}/graph", get(api::graph))
        .route("/api/runs/{run}/tasks/{task}", get(api::task))
        .route("/api/runs/{run}/tasks/{task}/explain", get(api::explain))
}

/// Makes a view on a thread of its own, a few at a time, so that a run of 10,000 tasks keeps neither
/// streams nor the other connections waiting. One whose client has gone meanwhile is made to its end.
async fn aside(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let broken = || respond::problem(StatusCode::INTERNAL_SERVER_ERROR, "this cannot be made");
    let Ok(place) = Arc::clone(&app.views).acquire_owned().await else {
        return broken();
    };
    let runtime = Handle::current();
    let made = spawn_blocking(move || {
        let _place = place;
        runtime.block_on(next.run(request))
    });
    // A panic in a view ends that view alone.
    made.await.unwrap_or_else(|_| broken())
}

async fn asset(uri: Uri) -> Response {
    pages::assets::asset(uri.path())
}

async fn missing(State(app): State<Arc<App>>, uri: Uri) -> Response {
    if uri.path().starts_with("/api/") {
        respond::problem(StatusCode::NOT_FOUND, "there is nothing at this address")
    } else {
        respond::html(StatusCode::NOT_FOUND, pages::entry::missing(app.now()))
    }
}

/// The status that tells a failure of a source.
fn status(error: &PortError) -> StatusCode {
    match error.class() {
        ErrorClass::NotFound => StatusCode::NOT_FOUND,
        ErrorClass::Validation => StatusCode::BAD_REQUEST,
        ErrorClass::Unauthorized => StatusCode::FORBIDDEN,
        ErrorClass::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A failure as a page.
fn failed_page(app: &App, error: &PortError) -> Response {
    match status(error) {
        StatusCode::NOT_FOUND => {
            respond::html(StatusCode::NOT_FOUND, pages::entry::missing(app.now()))
        }
        status => respond::html(status, pages::entry::broken(app.now(), &error.to_line())),
    }
}

/// A failure as JSON.
fn failed(error: &PortError) -> Response {
    respond::problem(status(error), &error.to_line())
}

/// What a run or task that is not there answers.
fn absent() -> PortError {
    PortError::new(ErrorClass::NotFound, "find what this address names")
}

/// A name in an address; one that cannot be a name is not there.
fn known<T: std::str::FromStr>(name: &str) -> Result<T, PortError> {
    name.parse().map_err(|_| absent())
}
