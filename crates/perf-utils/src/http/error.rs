use std::{io, time::Duration};

use core_types::{ErrorClass, PortError};
use http::StatusCode;

/// Why a request has no answer, or none that is of use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base URL names no server that can be pinned.
    #[error("base URL {url:?} is not valid: {why}")]
    InvalidBase {
        /// The URL, without its user part.
        url: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A path that is none below the base URL.
    #[error("path {path:?} is not valid: {why}")]
    InvalidPath {
        /// The path.
        path: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A header that cannot be sent. Its value is not shown.
    #[error("header {name:?} is not valid")]
    InvalidHeader {
        /// Its name.
        name: String,
    },
    /// A limit or timeout of zero.
    #[error("{option} is zero")]
    ZeroOption {
        /// Which.
        option: &'static str,
    },
    /// A certificate authority that cannot be read.
    #[error("the certificate authority is not valid")]
    InvalidAuthority(#[source] rustls::Error),
    /// The body of a request cannot be written as JSON.
    #[error("the request cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The pool is closed, or was while the request waited for a connection.
    #[error("the connection pool of {origin} is closed")]
    Closed {
        /// Scheme, host and port.
        origin: String,
    },
    /// The server cannot be reached: its name, the network or its port.
    #[error("no connection to {origin}")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The server does not show that it is the one it should be.
    #[error("no trusted connection to {origin}")]
    Untrusted {
        /// Scheme, host and port.
        origin: String,
        /// What is wrong with its certificate or protocol.
        #[source]
        source: io::Error,
    },
    /// A timeout passed.
    #[error("{origin} took longer than {limit:?} while {phase}")]
    TimedOut {
        /// Scheme, host and port.
        origin: String,
        /// What was waited for.
        phase: Phase,
        /// The timeout.
        limit: Duration,
        /// Whether the server may have acted.
        may_have_acted: bool,
    },
    /// The connection broke, or what came was not HTTP.
    #[error("the connection to {origin} failed")]
    Exchange {
        /// Scheme, host and port.
        origin: String,
        /// Whether the server may have acted.
        may_have_acted: bool,
        /// What happened.
        #[source]
        source: hyper::Error,
    },
    /// The answer's body is larger than allowed; the connection was closed.
    #[error("the answer of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// Scheme, host and port.
        origin: String,
        /// The limit.
        limit: usize,
        /// Whether the server may have acted.
        may_have_acted: bool,
    },
    /// The server refuses, by a status from 300 on.
    #[error("{origin} answers {status}")]
    Status {
        /// Scheme, host and port.
        origin: String,
        /// The status.
        status: StatusCode,
        /// What it means for the caller, by status and headers.
        class: ErrorClass,
        /// The beginning of the body.
        detail: String,
    },
    /// The answer's body is not what was expected.
    #[error("the answer of {origin} cannot be read as JSON")]
    Decode {
        /// Scheme, host and port.
        origin: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// All connections are in use.
    Waiting,
    /// A connection is being opened.
    Connecting,
    /// The request is on its way, or its answer is.
    Answering,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Waiting => "the request waited for a free connection",
            Self::Connecting => "a connection was opened",
            Self::Answering => "it answered",
        })
    }
}

impl Error {
    /// What a caller branches on. `UnknownOutcome` where a mutation was sent and has no answer.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        let unless_acted = |may_have_acted: bool, otherwise| {
            if may_have_acted {
                ErrorClass::UnknownOutcome
            } else {
                otherwise
            }
        };
        match self {
            Self::InvalidBase { .. }
            | Self::InvalidPath { .. }
            | Self::InvalidHeader { .. }
            | Self::ZeroOption { .. }
            | Self::InvalidAuthority(_)
            | Self::Encode(_)
            | Self::Untrusted { .. } => ErrorClass::Validation,
            Self::Closed { .. } => ErrorClass::Cancelled,
            Self::Connect { .. } => ErrorClass::Transient,
            Self::TimedOut { may_have_acted, .. } | Self::Exchange { may_have_acted, .. } => {
                unless_acted(*may_have_acted, ErrorClass::Transient)
            }
            Self::TooLarge { may_have_acted, .. } => {
                unless_acted(*may_have_acted, ErrorClass::Validation)
            }
            Self::Status { class, .. } => *class,
            Self::Decode { .. } => ErrorClass::Internal,
        }
    }

    /// As a port returns it; `operation` completes "failed to …".
    #[must_use]
    pub fn into_port_error(
        self,
        operation: impl Into<std::borrow::Cow<'static, str>>,
    ) -> PortError {
        let detail = match &self {
            Self::Status { detail, .. } => detail.clone(),
            _ => String::new(),
        };
        PortError::new(self.class(), operation)
            .because(self)
            .with_detail(detail)
    }
}
