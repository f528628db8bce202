use core_types::ErrorClass;

/// Why a cache, or the defaults of all cached functions, cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A duration of zero would keep nothing.
    #[error("{option} is zero, which would keep nothing")]
    ZeroTtl {
        /// `ttl` or `negative_ttl`.
        option: &'static str,
    },
    /// A cache without room.
    #[error("max_size is 0, which would keep nothing")]
    NoRoom,
    /// The defaults were set before, or a cached function has already used them.
    #[error("the defaults of cached functions are already in use")]
    DefaultsInUse,
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::ZeroTtl { .. } | Self::NoRoom => ErrorClass::Validation,
            Self::DefaultsInUse => ErrorClass::Conflict,
        }
    }
}
