//! Asking for money and sending, until there is an answer.

use std::time::Duration;

use core_types::{ErrorClass, TokenUsage};
use hyper::StatusCode;
use perf_utils::{
    governor::{CallKind, Permit},
    http::{Error as HttpError, Phase, Response as Whole, StreamedResponse},
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    account::{Answer, InFlight},
    ask::Ask,
    forward::{Call, OWN},
    refusal::{Refusal, because, judged},
    server::Shared,
    usage::Reading,
};

/// How long the first wait is after a failure without an answer; the next ones are twice as long each.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A request that may be sent: the most that it can cost is set aside.
pub(super) struct Paid {
    pub(super) ask: Ask,
    pub(super) bytes: Vec<u8>,
    pub(super) most: TokenUsage,
    pub(super) in_flight: InFlight,
}

/// A request that has an answer.
pub(super) struct Sent {
    /// `None` for what costs nothing.
    pub(super) paid: Option<Paid>,
    pub(super) answer: StreamedResponse,
    pub(super) permit: Permit,
}

impl Call {
    /// Asks for the most that a request can cost: for the whole answer, else for a shorter one.
    async fn allowed(&self, shared: &Shared, whole: &Ask) -> Result<Paid, Refusal> {
        let account = &self.line.account;
        let before = self.line.before(&whole.model);
        let whole = match account.has_limit() && whole.unbounded.is_some() {
            true => &whole.without_documents(),
            false => whole,
        };
        loop {
            let mut ask = whole.clone();
            let refused = loop {
                let bytes = ask.bytes();
                let classes = ask.most(&bytes, before.as_ref());
                let dearest = |classes: &[TokenUsage]| {
                    let priced = classes.iter().filter_map(|usage| {
                        let price = (shared.options.prices)(&ask.model, usage)?;
                        Some((price, *usage))
                    });
                    priced.max_by_key(|(price, _)| *price)
                };
                let certain = dearest(&ask.certain(&bytes, before.as_ref()));
                let (Some(reckoned), Some(certain)) = (dearest(&classes), certain) else {
                    if account.has_limit() && !self.upstream.is_own {
                        let message = format!(
                            "the price of {} is not known, so the limit of this work could not be kept: add it to `prices` in config/models.yaml",
                            ask.model
                        );
                        account.fail(ErrorClass::Validation, message.clone());
                        return Err(Refusal::invalid(message));
                    }
                    return Ok(Paid {
                        most: classes.first().copied().unwrap_or_default(),
                        in_flight: account.begin(None),
                        ask,
                        bytes,
                    });
                };
                // A server of this machine reads keys of its own.
                let key = ask.unknown_key.as_ref().filter(|_| !self.upstream.is_own);
                let unbounded = key.or(ask.unbounded.as_ref());
                if let Some(what) = unbounded.filter(|_| account.has_limit()) {
                    let message = format!(
                        "{what} can cost more than anybody can tell before, and this work has a limit (`budget` in config/automation.yaml)"
                    );
                    account.fail(ErrorClass::Validation, message.clone());
                    return Err(Refusal::invalid(message));
                }
                match account.ask(reckoned.0, certain.0).await {
                    Answer::Allowed(in_flight) => {
                        let (_, most) = match in_flight.is_reckoned() {
                            true => reckoned,
                            false => certain,
                        };
                        return Ok(Paid {
                            ask,
                            bytes,
                            most,
                            in_flight,
                        });
                    }
                    Answer::Later => break None,
                    Answer::Refused(error) => match ask.shorter() {
                        Some(shorter) if error.class() == ErrorClass::BudgetExceeded => {
                            ask = shorter;
                        }
                        _ => break Some(error),
                    },
                }
            };
            match refused {
                // What is under way is reckoned at its most, and costs less.
                None => account.changed().await,
                Some(error) => {
                    let message = because(&error);
                    account.refuse(error);
                    return Err(Refusal::new(
                        StatusCode::PAYMENT_REQUIRED,
                        "billing_error",
                        message,
                    ));
                }
            }
        }
    }

