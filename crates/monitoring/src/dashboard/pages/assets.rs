//! Styles, script and icon: embedded, named by their content so that browsers may keep them.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use crate::dashboard::respond;

pub(in crate::dashboard) const STYLE: &str = include_str!("../assets/style.css");
pub(in crate::dashboard) const SCRIPT: &str = include_str!("../assets/live.js");
const ICON: &str = include_str!("../assets/icon.svg");

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| named("style", STYLE, "css"));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| named("live", SCRIPT, "js"));

pub(in crate::dashboard) fn style_path() -> &'static str {
    &STYLE_PATH
}

pub(in crate::dashboard) fn script_path() -> &'static str {
    &SCRIPT_PATH
}

/// Whether the path is needed by pages that are shown before there is a token.
pub(in crate::dashboard) fn is_public(path: &str) -> bool {
    path.starts_with("/assets/")
}

/// The file of that path.
pub(in crate::dashboard) fn asset(path: &str) -> Response {
    let (content_type, content) = match path {
        _ if path == style_path() => ("text/css; charset=utf-8", STYLE),
        _ if path == script_path() => ("text/javascript; charset=utf-8", SCRIPT),
        "/assets/icon.svg" => ("image/svg+xml", ICON),
        _ => return respond::text(StatusCode::NOT_FOUND, "There is no such file.\n"),
    };
    let mut response = respond::with_type(
        StatusCode::OK,
        content_type,
        Bytes::from_static(content.as_bytes()),
    );
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    response
}

/// FNV-1a: it tells versions apart, nothing more.
fn named(name: &str, content: &str, extension: &str) -> String {
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    format!("/assets/{name}-{hash:016x}.{extension}")
}
