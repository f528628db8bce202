//! What can go wrong before a page is served.

use std::{io, net::SocketAddr};

use core_types::ErrorClass;

/// Why the dashboard does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is reachable from other machines, and nothing would encrypt tokens and texts.
    #[error(
        "listen on {address}: other machines can reach it, and without TLS they could read what is sent"
    )]
    ForeignAddress {
        /// The address asked for.
        address: SocketAddr,
    },
    /// All addresses of the machine are listened on, and no name is given under which browsers may call.
    #[error("serve the dashboard on {address}: no host name is given under which it may be called")]
    NoHost {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("use the certificate and its key")]
    Certificate {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A token that could be guessed, or not be sent.
    #[error(
        "use the token for metrics: expected 32 or more visible ASCII characters and no spaces"
    )]
    WeakToken,
}

impl Error {
    /// The class by which callers decide.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::ForeignAddress { .. }
            | Self::NoHost { .. }
            | Self::Certificate { .. }
            | Self::WeakToken => ErrorClass::Validation,
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                ErrorClass::Conflict
            }
            Self::Listen { .. } => ErrorClass::ResourceExhausted,
        }
    }
}
