//! What the code written by `#[cached]` calls. Not for use by hand: it changes with the macro.

use std::{convert::Infallible, hash::Hash, marker::PhantomData, time::Duration};

use crate::cache::{AsyncCache, CacheOptions};

use super::defaults::cache_defaults;

pub use crate::cache::Share;

/// The cache of a function, with the process's defaults for what is `None`.
///
/// # Panics
///
/// Never for numbers that the macro has checked.
#[must_use]
pub fn new_cache<K, V>(
    ttl_seconds: Option<u64>,
    max_size: Option<u64>,
    negative_ttl_seconds: Option<u64>,
) -> AsyncCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let defaults = cache_defaults();
    AsyncCache::new(CacheOptions {
        ttl: ttl_seconds.map_or(defaults.ttl, Duration::from_secs),
        max_size: max_size.unwrap_or(defaults.max_size),
        negative_ttl: negative_ttl_seconds
            .map(Duration::from_secs)
            .or(defaults.negative_ttl),
    })
    .expect("the macro refuses zeros, and so does whoever sets the defaults")
}

/// Compiles for what can stand in a key.
pub fn check_key<K: Hash + Eq + Clone + Send + Sync + 'static>() {}

/// Shares an error that is remembered, and so must be `Clone`.
#[must_use]
pub fn share_by_clone<E: Clone + Send + Sync + 'static>() -> Option<Share<E>> {
    Share::by_clone()
}

/// Compiles for what can be kept.
pub fn check_value<V: Clone + Send + Sync + 'static>() {}

/// Compiles for all types but a `Result`, for which `M` is ambiguous: behind another name its `Err`
/// would be kept like a value.
pub fn check_not_result<R: WriteTheTypeAsResult<M>, M>() {}

/// What a `Result` behind another name has twice.
pub trait WriteTheTypeAsResult<M> {}

impl<R> WriteTheTypeAsResult<()> for R {}
impl<T, E> WriteTheTypeAsResult<u8> for Result<T, E> {}

/// `std`'s `Result`, by whatever alias it is written.
#[diagnostic::on_unimplemented(
    message = "`cached` takes a type named `Result` for std's, and `{Self}` is not",
    label = "give the type another name, or return std's `Result`"
)]
pub trait Fallible {
    /// What is kept.
    type Value;
    /// What is not.
    type Error;

    /// The type as what it is.
    ///
    /// # Errors
    ///
    /// The error that the function returned.
    fn into_result(self) -> Result<Self::Value, Self::Error>;

    /// And back.
    fn from_result(result: Result<Self::Value, Self::Error>) -> Self;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }

    fn from_result(result: Self) -> Self {
        result
    }
}

/// Calls through the cache; an error is not kept.
///
/// # Errors
///
/// The call's.
///
/// # Cancel safety
///
/// As [`AsyncCache::get_or_load`].
pub async fn fallible<K, R, F, Fut>(
    cache: &AsyncCache<K, R::Value>,
    key: K,
    share: Option<Share<R::Error>>,
    load: F,
) -> R
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    R: Fallible<Value: Clone + Send + Sync + 'static>,
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
{
    let load = async move || load().await.into_result();
    R::from_result(cache.load_through(key, share, load).await)
}

/// Calls through the cache.
///
/// # Cancel safety
///
/// As [`AsyncCache::get_or_load`].
pub async fn infallible<K, V, F, Fut>(cache: &AsyncCache<K, V>, key: K, load: F) -> V
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: FnOnce() -> Fut,
    Fut: Future<Output = V>,
{
    let load = async move || Ok::<_, Infallible>(load().await);
    match cache.load_through(key, None, load).await {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Finds out by method lookup whether an error can be given to all who wait: [`SharedByClone`] comes
/// first where it applies.
#[derive(Debug, Default)]
pub struct Probe<E>(PhantomData<fn() -> E>);

impl<E> Probe<E> {
    /// A probe of this type.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// For errors that are `Clone`.
pub trait SharedByClone<E> {
    /// All who wait get a clone.
    fn share(&self) -> Option<Share<E>>;
}

impl<E: Clone + Send + Sync + 'static> SharedByClone<E> for Probe<E> {
    fn share(&self) -> Option<Share<E>> {
        Share::by_clone()
    }
}

/// For all others.
pub trait NotShared<E> {
    /// The next of those who wait calls for itself.
    fn share(&self) -> Option<Share<E>>;
}

impl<E> NotShared<E> for &Probe<E> {
    fn share(&self) -> Option<Share<E>> {
        None
    }
}
