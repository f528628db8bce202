//! One request of an agent, from its arrival to the end of its answer.

use std::{sync::Arc, time::Duration};

use core_types::{ErrorClass, TokenUsage, Usd};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderMap, HeaderName},
};
use perf_utils::{
    governor::{CallKind, Permit},
    http::{Error as HttpError, Phase, Response as Whole, StreamedResponse},
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    Provider,
    account::{Answer, InFlight, Unanswered},
    ask::Ask,
    provider::Endpoint,
    refusal::{Refusal, because, judged},
    reply::{Count, Reply, Streamed, name_of},
    server::{Shared, Upstream},
    session::Line,
    tape::Recorded,
    usage::Reading,
};

/// The largest request: what Anthropic takes at most.
const REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// How long the first wait is after a failure without an answer; the next ones are twice as long each.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Headers that are said anew on each side.
const OWN: [HeaderName; 12] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
];

/// Answers a request of an agent.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Reply> {
    let provider = Provider::of_path(request.uri().path()).map(|(provider, _)| provider);
    match Box::pin(forwarded(shared, request)).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(provider),
    }
}

/// A request that may be forwarded.
struct Call {
    line: Arc<Line>,
    upstream: Arc<Upstream>,
    endpoint: Endpoint,
    method: hyper::Method,
    /// Below the upstream's address, with its query.
    target: String,
    headers: HeaderMap,
    bytes: Bytes,
}

async fn forwarded(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Refusal> {
    let (head, body) = request.into_parts();
    let line = token(&head.headers).and_then(|token| shared.session(token));
    let line = line.ok_or_else(|| {
        let message =
            "the gateway does not know this key: it ends with the work that it was made for";
        Refusal::new(StatusCode::UNAUTHORIZED, "authentication_error", message)
    })?;
    let path = head.uri.path();
    let found = Provider::of_path(path).and_then(|(provider, below)| {
        let mut upstreams = line.upstreams.iter();
        let upstream = upstreams.find(|it| it.provider == provider)?;
        let endpoint = provider.endpoint(&head.method, below)?;
        Some((Arc::clone(upstream), endpoint, below))
    });
    let Some((upstream, endpoint, below)) = found else {
        let message = format!("the gateway does not forward {} {path}", head.method);
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found_error",
            message,
        ));
    };
    let query = head.uri.query().map(|query| format!("?{query}"));
    let target = format!("{below}{}", query.unwrap_or_default());
    let bytes = match Limited::new(body, REQUEST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the request is larger than {REQUEST_BYTES} bytes");
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request_too_large",
                message,
            ));
        }
        Err(error) => {
            return Err(Refusal::invalid(format!(
                "the request did not come whole: {error}"
            )));
        }
    };
    let call = Call {
        line,
        upstream,
        endpoint,
        method: head.method,
        target,
        headers: head.headers,
        bytes,
    };
    match (&call.line.player, endpoint) {
        (Some(_), _) => call.replayed(shared),
        (None, Endpoint::Free) => call.free(shared).await,
        (None, _) => call.counted(shared).await,
    }
}

/// The key that a client sends, by either of the headers that clients use.
fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = || text("authorization")?.strip_prefix("Bearer ");
    text("x-api-key").or_else(bearer).map(str::trim)
}

impl Call {
    fn path(&self) -> String {
        format!("{}{}", self.upstream.provider.base(), self.target)
    }

