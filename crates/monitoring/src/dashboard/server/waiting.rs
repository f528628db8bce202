//! Connections that wait for a request, oldest first.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Connections without a whole request. When there are too many, the one that has waited longest
/// is closed: a prompt client is never that one, however many slow ones there are.
#[derive(Debug)]
pub(super) struct Waiting {
    limit: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Waiting {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Mutex::default(),
        }
    }

    /// Closes the connection that has waited longest, if one waits.
    pub(super) fn close_longest(&self) {
        if let Some((_, closing)) = self.line().connections.pop_first() {
            closing.cancel();
        }
    }

    fn enter(&self, closing: &CancellationToken) -> u64 {
        let mut line = self.line();
        let place = line.next;
        line.next += 1;
        line.connections.insert(place, closing.clone());
        if line.connections.len() > self.limit
            && let Some((_, longest)) = line.connections.pop_first()
        {
            longest.cancel();
        }
        place
    }

    fn leave(&self, place: u64) {
        self.line().connections.remove(&place);
    }

    /// Each change of the line is one insertion or removal, so a panic leaves it whole.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection: waiting, or busy with a request.
#[derive(Debug)]
pub(super) struct Connection {
    waiting: Arc<Waiting>,
    /// Cancelled when the connection is to be closed.
    pub(super) closing: CancellationToken,
    place: Mutex<u64>,
}

impl Connection {
    /// A connection that has just been accepted, and waits.
    pub(super) fn accepted(waiting: &Arc<Waiting>) -> Self {
        let closing = CancellationToken::new();
        let place = waiting.enter(&closing);
        Self {
            waiting: Arc::clone(waiting),
            closing,
            place: Mutex::new(place),
        }
    }

    /// Takes the connection out of the line until what is returned is dropped.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.waiting.leave(*self.place());
        Busy(Arc::clone(self))
    }

    fn place(&self) -> MutexGuard<'_, u64> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.waiting.leave(*self.place());
    }
}

/// Held while a request is answered.
#[derive(Debug)]
pub(super) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let place = self.0.waiting.enter(&self.0.closing);
        *self.0.place() = place;
    }
}
