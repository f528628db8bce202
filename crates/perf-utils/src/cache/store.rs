use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::{notification::RemovalCause, sync::Cache};
use tokio::time::Instant;

use super::{
    CacheOptions, CacheStats, Error,
    flight::{Flights, Seat},
    kept::{Entry, Kept, Share},
    stats::Counters,
};

/// Keeps values by typed keys, for a time and up to a number.
///
/// A handle: clones are the same cache. Its methods do not wait, but for
/// [`get_or_load`](Self::get_or_load), which awaits the call. Values age by the system's monotonic
/// clock, whether or not a test has paused tokio's.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use perf_utils::{AsyncCache, CacheOptions};
///
/// let cache = AsyncCache::new(CacheOptions {
///     ttl: Duration::from_secs(300),
///     max_size: 1000,
///     ..CacheOptions::default()
/// })?;
///
/// // Store value
/// cache.set("key", "value");
///
/// // Retrieve value
/// let value = cache.get("key");
/// assert_eq!(value, Some("value"));
///
/// // Delete value
/// cache.delete("key");
/// assert_eq!(cache.get("key"), None);
/// # Ok::<(), perf_utils::cache::Error>(())
/// ```
///
/// A key that cannot be told from others is no key:
///
/// ```compile_fail,E0599
/// #[derive(Clone)]
/// struct Query(f64); // neither `Hash` nor `Eq`
///
/// let cache = perf_utils::AsyncCache::new(perf_utils::CacheOptions::default()).unwrap();
/// cache.set(Query(0.5), "value");
/// ```
pub struct AsyncCache<K, V> {
    inner: Arc<Inner<K, V>>,
}

struct Inner<K, V> {
    store: Cache<K, Entry<V>>,
    flights: Flights<K, V>,
    counters: Arc<Counters>,
    /// How often the cache was cleared. moka forgets by time stamps, which may be equal for an entry
    /// just stored; this count is exact.
    generation: AtomicU64,
    negative_ttl: Option<Duration>,
}

impl<K, V> AsyncCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty cache.
    ///
    /// # Errors
    ///
    /// A time to live of zero or a size of 0; class `Validation`.
    pub fn new(options: CacheOptions) -> Result<Self, Error> {
        options.check()?;
        let counters = Arc::new(Counters::default());
        let evictions = Arc::clone(&counters);
        let store = Cache::builder()
            .max_capacity(options.max_size)
            .time_to_live(options.ttl.min(CENTURY))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evictions.evictions.add_one();
                }
            })
            .build();
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                flights: Flights::new(),
                counters,
                generation: AtomicU64::new(0),
                negative_ttl: options.negative_ttl,
            }),
        })
    }

    /// The value of this key, or `None`; a remembered failure is `None` too.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let counters = &self.inner.counters;
        match self.inner.find(key) {
            Some(Kept::Value(value)) => {
                counters.hits.add_one();
                Some(value)
            }
            Some(Kept::Failure(_)) | None => {
                counters.misses.add_one();
                None
            }
        }
    }

    /// Stores a value, in place of the one before and of what a call under way will bring.
    pub fn set(&self, key: K, value: V) {
        let mut flights = self.inner.flights.lock();
        flights.remove(&key);
        self.inner.put(key, Kept::Value(value));
    }

    /// Forgets the value of this key. A call that is under way answers those who wait for it, and is
    /// not stored.
    pub fn delete<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut flights = self.inner.flights.lock();
        flights.remove(key);
        self.inner.store.invalidate(key);
    }

    /// Forgets all values, in the way of [`delete`](Self::delete). The statistics go on.
    pub fn clear(&self) {
        let mut flights = self.inner.flights.lock();
        flights.clear();
        self.inner.generation.fetch_add(1, Ordering::Relaxed);
        self.inner.store.invalidate_all();
    }

    /// What the cache has done. Counts the entries, and so takes time with their number.
    #[must_use]
    pub fn get_stats(&self) -> CacheStats {
        let Inner {
            store, counters, ..
        } = &*self.inner;
        store.run_pending_tasks();
        let entries = store.iter().filter(|(_, entry)| self.inner.is_fresh(entry));
        CacheStats {
            entries: entries.count() as u64,
            hits: counters.hits.get(),
            misses: counters.misses.get(),
            loads: counters.loads.get(),
            evictions: counters.evictions.get(),
        }
    }

    /// The value of this key, or what `load` brings, which is kept.
    ///
    /// Of concurrent callers that miss one key, one calls its loader; the others wait and get clones
    /// of what it brings, value or error. An error is not kept, unless there is a
    /// [`negative_ttl`](CacheOptions::negative_ttl). If the caller that loads is dropped or its
    /// loader panics, the next of those who wait loads. An error type that is not `Clone` goes into
    /// an `Arc`.
    ///
    /// A loader must not ask for its own key: it would wait for itself.
    ///
    /// # Errors
    ///
    /// The loader's.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the call if this caller made it and nothing else; the next caller that waits
    /// begins anew.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use core_types::{ErrorClass, PortError};
    /// use perf_utils::{AsyncCache, CacheOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let titles: AsyncCache<u64, String> = AsyncCache::new(CacheOptions::default())?;
    /// let load = async || Ok::<_, Arc<PortError>>("Add login".to_owned());
    /// assert_eq!(titles.get_or_load(7, load).await?, "Add login");
    /// // Now it is there; this loader is not called.
    /// let fails = async || Err(Arc::new(PortError::new(ErrorClass::NotFound, "read an issue")));
    /// assert_eq!(titles.get_or_load(7, fails).await?, "Add login");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_load<E, F, Fut>(&self, key: K, load: F) -> Result<V, E>
    where
        E: Clone + Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
    {
        self.load_through(key, Share::by_clone(), load).await
    }

    #[cfg(test)]
    pub(super) fn flights_under_way(&self) -> usize {
        self.inner.flights.lock().len()
    }

    /// As [`get_or_load`](Self::get_or_load); without `share` an error is its caller's alone, and the
    /// next of those who wait loads.
    pub(crate) async fn load_through<E, F, Fut>(
        &self,
        key: K,
        share: Option<Share<E>>,
        load: F,
    ) -> Result<V, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<V, E>>,
    {
        let inner = &*self.inner;
        let found = |key| inner.find(key).and_then(|kept| kept.into_result(share));
        if let Some(result) = found(&key) {
            inner.counters.hits.add_one();
            return result;
        }
        inner.counters.misses.add_one();
        loop {
            let seat = inner.flights.join(&key);
            let flight = Arc::clone(seat.flight());
            let Ok(_permit) = flight.gate.acquire().await else {
                let outcome = flight.outcome.get().cloned();
                match outcome.and_then(|kept| kept.into_result(share)) {
                    Some(result) => return result,
                    // It failed with an error of another type, of another function on this key.
                    None => continue,
                }
            };
            // Between the look and the seat another flight may have ended.
            if let Some(result) = found(&key) {
                return result;
            }
            inner.counters.loads.add_one();
            let result = load().await;
            inner.land(key, &seat, share, &result);
            return result;
        }
    }
}

