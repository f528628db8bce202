//! Calls under way, one for each key, and who waits for them.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::Semaphore;

use super::kept::Kept;

/// One call: whoever holds the gate's permit makes it, the others wait for the permit. A caller that
/// is dropped, or whose loader panics, gives the permit to the next one, who calls its own loader.
/// An outcome closes the gate, which wakes all at once.
pub(super) struct Flight<V> {
    pub(super) gate: Semaphore,
    pub(super) outcome: OnceLock<Kept<V>>,
}

/// The flights of a cache. Whoever stores or removes an entry takes the flight of its key out under
/// the same lock, so that a call that began before cannot store what it brings after.
pub(super) struct Flights<K, V>(Mutex<HashMap<K, Arc<Flight<V>>>>);

impl<K: Hash + Eq + Clone, V> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Flight<V>>>> {
        // Nothing of a caller's runs under the lock but `Hash`, `Eq` and `Clone` of keys; should one
        // of them panic, the map is as it was.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat on the key's flight, which begins if there is none.
    pub(super) fn join(&self, key: &K) -> Seat<'_, K, V> {
        let mut flights = self.lock();
        let flight = flights.entry(key.clone()).or_insert_with(|| {
            Arc::new(Flight {
                gate: Semaphore::new(1),
                outcome: OnceLock::new(),
            })
        });
        let flight = Some(Arc::clone(flight));
        Seat {
            flights: self,
            key: key.clone(),
            flight,
        }
    }
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

/// A caller's part in a flight. The last one out removes it.
pub(super) struct Seat<'a, K: Hash + Eq + Clone, V> {
    flights: &'a Flights<K, V>,
    key: K,
    /// Taken only by dropping.
    flight: Option<Arc<Flight<V>>>,
}

impl<K: Hash + Eq + Clone, V> Seat<'_, K, V> {
    pub(super) fn flight(&self) -> &Arc<Flight<V>> {
        self.flight
            .as_ref()
            .expect("the flight is there until the seat is dropped")
    }
}

impl<K: Hash + Eq + Clone, V> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        if self.flight().gate.is_closed() {
            // It has landed, and was taken out before.
            return;
        }
        let mut flights = self.flights.lock();
        // Given up under the lock: of two that leave at once, the second sees the map's reference alone.
        drop(self.flight.take());
        let is_empty = |flight: &Arc<Flight<V>>| Arc::strong_count(flight) == 1;
        if flights.get(&self.key).is_some_and(is_empty) {
            flights.remove(&self.key);
        }
    }
}
