//! What an entry holds: a value, or the failure of the call that should have made it.

use std::{any::Any, fmt, sync::Arc};

use tokio::time::Instant;

/// A failure of any type. One cache may be loaded by calls with different error types.
pub(super) struct Failure {
    error: Box<dyn Any + Send + Sync>,
    /// When it is forgotten, where that is before the cache's time to live is over.
    until: Option<Instant>,
}

#[derive(Clone)]
pub(super) enum Kept<V> {
    Value(V),
    Failure(Arc<Failure>),
}

/// An entry of the store.
#[derive(Clone)]
pub(super) struct Entry<V> {
    pub(super) kept: Kept<V>,
    /// The count of [`clear`](super::AsyncCache::clear)s when it was stored.
    pub(super) generation: u64,
}

impl<V> Kept<V> {
    /// A failure that is remembered until then, or for the cache's time to live.
    pub(super) fn failure<E>(error: &E, share: Share<E>, until: Option<Instant>) -> Self {
        let error = (share.put)(error);
        Self::Failure(Arc::new(Failure { error, until }))
    }

    /// Whether it is one of a failure whose time is over. Values are moka's to forget.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Value(_) => false,
            Self::Failure(failure) => failure.until.is_some_and(|until| until <= Instant::now()),
        }
    }

    /// The entry as the result of a call that fails with `E`; `None` where it is a failure of
    /// another type, or one that is not shared.
    pub(super) fn into_result<E>(self, share: Option<Share<E>>) -> Option<Result<V, E>> {
        match self {
            Self::Value(value) => Some(Ok(value)),
            Self::Failure(failure) => {
                let error = (share?.take)(&*failure.error)?;
                Some(Err(error))
            }
        }
    }
}

impl<V> fmt::Debug for Kept<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value",
            Self::Failure(_) => "Failure",
        })
    }
}

/// How an error of this type is given to more than one caller.
pub struct Share<E> {
    put: fn(&E) -> Box<dyn Any + Send + Sync>,
    take: fn(&(dyn Any + Send + Sync)) -> Option<E>,
}

impl<E: Clone + Send + Sync + 'static> Share<E> {
    /// Each caller gets a clone.
    #[must_use]
    pub fn by_clone() -> Option<Self> {
        Some(Self {
            put: |error| Box::new(error.clone()),
            take: |failure| failure.downcast_ref::<E>().cloned(),
        })
    }
}

impl<E> Clone for Share<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Share<E> {}

impl<E> fmt::Debug for Share<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share")
    }
}
