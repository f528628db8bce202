//! What each request must pass before a route sees it, and what each answer carries.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use super::{Control, app::App, pages, respond};

/// No inline script or style, nothing from elsewhere, no frame around us.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Checks host, origin and token, and whether commands are allowed; bounds the time; adds the headers.
/// The form token of a command is checked where its form is read.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match refuse(&app, &request) {
        Some(refusal) => refusal,
        None => timeout(app.limits.request_time, next.run(request))
            .await
            .unwrap_or_else(|_| {
                respond::text(StatusCode::SERVICE_UNAVAILABLE, "This took too long.\n")
            }),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // `no-referrer` would make browsers send `Origin: null` with our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refuse(app: &App, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let Some(host) = header_text(headers, &header::HOST).filter(|host| app.is_our_host(host))
    else {
        // Another name that leads here is how a foreign page reaches a loopback server.
        return Some(respond::text(
            StatusCode::MISDIRECTED_REQUEST,
            "This name is not one of the dashboard's. Use localhost, or start it with --host NAME.\n",
        ));
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_foreign(headers, host, is_read) {
        return Some(respond::text(
            StatusCode::FORBIDDEN,
            "This request comes from another site.\n",
        ));
    }
    let path = request.uri().path();
    let is_open_probe = || app.open_probes || app.is_metrics_token(headers);
    if path == "/enter" || pages::assets::is_public(path) || (is_probe(path) && is_open_probe()) {
        return None;
    }
    if !app.is_known(headers) {
        return Some(if path.starts_with("/api/") || !is_read {
            respond::problem(StatusCode::UNAUTHORIZED, "no valid token")
        } else {
            respond::html(StatusCode::UNAUTHORIZED, pages::entry::locked())
        });
    }
    if !is_read && app.control == Control::ReadOnly {
        return Some(respond::problem(
            StatusCode::FORBIDDEN,
            "the dashboard only shows; start it with --allow-control to act",
        ));
    }
    None
}

/// What a monitoring system asks, which has no cookie.
fn is_probe(path: &str) -> bool {
    matches!(path, "/metrics" | "/api/health")
}

/// Whether a page of another site caused this request, as far as the browser says. A link on
/// another site may lead here: that is a navigation, without our cookie.
fn is_foreign(headers: &HeaderMap, host: &str, is_read: bool) -> bool {
    let origin_differs = header_text(headers, &header::ORIGIN).is_some_and(|origin| {
        origin
            .split_once("://")
            .is_none_or(|(_, rest)| rest != host)
    });
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_navigation = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    let is_cross = match site {
        None | Some(b"same-origin" | b"none") => false,
        Some(_) => !(is_read && is_navigation),
    };
    let lacks_origin = !is_read
        && headers.get(header::ORIGIN).is_none()
        && headers.get(header::AUTHORIZATION).is_none();
    origin_differs || is_cross || lacks_origin
}

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The name in a Host header, without its port and in lower case.
pub(super) fn host_name(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    (!host.contains('@')).then(|| {
        authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase()
    })
}