    /// Gives a recorded answer; it is counted, and costs nothing.
    fn replayed(&self, shared: &Arc<Shared>) -> Result<Response<Reply>, Refusal> {
        let ask = self.ask(shared)?;
        let sent = ask.as_ref().map_or_else(|| self.bytes.to_vec(), Ask::bytes);
        let player = self.line.player.as_ref();
        let recorded = player.and_then(|player| player.answer(&self.path(), &sent));
        let Some(recorded) = recorded else {
            let message = format!(
                "the run that is given again has no further answer to {}",
                self.target
            );
            let account = &self.line.account;
            account.fail(ErrorClass::NotFound, message.clone());
            return Err(Refusal::invalid(message));
        };
        if let Some(ask) = ask {
            let in_flight = self.line.account.begin(Usd::ZERO);
            let kind = recorded
                .headers
                .iter()
                .any(|(_, value)| value.starts_with("text/event-stream"));
            let mut reading = Reading::new(self.endpoint, kind);
            reading.take(recorded.body.as_bytes());
            reading.end();
            if recorded.status < 300 {
                let usage = reading.usage(&TokenUsage::default());
                let free = Some(Usd::ZERO);
                in_flight.settle(name_of(&reading, &ask), &usage, free);
            }
        }
        let mut response = Response::new(Reply::whole(recorded.body));
        *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or_default();
        for (name, value) in recorded.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    /// The request for an answer of a model; `None` for what costs nothing.
    fn ask(&self, shared: &Shared) -> Result<Option<Ask>, Refusal> {
        if self.endpoint == Endpoint::Free {
            return Ok(None);
        }
        let ask = Ask::read(self.endpoint, &self.bytes, shared.options.longest_answer);
        ask.map(Some).map_err(|why| {
            let account = &self.line.account;
            account.fail(ErrorClass::Validation, why.clone());
            Refusal::invalid(why)
        })
    }

    /// Forwards what costs nothing.
    async fn free(&self, shared: &Arc<Shared>) -> Result<Response<Reply>, Refusal> {
        let (answer, permit) = self.send(shared, &self.bytes).await?;
        let (status, headers) = (answer.status(), passed_on(answer.headers()));
        let whole = read_whole(shared, answer).await;
        let whole = whole.map_err(|error| self.broken(&error))?;
        permit.report(whole.observation());
        if let Some(recorder) = &self.line.recorder {
            let (path, body) = (self.path(), whole.bytes());
            let headers = told(&headers);
            recorder.add(&Recorded::new(
                path,
                &self.bytes,
                status.as_u16(),
                headers,
                body,
            ));
        }
        let mut response = Response::new(Reply::whole(whole.bytes().clone()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Forwards what is paid for.
    async fn counted(self, shared: &Arc<Shared>) -> Result<Response<Reply>, Refusal> {
        let Some(ask) = self.ask(shared)? else {
            return Err(Refusal::invalid("it asks for nothing"));
        };
        let account = &self.line.account;
        if let Some(what) = ask.unbounded.filter(|_| account.has_limit()) {
            let message = format!(
                "`{what}` can cost more than anybody can tell before, and this work has a limit"
            );
            account.fail(ErrorClass::Validation, message.clone());
            return Err(Refusal::invalid(message));
        }
        let (ask, sent, most, in_flight) = self.allowed(shared, ask).await?;
        let unanswered = Unanswered::new(in_flight, &ask.model, most);
        let sending = self.send(shared, &sent).await;
        let in_flight = unanswered.answered();
        let (answer, permit) = sending?;
        let Some(in_flight) = in_flight else {
            return Err(Refusal::invalid("it was answered already"));
        };
        let (status, headers) = (answer.status(), passed_on(answer.headers()));
        let is_stream = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        let record = self.line.recorder.as_ref().map(|_| {
            let recorded = Recorded::new(self.path(), &sent, status.as_u16(), told(&headers), b"");
            (recorded, Vec::new())
        });
        let count = Count {
            shared: Arc::clone(shared),
            line: Arc::clone(&self.line),
            upstream: Arc::clone(&self.upstream),
            in_flight,
            permit: Some(permit),
            reading: Reading::new(self.endpoint, is_stream),
            ask,
            sent,
            most,
            record,
        };
        let streamed = Streamed::new(answer.into_body(), count);
        let mut response = Response::new(Reply::Streamed(Box::new(streamed)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Asks for the most that a request can cost: for the whole answer, else for a shorter one.
    async fn allowed(
        &self,
        shared: &Shared,
        whole: Ask,
    ) -> Result<(Ask, Vec<u8>, TokenUsage, InFlight), Refusal> {
        let account = &self.line.account;
        let before = self.line.before(&whole.model);
        loop {
            let mut ask = whole.clone();
            let refused = loop {
                let sent = ask.bytes();
                let classes = ask.most(&sent, before.as_ref());
                let priced = classes.iter().filter_map(|usage| {
                    let price = (shared.options.prices)(&ask.model, usage)?;
                    Some((price, *usage))
                });
                let dearest = priced.max_by_key(|(price, _)| *price);
                let Some((price, most)) = dearest else {
                    if account.has_limit() && !self.upstream.is_own {
                        let message = format!(
                            "the price of {} is not known, so the limit of this work could not be kept: add it to `prices` in config/models.yaml",
                            ask.model
                        );
                        account.fail(ErrorClass::Validation, message.clone());
                        return Err(Refusal::invalid(message));
                    }
                    let most = classes.first().copied().unwrap_or_default();
                    let in_flight = account.begin(Usd::ZERO);
                    return Ok((ask, sent, most, in_flight));
                };
                match account.ask(price).await {
                    Answer::Allowed(in_flight) => return Ok((ask, sent, most, in_flight)),
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

    /// Sends a request until it has an answer that another try would not change.
    async fn send(
        &self,
        shared: &Shared,
        bytes: &[u8],
    ) -> Result<(StreamedResponse, Permit), Refusal> {
        let mut n_left = shared.options.retries;
        let mut wait = FIRST_WAIT;
        loop {
            let permit = self.upstream.governor.acquire(CallKind::Read).await;
            let permit = permit.map_err(|error| {
                let class = error.class();
                self.failed(class, error.to_string())
            })?;
            let mut request = self
                .upstream
                .pool
                .request(self.method.clone(), &self.target)
                .body(bytes.to_vec())
                .read_only();
            for (name, value) in &self.headers {
                let is_own = OWN.contains(name) || *name == "x-api-key";
                if let (false, Ok(value)) = (is_own, value.to_str()) {
                    request = request.header(name.as_str(), value);
                }
            }
            let error = match request.send_streamed().await {
                Ok(answer) if answer.status().is_success() => return Ok((answer, permit)),
                Ok(answer) => match read_whole(shared, answer).await {
                    Ok(whole) => {
                        let (class, observation) = judged(&whole);
                        permit.report(observation);
                        let is_passing = matches!(
                            class,
                            ErrorClass::RateLimited { .. } | ErrorClass::Transient
                        );
                        if !is_passing || n_left == 0 {
                            return Err(self.refused(&whole, class));
                        }
                        // The governor holds what was refused for a limit; all else waits here.
                        if class == ErrorClass::Transient {
                            sleep(wait).await;
                        }
                        n_left -= 1;
                        wait *= 2;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            drop(permit);
            if n_left == 0 || error.class() != ErrorClass::Transient {
                return Err(self.broken(&error));
            }
            n_left -= 1;
            sleep(wait).await;
            wait *= 2;
        }
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

    fn broken(&self, error: &HttpError) -> Refusal {
        self.failed(error.class(), because(error))
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

/// The headers of an answer that the agent gets.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let all = headers.iter().filter(|(name, _)| !OWN.contains(name));
    all.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Those of them that are recorded.
fn told(headers: &HeaderMap) -> Vec<(String, String)> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let name = header::CONTENT_TYPE.as_str();
    kind.map(|kind| (name.to_owned(), kind.to_owned()))
        .into_iter()
        .collect()
}

/// The whole of a short answer, which may not take longer than a silence.
async fn read_whole(shared: &Shared, answer: StreamedResponse) -> Result<Whole, HttpError> {
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
