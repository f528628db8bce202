//! Answers.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use maud::Markup;
use serde::Serialize;

pub(super) fn html(status: StatusCode, page: Markup) -> Response {
    with_type(status, "text/html; charset=utf-8", page.into_string())
}

pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    with_type(status, "text/plain; charset=utf-8", text)
}

/// A value as JSON; one that cannot be written, which only a broken map key causes, is a 500.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(StatusCode::OK, "application/json", bytes),
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this cannot be written as JSON",
        ),
    }
}

/// A refusal as JSON: `{"error": "…"}`.
pub(super) fn problem(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": message });
    with_type(status, "application/json", body.to_string())
}

/// Leads the browser to a page of ours after a command.
pub(super) fn see_other(path: &str) -> Response {
    let mut response = with_type(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response
}

pub(super) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
