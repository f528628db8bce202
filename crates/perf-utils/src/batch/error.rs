use core_types::ErrorClass;

/// Why a batch cannot begin. What fails in it is in its items.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A size of zero does nothing.
    #[error("{option} is 0, which would do nothing")]
    ZeroOption {
        /// Which.
        option: &'static str,
    },
    /// The batch's id leaves no room for the items'.
    #[error(
        "batch id has {length} characters; at most {limit}, since the items' ids are made of it"
    )]
    LongId {
        /// How many it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Validation
    }
}