    /// Sends a request until it has an answer that another try would not change. `whole` is what is counted. Each
    /// try is asked for: one whose answer was lost has cost what it can have cost.
    pub(super) async fn send(&self, shared: &Shared, whole: Option<&Ask>) -> Result<Sent, Refusal> {
        let mut n_left = shared.options.retries;
        let mut wait = FIRST_WAIT;
        let mut paid = None;
        loop {
            if let (Some(whole), None) = (whole, &paid) {
                paid = Some(self.while_open(self.allowed(shared, whole)).await??);
            }
            let permit = self.upstream.governor.acquire(CallKind::Read);
            let permit = self.while_open(permit).await?.map_err(|error| {
                let class = error.class();
                self.failed(class, error.to_string())
            })?;
            if let Some(paid) = &mut paid {
                paid.in_flight.sent(&paid.ask.model, paid.most);
            }
            let sent = self.try_once(paid.as_ref()).await;
            let error = match sent {
                Ok(answer) if answer.status().is_success() => {
                    if let Some(paid) = &mut paid {
                        paid.in_flight.answered();
                    }
                    return Ok(Sent {
                        paid,
                        answer,
                        permit,
                    });
                }
                Ok(answer) => {
                    let is_lost = is_lost(answer.status());
                    if let Some(paid) = paid.as_mut().filter(|_| !is_lost) {
                        paid.in_flight.answered();
                    }
                    match read_whole(shared, answer).await {
                        Ok(whole) => {
                            let (class, observation) = judged(&whole);
                            permit.report(observation);
                            paid = paid.and_then(|paid| self.settled(shared, paid, &whole));
                            let is_passing = matches!(
                                class,
                                ErrorClass::RateLimited { .. } | ErrorClass::Transient
                            );
                            if !is_passing || n_left == 0 {
                                return Err(self.refused(&whole, class));
                            }
                            if is_lost {
                                paid = None;
                            }
                            // The governor holds what was refused for a limit; all else waits here.
                            if class == ErrorClass::Transient {
                                self.while_open(sleep(wait)).await?;
                            }
                            n_left -= 1;
                            wait *= 2;
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => {
                    if let Some(paid) = paid.as_mut().filter(|_| !was_sent(&error)) {
                        paid.in_flight.answered();
                    }
                    error
                }
            };
            drop(permit);
            paid = paid.filter(|paid| !paid.in_flight.is_owed());
            if n_left == 0 || class_of(&error) != ErrorClass::Transient {
                return Err(self.broken(&error));
            }
            n_left -= 1;
            self.while_open(sleep(wait)).await?;
            wait *= 2;
        }
    }

    /// The end of the session ends what waits in it: nothing is sent for who has gone.
    async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T, Refusal> {
        tokio::select! {
            // What may be sent is not sent when the session has ended meanwhile.
            biased;
            () = self.line.closed.cancelled() => Err(Refusal::unknown_key()),
            done = work => Ok(done),
        }
    }

    async fn try_once(&self, paid: Option<&Paid>) -> Result<StreamedResponse, HttpError> {
        let bytes = paid.map_or(&self.bytes[..], |paid| &paid.bytes);
        // Not marked as read-only, though it changes nothing: its error then says whether it may have arrived.
        let mut request = self
            .upstream
            .pool
            .request(self.method.clone(), &self.target)
            .body(bytes.to_vec());
        for (name, value) in &self.headers {
            let is_own = OWN.contains(name) || *name == "x-api-key";
            if let (false, Ok(value)) = (is_own, value.to_str()) {
                request = request.header(name.as_str(), value);
            }
        }
        request.send_streamed().await
    }

    /// Counts what a refusal says that was used; gives back what is still set aside.
    fn settled(&self, shared: &Shared, paid: Paid, whole: &Whole) -> Option<Paid> {
        let mut reading = Reading::new(self.endpoint, false, false);
        reading.take(whole.bytes());
        reading.end();
        if reading.input().is_none() {
            return Some(paid);
        }
        let usage = reading.usage(&paid.most);
        let cost = (shared.options.prices)(&paid.ask.model, &usage);
        paid.in_flight.settle(&paid.ask.model, &usage, cost);
        None
    }

    /// Passes a refusal of the provider on.
    fn refused(&self, whole: &Whole, class: ErrorClass) -> Refusal {
        let body: Value = serde_json::from_slice(whole.bytes()).unwrap_or_default();
        let message = match body["error"]["message"].as_str() {
            Some(message) => message.to_owned(),
            None => whole.text().chars().take(500).collect(),
        };
        let message = self.upstream.without_key(message);
        let (origin, status) = (self.upstream.pool.origin(), whole.status());
        let shown = format!("{origin} answers {}: {message}", status.as_u16());
        self.line.account.fail(class, shown);
        let kind = match class {
            ErrorClass::Unauthorized => "authentication_error",
            ErrorClass::RateLimited { .. } => "rate_limit_error",
            ErrorClass::QuotaExhausted { .. } => "insufficient_quota",
            ErrorClass::NotFound => "not_found_error",
            ErrorClass::Transient if status.as_u16() == 529 => "overloaded_error",
            ErrorClass::Transient => "api_error",
            _ => "invalid_request_error",
        };
        Refusal::new(status, kind, message)
    }

    pub(super) fn broken(&self, error: &HttpError) -> Refusal {
        self.failed(class_of(error), because(error))
    }

    fn failed(&self, class: ErrorClass, message: String) -> Refusal {
        let message = self.upstream.without_key(message);
        self.line.account.fail(class, message.clone());
        let (status, kind) = match class {
            ErrorClass::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            _ => (StatusCode::BAD_GATEWAY, "api_error"),
        };
        Refusal::new(status, kind, message)
    }
}

/// Whether a request that has no answer may have come to the provider.
fn was_sent(error: &HttpError) -> bool {
    error.class() == ErrorClass::UnknownOutcome
}

/// What the failure means to who asked: an answer that was lost is paid for, and nothing else has changed.
fn class_of(error: &HttpError) -> ErrorClass {
    match error {
        HttpError::TooLarge { .. } => ErrorClass::Validation,
        _ if was_sent(error) => ErrorClass::Transient,
        _ => error.class(),
    }
}

/// Whether who refuses stands before the provider, and has not waited for its answer. The provider may have made it;
/// behind other refusals, such as 502, there was none to be had as a rule.
fn is_lost(status: StatusCode) -> bool {
    matches!(status.as_u16(), 504 | 524)
}

/// The whole of a short answer, which may not take longer than a silence.
pub(super) async fn read_whole(
    shared: &Shared,
    answer: StreamedResponse,
) -> Result<Whole, HttpError> {
    let limit = shared.options.silence;
    let origin = answer.origin().to_owned();
    let read = timeout(limit, answer.whole()).await;
    read.unwrap_or_else(|_| {
        Err(HttpError::TimedOut {
            origin,
            phase: Phase::Answering,
            limit,
            may_have_acted: false,
        })
    })
}
