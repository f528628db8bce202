//! Answers whose body comes in pieces.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, response::Parts};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::{
    Error, Response,
    connection::{Answer, Connection, Failure},
    pool::Shared,
    request::Progress,
    roster::Place,
};

/// An exchange of which the head of the answer is there.
pub(super) struct Begun {
    pub(super) head: Parts,
    pub(super) body: Incoming,
    pub(super) connection: Connection,
    pub(super) place: Place<Connection>,
}

/// An answer whose body is still to come; from
/// [`RequestBuilder::send_streamed`](super::RequestBuilder::send_streamed).
pub struct StreamedResponse {
    head: Parts,
    body: StreamedBody,
}

/// The body of a [`StreamedResponse`]. Read to its end, it gives its connection back to the pool.
pub struct StreamedBody {
    shared: Arc<Shared>,
    progress: Progress,
    body: Incoming,
    /// `None` after the end.
    held: Option<(Connection, Place<Connection>)>,
}

impl StreamedResponse {
    pub(super) fn new(shared: Arc<Shared>, begun: Begun, progress: Progress) -> Self {
        Self {
            head: begun.head,
            body: StreamedBody {
                shared,
                progress,
                body: begun.body,
                held: Some((begun.connection, begun.place)),
            },
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Scheme, host and port of the server.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.body.shared.base.origin
    }

    /// The body, as it comes.
    #[must_use]
    pub fn into_body(self) -> StreamedBody {
        self.body
    }

    /// Reads the rest, up to the pool's `max_body_bytes`. No timeout holds.
    ///
    /// # Errors
    ///
    /// As [`RequestBuilder::send`](super::RequestBuilder::send).
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes the connection.
    pub async fn whole(self) -> Result<Response, Error> {
        let Self { head, body } = self;
        let StreamedBody {
            shared,
            progress,
            body,
            held,
        } = body;
        let mut bytes = Bytes::new();
        if let Some((mut connection, place)) = held {
            let read = connection.read(body, shared.max_body_bytes()).await;
            bytes = read.map_err(|failure| shared.error(failure, &progress))?;
            place.keep_usable(connection);
        }
        Ok(shared.response(Answer { head, body: bytes }, &progress))
    }
}

impl Body for StreamedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some((connection, _)) = &mut this.held else {
            return Poll::Ready(None);
        };
        match connection.poll_piece(&mut this.body, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(piece))) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Poll::Ready(Some(Err(error))) => {
                this.held = None;
                let error = this.shared.error(Failure::Broken(error), &this.progress);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                if let Some((connection, place)) = this.held.take() {
                    place.keep_usable(connection);
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Place<Connection> {
    /// Gives the place back, with its connection where another request can be sent on it.
    pub(super) fn keep_usable(self, mut connection: Connection) {
        if connection.is_usable() {
            self.keep(connection);
        }
    }
}

impl fmt::Debug for StreamedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedResponse")
            .field("status", &self.head.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedBody")
            .field("is_at_end", &self.held.is_none())
            .finish_non_exhaustive()
    }
}
