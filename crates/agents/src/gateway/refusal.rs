//! What is refused, by a provider and here.

use core_types::{ErrorClass, Timestamp};
use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use perf_utils::{governor::Observation, http::Response as Whole};
use serde_json::{Value, json};

use super::{Provider, reply::Reply};

/// Why a request has no answer of its provider: how the gateway says so.
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind,
            message,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// No session has the key that it comes with.
    pub(super) fn unknown_key() -> Self {
        let message =
            "the gateway does not know this key: it ends with the work that it was made for";
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", message)
    }

    /// In the form of the provider's own errors.
    pub(super) fn response(&self, provider: Option<Provider>) -> Response<Reply> {
        let error = json!({"type": self.kind, "message": self.message, "code": self.kind});
        let body = match provider {
            Some(Provider::OpenAi) => json!({"error": error}),
            _ => json!({"type": "error", "error": error}),
        };
        let mut response = Response::new(Reply::whole(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        // Clients ask again by their own rules; what is refused here stays refused.
        let never = HeaderValue::from_static("false");
        headers.insert(HeaderName::from_static("x-should-retry"), never);
        response
    }
}

/// What a refusal means, and what it says of limits.
pub(crate) fn judged(whole: &Whole) -> (ErrorClass, Observation) {
    let class = match whole.class().unwrap_or(ErrorClass::Internal) {
        // To be asked changes nothing at the provider.
        ErrorClass::UnknownOutcome => ErrorClass::Transient,
        class => class,
    };
    let mut observation = whole.observation();
    let names_time = whole.header("retry-after").is_some();
    let body: Value = serde_json::from_slice(whole.bytes()).unwrap_or_default();
    let error = &body["error"];
    let is = |name: &str| error["code"] == name || error["type"] == name;
    let message = error["message"].as_str().unwrap_or_default();
    let until: Option<Timestamp> = observation.retry_at.filter(|_| names_time);
    let class = match (class, whole.status().as_u16()) {
        // Waiting brings nothing: a person must pay, or the month must end.
        (ErrorClass::RateLimited { .. }, _) if is("insufficient_quota") => {
            ErrorClass::QuotaExhausted { until: None }
        }
        (ErrorClass::RateLimited { .. }, _) if !names_time && message.contains("usage limit") => {
            ErrorClass::QuotaExhausted { until: None }
        }
        (ErrorClass::Validation, 400) if message.contains("credit balance is too low") => {
            ErrorClass::QuotaExhausted { until: None }
        }
        (ErrorClass::Validation, 402) => ErrorClass::QuotaExhausted { until: None },
        (ErrorClass::RateLimited { .. }, _) => ErrorClass::RateLimited { until },
        // An overload holds all requests, as a limit does.
        (ErrorClass::Transient, 529 | 503) => {
            observation.is_refused = true;
            ErrorClass::Transient
        }
        (class, _) => class,
    };
    if !names_time {
        observation.retry_at = None;
    }
    (class, observation)
}

/// An error with its causes, in one line.
pub(crate) fn because(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
