use std::{fmt, sync::Arc};

use bytes::Bytes;
use core_types::{ErrorClass, Timestamp};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::governor::Observation;

use super::{Error, classify, connection::Answer};

/// An answer, read whole.
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    origin: Arc<str>,
    is_mutation: bool,
    received: Timestamp,
}

/// How much of a body an error shows.
const DETAIL_BYTES: usize = 2048;

impl Response {
    pub(super) fn new(
        answer: Answer,
        origin: Arc<str>,
        is_mutation: bool,
        received: Timestamp,
    ) -> Self {
        Self {
            status: answer.head.status,
            headers: answer.head.headers,
            body: answer.body,
            origin,
            is_mutation,
            received,
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The header of this name as text; `None` where there is none, or it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text, with a mark for what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a success, read as JSON.
    ///
    /// # Errors
    ///
    /// As [`error_for_status`](Self::error_for_status); `Internal` where it is not the JSON that was
    /// expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.check_status()?;
        serde_json::from_slice(&self.body).map_err(|source| Error::Decode {
            origin: self.origin.to_string(),
            source,
        })
    }

    /// What the status means, by the table on the crate's page; `None` for a success and for
    /// `304 Not Modified`.
    #[must_use]
    pub fn class(&self) -> Option<ErrorClass> {
        classify::class(
            self.status,
            &self.headers,
            &self.body,
            self.is_mutation,
            self.received,
        )
    }

    /// The answer itself, if it is a success.
    ///
    /// # Errors
    ///
    /// [`Error::Status`] with [`class`](Self::class) and the beginning of the body.
    pub fn error_for_status(self) -> Result<Self, Error> {
        self.check_status()?;
        Ok(self)
    }

    /// By how many milliseconds the server's clock is ahead of ours, by its `Date`: negative where it is behind, and
    /// `None` where it does not say. As exact as a second.
    #[must_use]
    pub fn clock_ahead_millis(&self) -> Option<i64> {
        let date = classify::date(&self.headers)?;
        i64::try_from(i128::from(date.0) - i128::from(self.received.0)).ok()
    }

    /// What the answer says about limits, for a [`RateGovernor`](crate::RateGovernor).
    #[must_use]
    pub fn observation(&self) -> Observation {
        classify::observation(self.class(), &self.headers, self.received)
    }

    fn check_status(&self) -> Result<(), Error> {
        let Some(class) = self.class() else {
            return Ok(());
        };
        let beginning = &self.body[..self.body.len().min(DETAIL_BYTES)];
        Err(Error::Status {
            origin: self.origin.to_string(),
            status: self.status,
            class,
            detail: String::from_utf8_lossy(beginning).into_owned(),
        })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
