use core_types::{ErrorClass, PortError, Timestamp};

/// Why a governor gives no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It would take longer than the governor's `max_wait`.
    #[error("the limits of {account} allow no call before {until}")]
    TooLong {
        /// Host and account.
        account: String,
        /// When to ask again.
        until: Timestamp,
    },
    /// A limit of zero allows nothing at all.
    #[error("{limit} is zero, which would allow no call")]
    ZeroLimit {
        /// Which.
        limit: &'static str,
    },
    /// Two users of one account name different limits for it.
    #[error("{account} is governed by other limits already")]
    LimitsDiffer {
        /// Host and account.
        account: String,
    },
}

impl Error {
    /// What a caller branches on; the time to ask again is in it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::TooLong { until, .. } => ErrorClass::RateLimited {
                until: Some(*until),
            },
            Self::ZeroLimit { .. } | Self::LimitsDiffer { .. } => ErrorClass::Validation,
        }
    }

    /// As a port returns it; `operation` completes "failed to …".
    #[must_use]
    pub fn into_port_error(self, operation: &'static str) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}
