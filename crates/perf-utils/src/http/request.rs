use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde::Serialize;

use super::{Error, Phase, Response, StreamedResponse, pool::Shared};

/// A request to be sent; from [`HttpConnectionPool::request`](super::HttpConnectionPool::request).
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    shared: Arc<Shared>,
    request: Result<Request<Full<Bytes>>, Error>,
    is_mutation: bool,
}

impl RequestBuilder {
    pub(super) fn new(shared: Arc<Shared>, method: Method, path: &str) -> Self {
        let is_mutation = !method.is_safe();
        let request = shared.base.target(path).map(|target| {
            let mut request = Request::new(Full::default());
            *request.method_mut() = method;
            *request.uri_mut() = target.into();
            request.headers_mut().clone_from(&shared.headers);
            request
        });
        Self {
            shared,
            request,
            is_mutation,
        }
    }

    /// A header of this request, in place of the pool's of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            // See the builder: these are not a caller's to say.
            (Ok(header::HOST | header::CONTENT_LENGTH | header::TRANSFER_ENCODING), _) => None,
            (Ok(name), Ok(value)) => Some((name, value)),
            _ => None,
        };
        match (parsed, &mut self.request) {
            (Some((name, value)), Ok(request)) => {
                request.headers_mut().insert(name, value);
            }
            (None, Ok(_)) => {
                self.request = Err(Error::InvalidHeader {
                    name: name.to_owned(),
                });
            }
            (_, Err(_)) => {}
        }
        self
    }

    /// A body of JSON, with its content type.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        if let Ok(request) = &mut self.request {
            match serde_json::to_vec(value) {
                Ok(json) => {
                    *request.body_mut() = Full::new(json.into());
                    let kind = HeaderValue::from_static("application/json");
                    request.headers_mut().insert(header::CONTENT_TYPE, kind);
                }
                Err(error) => self.request = Err(Error::Encode(error)),
            }
        }
        self
    }

    /// A body of bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        if let Ok(request) = &mut self.request {
            *request.body_mut() = Full::new(body.into());
        }
        self
    }

    /// Says that this request changes nothing, whatever its method: a search by POST. A failure of it
    /// is `Transient` and never `UnknownOutcome`.
    pub fn read_only(mut self) -> Self {
        self.is_mutation = false;
        self
    }

    /// Sends it and reads the whole answer, of whatever status; see
    /// [`Response::error_for_status`]. Nothing is sent twice, and no redirect is followed.
    ///
    /// # Errors
    ///
    /// `Validation` for what is wrong with the request, and for a server that cannot be trusted;
    /// `Transient` where the server could not be reached or did not answer in time; `UnknownOutcome`
    /// where a mutation was sent and there is no whole answer; `Cancelled` after `close`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes the connection that it uses. Whether a mutation acted is then unknown.
    pub async fn send(self) -> Result<Response, Error> {
        self.shared.send(self.request?, self.is_mutation).await
    }

    /// Sends it and reads the head of the answer; its body comes in pieces, as the server sends them. The
    /// pool's timeout ends with the head: how long the body may take is the caller's to say.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send); a body that is dropped before its end closes its connection, too.
    pub async fn send_streamed(self) -> Result<StreamedResponse, Error> {
        let sent = self.shared.send_streamed(self.request?, self.is_mutation);
        sent.await
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RequestBuilder");
        match &self.request {
            Ok(request) => {
                let names: Vec<_> = request.headers().keys().collect();
                debug
                    .field("method", request.method())
                    .field("target", request.uri())
                    .field("headers", &names)
            }
            Err(error) => debug.field("error", error),
        }
        .finish_non_exhaustive()
    }
}

/// How far a request has come, to tell what its failure means.
pub(super) struct Progress {
    is_mutation: bool,
    phase: AtomicU8,
}

const WAITING: u8 = 0;
const CONNECTING: u8 = 1;
const SENT: u8 = 2;

impl Progress {
    pub(super) fn new(is_mutation: bool) -> Self {
        Self {
            is_mutation,
            phase: AtomicU8::new(WAITING),
        }
    }

    fn set(&self, phase: u8) {
        // Written and read by one task.
        self.phase.store(phase, Ordering::Relaxed);
    }

    pub(super) fn connecting(&self) {
        self.set(CONNECTING);
    }

    pub(super) fn sent(&self) {
        self.set(SENT);
    }

    pub(super) fn not_sent(&self) {
        self.set(WAITING);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            WAITING => Phase::Waiting,
            CONNECTING => Phase::Connecting,
            _ => Phase::Answering,
        }
    }

    pub(super) fn may_have_acted(&self) -> bool {
        self.is_mutation && self.phase() == Phase::Answering
    }
}
