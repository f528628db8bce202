//! One request of an agent, from its arrival to the end of its answer.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::{
    Provider,
    ask::Ask,
    incoming,
    provider::Endpoint,
    refusal::Refusal,
    reply::{Count, Reply, Streamed, name_of},
    sending::{Sent, read_whole},
    server::{Shared, Upstream},
    session::Line,
    tape::Recorded,
    usage::Reading,
};
use core_types::{ErrorClass, TokenUsage, Usd};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderMap, HeaderName},
};

/// Headers that are said anew on each side.
pub(super) const OWN: [HeaderName; 12] = [
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
pub(super) struct Call {
    pub(super) line: Arc<Line>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) endpoint: Endpoint,
    pub(super) method: hyper::Method,
    /// Below the upstream's address, with its query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
    /// Held as long as the bytes, or what was made of them.
    room: OwnedSemaphorePermit,
}

async fn forwarded(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Refusal> {
    let (head, body) = request.into_parts();
    let line = token(&head.headers).and_then(|token| shared.session(token));
    let line = line.ok_or_else(Refusal::unknown_key)?;
    let path = head.uri.path();
    let found = Provider::of_path(path).and_then(|(provider, below)| {
        let mut upstreams = line.upstreams.iter();
        let upstream = upstreams.find(|it| it.provider == provider)?;
        let endpoint = provider.endpoint(&head.method, below)?;
        Some((Arc::clone(upstream), endpoint, below))
    });
    let Some((upstream, endpoint, below)) = found else {
        let message = format!(
            "the gateway does not forward {} {path}: it forwards what it can count as it is answered, which are \
             messages, responses, chat completions, lists of models, and the counting of tokens",
            head.method
        );
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found_error",
            message,
        ));
    };
    let query = head.uri.query().map(|query| format!("?{query}"));
    let target = format!("{below}{}", query.unwrap_or_default());
    let (bytes, room) = incoming::read(shared, body).await?;
    let call = Call {
        line,
        upstream,
        endpoint,
        method: head.method,
        target,
        headers: head.headers,
        bytes,
        room,
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
            let in_flight = self.line.account.begin(Some(Usd::ZERO));
            let kind = recorded
                .headers
                .iter()
                .any(|(_, value)| value.starts_with("text/event-stream"));
            let mut reading = Reading::new(self.endpoint, kind, false);
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
        let Sent { answer, permit, .. } = self.send(shared, None).await?;
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
        let Sent {
            paid: Some(paid),
            answer,
            permit,
        } = self.send(shared, Some(&ask)).await?
        else {
            return Err(Refusal::invalid("it asks for nothing"));
        };
        let (status, headers) = (answer.status(), passed_on(answer.headers()));
        let is_stream = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        let record = self.line.recorder.as_ref().map(|_| {
            let recorded = Recorded::new(
                self.path(),
                &paid.bytes,
                status.as_u16(),
                told(&headers),
                b"",
            );
            (recorded, Vec::new())
        });
        let count = Count {
            shared: Arc::clone(shared),
            line: Arc::clone(&self.line),
            upstream: Arc::clone(&self.upstream),
            in_flight: paid.in_flight,
            permit: Some(permit),
            reading: Reading::new(self.endpoint, is_stream, paid.ask.thinks()),
            ask: paid.ask,
            sent: paid.bytes,
            most: paid.most,
            _room: self.room,
            record,
        };
        let streamed = Streamed::new(answer.into_body(), count);
        let mut response = Response::new(Reply::Streamed(Box::new(streamed)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
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
