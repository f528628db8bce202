//! Answers on their way to an agent, and what they come to.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use core_types::{ErrorClass, TokenUsage};
use hyper::body::{Body, Bytes, Frame};
use perf_utils::{
    governor::{Observation, Permit},
    http::{Error as HttpError, Phase, StreamedBody},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

use super::{
    account::InFlight,
    ask::{Ask, Before},
    refusal::because,
    server::{Shared, Upstream},
    session::Line,
    tape::Recorded,
    usage::Reading,
};

/// How much of an answer is kept for a record.
const RECORD_BYTES: usize = 16 * 1024 * 1024;

/// The answer of the gateway.
pub(super) enum Reply {
    Whole(Option<Bytes>),
    Streamed(Box<Streamed>),
}

/// An answer that is counted on its way.
pub(super) struct Streamed {
    body: StreamedBody,
    silence: Duration,
    timer: Pin<Box<Sleep>>,
    count: Option<Count>,
}

/// What is done with an answer when it ends, however it ends.
pub(super) struct Count {
    pub(super) shared: Arc<Shared>,
    pub(super) line: Arc<Line>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) in_flight: InFlight,
    pub(super) permit: Option<Permit>,
    pub(super) reading: Reading,
    pub(super) ask: Ask,
    pub(super) sent: Vec<u8>,
    pub(super) most: TokenUsage,
    /// For `sent`.
    pub(super) _room: OwnedSemaphorePermit,
    /// The answer so far, where it is recorded.
    pub(super) record: Option<(Recorded, Vec<u8>)>,
}

impl Reply {
    pub(super) fn whole(body: impl Into<Bytes>) -> Self {
        Self::Whole(Some(body.into()))
    }
}

/// The model that answered; where it does not say, the one that was asked.
pub(super) fn name_of<'a>(reading: &'a Reading, ask: &'a Ask) -> &'a str {
    match reading.model.as_str() {
        "" => &ask.model,
        named => named,
    }
}

impl Count {
    fn take(&mut self, piece: &[u8]) {
        self.reading.take(piece);
        if let Some((_, body)) = &mut self.record
            && body.len() < RECORD_BYTES
        {
            body.extend_from_slice(piece);
        }
    }

    /// `failure` is why the answer broke off, if it did.
    fn end(mut self, failure: Option<(ErrorClass, String)>) {
        self.reading.end();
        let usage = self.reading.usage(&self.most);
        let price = |model: &str| (self.shared.options.prices)(model, &usage);
        let named = name_of(&self.reading, &self.ask);
        // The name that it answers by may be one that the table does not have.
        let (model, cost) = match price(named) {
            Some(cost) => (named, Some(cost)),
            None => match price(&self.ask.model) {
                Some(cost) => (self.ask.model.as_str(), Some(cost)),
                None => (named, None),
            },
        };
        self.in_flight.settle(model, &usage, cost);
        let told = self.reading.error.take();
        let told = told.map(|message| (ErrorClass::Transient, message));
        match failure.or(told) {
            Some((class, message)) => {
                let message = self.upstream.without_key(message);
                self.line.account.fail(class, message);
            }
            None => {
                let told = self.reading.input();
                if let Some(tokens) = told.filter(|_| !self.ask.leaves_out()) {
                    let body = std::mem::take(&mut self.sent);
                    let before = Before { body, tokens };
                    self.line.remember(self.ask.model.clone(), before);
                }
                if let (Some(recorder), Some((mut recorded, body))) =
                    (&self.line.recorder, self.record.take())
                {
                    recorded.body = String::from_utf8_lossy(&body).into_owned();
                    recorder.add(&recorded);
                }
            }
        }
        if let Some(permit) = self.permit.take() {
            permit.report(Observation::default());
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|it| Ok(Frame::data(it)))),
            Self::Streamed(streamed) => streamed.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed(_) => false,
        }
    }
}

impl Streamed {
    pub(super) fn new(body: StreamedBody, count: Count) -> Self {
        let silence = count.shared.options.silence;
        Self {
            body,
            silence,
            timer: Box::pin(sleep(silence)),
            count: Some(count),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if self.count.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer.as_mut().reset(Instant::now() + self.silence);
                if let (Some(piece), Some(count)) = (frame.data_ref(), &mut self.count) {
                    count.take(piece);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.end(Some((ErrorClass::Transient, because(&error))));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                self.end(None);
                Poll::Ready(None)
            }
            Poll::Pending => match Future::poll(self.timer.as_mut(), cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    let count = self.count.as_ref();
                    let origin = count.map_or("", |it| it.upstream.pool.origin()).to_owned();
                    let limit = self.silence;
                    let error = HttpError::TimedOut {
                        origin,
                        phase: Phase::Answering,
                        limit,
                        may_have_acted: false,
                    };
                    self.end(Some((ErrorClass::Timeout, error.to_string())));
                    Poll::Ready(Some(Err(error)))
                }
            },
        }
    }

    fn end(&mut self, failure: Option<(ErrorClass, String)>) {
        if let Some(count) = self.count.take() {
            count.end(failure);
        }
    }
}

/// The agent has gone before the end: what has come is paid for.
impl Drop for Streamed {
    fn drop(&mut self) {
        let failure = (
            ErrorClass::Cancelled,
            "the agent did not wait for the end".to_owned(),
        );
        self.end(Some(failure));
    }
}
