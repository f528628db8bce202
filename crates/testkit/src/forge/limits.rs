//! How forges refuse calls for load.

use core_types::{Clock as _, SystemClock};
use hyper::{Response, http::response::Builder};
use serde_json::{Value, json};

use super::Dialect;

/// A refusal that asks for no wait; of those that a forge has, the next one each time.
pub(super) fn refusal(dialect: Dialect, n_before: usize) -> (u16, Builder, Option<Value>) {
    let now = (SystemClock.now().0 / 1000).to_string();
    let refused = |status: u16| Response::builder().status(status);
    match (dialect, n_before % 3) {
        (Dialect::Gitea, _) => (429, refused(429).header("retry-after", "0"), None),
        (Dialect::GitLab, _) => {
            let answer = refused(429)
                .header("retry-after", "0")
                .header("ratelimit-name", "throttle_authenticated_api")
                .header("ratelimit-limit", "2000")
                .header("ratelimit-observed", "2001")
                .header("ratelimit-remaining", "0")
                .header("ratelimit-reset", now);
            (429, answer, None)
        }
        // Calls in an hour; the window has just begun anew.
        (Dialect::GitHub, 0) => {
            let answer = refused(403)
                .header("x-ratelimit-limit", "5000")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", now);
            let said = "API rate limit exceeded for user ID 1.";
            (403, answer, Some(json!({"message": said})))
        }
        // Its secondary limits come with either status.
        (Dialect::GitHub, n) => {
            let status = if n == 1 { 403 } else { 429 };
            let answer = refused(status).header("retry-after", "0");
            let said = "You have exceeded a secondary rate limit. Please wait a few minutes.";
            (status, answer, Some(json!({"message": said})))
        }
    }
}