impl<K, V> Inner<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn find<Q>(&self, key: &Q) -> Option<Kept<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.store.get(key)?;
        self.is_fresh(&entry).then_some(entry.kept)
    }

    fn is_fresh(&self, entry: &Entry<V>) -> bool {
        entry.generation == self.generation.load(Ordering::Relaxed) && !entry.kept.is_over()
    }

    fn put(&self, key: K, kept: Kept<V>) {
        let generation = self.generation.load(Ordering::Relaxed);
        self.store.insert(key, Entry { kept, generation });
    }

    /// The end of a call: it is stored if nothing has overtaken it, and told to those who wait.
    fn land<E>(
        &self,
        key: K,
        seat: &Seat<'_, K, V>,
        share: Option<Share<E>>,
        result: &Result<V, E>,
    ) {
        let kept = match (result, share) {
            (Ok(value), _) => Kept::Value(value.clone()),
            // What does not end within reckoning ends with the time to live.
            (Err(error), Some(share)) => {
                let ttl = self.negative_ttl.unwrap_or_default();
                Kept::failure(error, share, Instant::now().checked_add(ttl))
            }
            // The permit goes to the next one, who loads.
            (Err(_), None) => return,
        };
        let flight = seat.flight();
        {
            let mut flights = self.flights.lock();
            if flights
                .get(&key)
                .is_some_and(|now| Arc::ptr_eq(now, flight))
            {
                flights.remove(&key);
                if result.is_ok() || self.negative_ttl.is_some() {
                    self.put(key, kept.clone());
                }
            }
        }
        // Only the one with the permit comes here, and the gate is closed after it.
        drop(flight.outcome.set(kept));
        flight.gate.close();
    }
}

/// moka refuses more than ten of them.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

impl<K, V> Clone for AsyncCache<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K, V> fmt::Debug for AsyncCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncCache")
            .field("ttl", &self.inner.store.policy().time_to_live())
            .field("max_size", &self.inner.store.policy().max_capacity())
            .field("counters", &self.inner.counters)
            .finish_non_exhaustive()
    }
}
