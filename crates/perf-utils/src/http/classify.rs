//! What a status and its headers mean. One table, without IO.

use std::time::{Duration, UNIX_EPOCH};

use core_types::{ErrorClass, Timestamp};
use http::{HeaderMap, StatusCode};

use crate::governor::Observation;

/// How long GitHub asks to wait at least where a refusal names no time.
const WITHOUT_A_TIME: Duration = Duration::from_secs(60);
/// A reset above this is a point in time, below it a number of seconds.
const FIRST_EPOCH_SECOND: u64 = 1_000_000_000;

/// The class of an answer, `None` where it is a success.
pub(super) fn class(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    is_mutation: bool,
    received: Timestamp,
) -> Option<ErrorClass> {
    let retry_at = retry_after(headers, received);
    let unknown_if_mutation = |otherwise| {
        if is_mutation {
            ErrorClass::UnknownOutcome
        } else {
            otherwise
        }
    };
    let class = match status.as_u16() {
        200..=299 | 304 => return None,
        429 => limited(headers, retry_at, received),
        // A forge says so too where a limit is passed; only its headers and words tell.
        403 if retry_at.is_some()
            || number(headers, "x-ratelimit-remaining") == Some(0)
            || says_secondary_limit(body) =>
        {
            limited(headers, retry_at, received)
        }
        401 | 403 => ErrorClass::Unauthorized,
        404 | 410 => ErrorClass::NotFound,
        409 | 412 => ErrorClass::Conflict,
        // The server did not take the request up.
        408 | 425 => ErrorClass::Transient,
        // It says when it will be there again.
        503 if retry_at.is_some() => {
            unknown_if_mutation(ErrorClass::RateLimited { until: retry_at })
        }
        501 | 505 => ErrorClass::Validation,
        500..=599 => unknown_if_mutation(ErrorClass::Transient),
        // Redirects, which are not followed, and all that is wrong with the request.
        _ => ErrorClass::Validation,
    };
    Some(class)
}

/// What an answer says about limits.
pub(super) fn observation(
    class: Option<ErrorClass>,
    headers: &HeaderMap,
    received: Timestamp,
) -> Observation {
    let is_refused = matches!(class, Some(ErrorClass::RateLimited { .. }));
    let either = |a: &str, b: &str| number(headers, a).or_else(|| number(headers, b));
    Observation {
        is_refused,
        limit: either("x-ratelimit-limit", "ratelimit-limit"),
        remaining: either("x-ratelimit-remaining", "ratelimit-remaining"),
        resets_at: reset(headers, received),
        retry_at: match class {
            Some(ErrorClass::RateLimited { until }) => until,
            _ => retry_after(headers, received),
        },
    }
}

fn limited(headers: &HeaderMap, retry_at: Option<Timestamp>, received: Timestamp) -> ErrorClass {
    let is_used_up = ["x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .any(|name| number(headers, name) == Some(0));
    let until = retry_at
        .or_else(|| reset(headers, received).filter(|_| is_used_up))
        .unwrap_or_else(|| later(received, WITHOUT_A_TIME));
    ErrorClass::RateLimited { until: Some(until) }
}

/// `Retry-After` in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap, received: Timestamp) -> Option<Timestamp> {
    let value = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(later(received, Duration::from_secs(seconds)));
    }
    Some(ours(http_date(value)?, headers, received))
}

/// When the server has answered, by its own clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(http::header::DATE)?.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(later(Timestamp(0), since_epoch))
}

/// A point in time of the server's clock by ours, which may be minutes apart: as long after the answer as it is after
/// the answer's date. What has passed means now.
fn ours(at: Timestamp, headers: &HeaderMap, received: Timestamp) -> Timestamp {
    match date(headers) {
        Some(date) => later(received, at.since(date)),
        None => at.max(received),
    }
}

/// The end of the window that is counted now.
fn reset(headers: &HeaderMap, received: Timestamp) -> Option<Timestamp> {
    let seconds =
        number(headers, "x-ratelimit-reset").or_else(|| number(headers, "ratelimit-reset"))?;
    Some(if seconds >= FIRST_EPOCH_SECOND {
        let at = later(Timestamp(0), Duration::from_secs(seconds));
        ours(at, headers, received)
    } else {
        later(received, Duration::from_secs(seconds))
    })
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp(at.0.saturating_add(millis))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// GitHub's words for a limit that no header names; the last resort, and only on a refusal.
fn says_secondary_limit(body: &[u8]) -> bool {
    let beginning = &body[..body.len().min(4096)];
    String::from_utf8_lossy(beginning)
        .to_ascii_lowercase()
        .contains("secondary rate limit")
}
