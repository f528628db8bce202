//! Statuses and headers of servers: forges, model providers, registries.

use core_types::{ErrorClass, Timestamp};

use super::{
    Classified, Effect, Remedy,
    date::{retry_after, rfc3339},
};

pub(super) fn classify(
    status: u16,
    headers: &[(String, String)],
    effect: Effect,
    code: &str,
    now: Timestamp,
) -> Classified {
    use ErrorClass as C;
    if let Some(class) = by_code(code, headers, now) {
        return class;
    }
    let until = limit_ends(headers, now);
    // What cannot have acted, though it was sent, is said by the server itself: 425 and 429.
    let lost = |class| match effect {
        Effect::Sent => C::UnknownOutcome,
        Effect::Read | Effect::NotSent => class,
    };
    let class = match status {
        429 => C::RateLimited { until },
        403 if until.is_some() || header(headers, "x-ratelimit-remaining") == Some("0") => {
            C::RateLimited { until }
        }
        425 => C::Transient,
        401 | 403 | 407 | 451 | 511 => C::Unauthorized,
        402 => C::BudgetExceeded,
        404 | 410 => C::NotFound,
        409 | 412 => C::Conflict,
        408 => lost(C::Transient),
        501 | 505 | 506 | 508 | 510 => C::Validation,
        // A server that says when to come back is taken at its word.
        503 | 529 if until.is_some() => lost(C::RateLimited { until }),
        500..=599 => lost(C::Transient),
        400..=499 => C::Validation,
        _ => C::Internal,
    };
    Classified::sure(class)
}

/// Words that programs are meant to read; they say more than the status does.
fn by_code(code: &str, headers: &[(String, String)], now: Timestamp) -> Option<Classified> {
    use ErrorClass as C;
    let class = match code {
        "already_exists" => return Some(Classified::sure(C::Conflict).with(Remedy::Adopt)),
        "insufficient_quota" | "usage_limit_reached" | "quota_exceeded" => C::QuotaExhausted {
            until: limit_ends(headers, now),
        },
        "billing_hard_limit_reached" | "billing_error" => C::BudgetExceeded,
        "context_length_exceeded" | "invalid_request_error" => C::Validation,
        "authentication_error" | "invalid_api_key" | "permission_error" => C::Unauthorized,
        "secondary_rate_limit" => C::RateLimited {
            until: limit_ends(headers, now),
        },
        _ => return None,
    };
    Some(Classified::sure(class))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let named = headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim())
}

/// When a limit ends, by the first header that says so. Where several limits are told and more
/// is left of one, its reset is not what holds us.
fn limit_ends(headers: &[(String, String)], now: Timestamp) -> Option<Timestamp> {
    let after = |millis: u64| Some(Timestamp(now.0.saturating_add(millis)));
    if let Some(millis) = header(headers, "retry-after-ms").and_then(|it| it.parse().ok()) {
        return after(millis);
    }
    if let Some(value) = header(headers, "retry-after") {
        return retry_after(value, now);
    }
    let used_up = |left: &str| header(headers, left) == Some("0");
    for (left, reset) in [
        ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ("ratelimit-remaining", "ratelimit-reset"),
    ] {
        let reset: Option<u64> = header(headers, reset).and_then(|it| it.parse().ok());
        match reset {
            // Seconds since 1970 as GitHub and GitLab write them, or seconds from now.
            Some(at) if used_up(left) && at > 1_000_000_000 => {
                return Some(Timestamp(at.saturating_mul(1000)));
            }
            Some(seconds) if used_up(left) => return after(seconds.saturating_mul(1000)),
            _ => {}
        }
    }
    for (left, reset) in [
        (
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ),
        (
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ),
    ] {
        if used_up(left) {
            return header(headers, reset).and_then(rfc3339);
        }
    }
    None
}
