//! Bodies that go on: server-sent events.

use std::{
    fmt::{Display, Write as _},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use hyper::body::{Body as HttpBody, Frame};
use serde::Serialize;

use super::respond;

/// One event as it is sent.
#[derive(Debug, Default)]
pub(super) struct Sent(String);

impl Sent {
    /// A line that says nothing and keeps the connection open.
    pub(super) fn heartbeat() -> Self {
        Self(":\n\n".to_owned())
    }

    /// Adds an event; `name` is empty for a plain message.
    pub(super) fn event(&mut self, name: &str, id: impl Display, data: &impl Serialize) {
        // Data is JSON, which has no line ends of its own; writing to a String does not fail.
        let data = serde_json::to_string(data).unwrap_or_default();
        if !name.is_empty() {
            let _ = writeln!(self.0, "event: {name}");
        }
        let _ = write!(self.0, "id: {id}\ndata: {data}\n\n");
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Answers with what `step` gives, one call after another, until it gives nothing. The next step
/// begins when the client has taken the last one's: a slow client holds one piece, not a queue.
pub(super) fn events<S, F, Next>(state: S, step: F) -> Response
where
    S: Send + 'static,
    F: Fn(S) -> Next + Send + Unpin + 'static,
    Next: Future<Output = Option<(Sent, S)>> + Send + 'static,
{
    let next = Some(Box::pin(step(state)));
    respond::with_type(
        StatusCode::OK,
        "text/event-stream",
        Body::new(Steps { step, next }),
    )
}

struct Steps<F, Next> {
    step: F,
    next: Option<Pin<Box<Next>>>,
}

impl<S, F, Next> HttpBody for Steps<F, Next>
where
    F: Fn(S) -> Next + Unpin,
    Next: Future<Output = Option<(Sent, S)>>,
{
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        match next.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.next = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some((sent, state))) => {
                self.next = Some(Box::pin((self.step)(state)));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(sent.0)))))
            }
        }
    }
}
