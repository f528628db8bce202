//! Who has which connection: the bookkeeping of the pool, without any IO.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

/// The places of a pool for connections `C`.
///
/// A place that becomes free goes to whoever has waited longest; only if nobody waits does its
/// connection count as idle, or is closed where enough are.
pub(super) struct Roster<C> {
    state: Mutex<State<C>>,
    max_connections: usize,
    max_idle: usize,
    idle_timeout: Duration,
    /// Told whenever a place becomes free.
    freed: Notify,
}

struct State<C> {
    /// Places in use, with a connection or to open one.
    in_use: usize,
    /// Idle connections, the one used last at the end, each with the time since when.
    idle: Vec<(C, Instant)>,
    waiting: VecDeque<oneshot::Sender<Place<C>>>,
    is_closed: bool,
}

/// A place in the pool, given back by dropping.
pub(super) struct Place<C> {
    roster: Arc<Roster<C>>,
    /// A connection that was used before.
    pub(super) connection: Option<C>,
    is_held: bool,
}

enum Asked<C> {
    Given(Place<C>),
    Later(oneshot::Receiver<Place<C>>),
    Refused,
}

/// The pool is closed.
#[derive(Debug)]
pub(super) struct Closed;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) in_use: usize,
    pub(super) idle: usize,
    pub(super) waiting: usize,
}

impl<C> Roster<C> {
    pub(super) fn new(
        max_connections: usize,
        max_idle: usize,
        idle_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                in_use: 0,
                idle: Vec::new(),
                waiting: VecDeque::new(),
                is_closed: false,
            }),
            max_connections,
            max_idle,
            idle_timeout,
            freed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        let waiting = state.waiting.iter().filter(|sender| !sender.is_closed());
        Counts {
            waiting: waiting.count(),
            in_use: state.in_use,
            idle: state.idle.len(),
        }
    }

    pub(super) fn reopen(&self) {
        self.lock().is_closed = false;
    }

    /// No place is given from now on. Those who wait are told, idle connections are closed, and
    /// those in use end with their request.
    pub(super) fn close(&self) {
        let (idle, waiting) = {
            let mut state = self.lock();
            state.is_closed = true;
            (
                std::mem::take(&mut state.idle),
                std::mem::take(&mut state.waiting),
            )
        };
        drop(waiting);
        drop(idle);
    }

    /// Returns when no place is in use.
    pub(super) async fn settled(&self) {
        loop {
            let freed = self.freed.notified();
            if self.lock().in_use == 0 {
                return;
            }
            freed.await;
        }
    }

    /// A place, as soon as there is one.
    pub(super) async fn place(self: &Arc<Self>) -> Result<Place<C>, Closed> {
        match self.ask() {
            Asked::Given(place) => Ok(place),
            Asked::Later(receiver) => receiver.await.map_err(|_| Closed),
            Asked::Refused => Err(Closed),
        }
    }

    fn ask(self: &Arc<Self>) -> Asked<C> {
        // Dropped after the lock: closing a connection is IO.
        let _expired;
        let mut state = self.lock();
        if state.is_closed {
            return Asked::Refused;
        }
        _expired = state.expired(self.idle_timeout);
        let connection = state.idle.pop().map(|(connection, _)| connection);
        if connection.is_none() && state.in_use + state.idle.len() >= self.max_connections {
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            return Asked::Later(receiver);
        }
        state.in_use += 1;
        Asked::Given(Place {
            roster: Arc::clone(self),
            connection,
            is_held: true,
        })
    }

    fn give_back(self: &Arc<Self>, mut connection: Option<C>) {
        loop {
            let next = {
                let mut state = self.lock();
                match state.waiting.pop_front() {
                    Some(next) => next,
                    None => {
                        state.in_use -= 1;
                        let is_kept = !state.is_closed && state.idle.len() < self.max_idle;
                        if is_kept && let Some(connection) = connection.take() {
                            state.idle.push((connection, Instant::now()));
                        }
                        break;
                    }
                }
            };
            let place = Place {
                roster: Arc::clone(self),
                connection,
                is_held: true,
            };
            match next.send(place) {
                Ok(()) => return,
                // That one no longer waits.
                Err(mut place) => {
                    place.is_held = false;
                    connection = place.connection.take();
                }
            }
        }
        self.freed.notify_waiters();
        // Closed outside the lock.
        drop(connection);
    }
}

impl<C> State<C> {
    /// Takes out what has been idle for too long, which servers close without a word.
    fn expired(&mut self, idle_timeout: Duration) -> Vec<(C, Instant)> {
        if self.idle.is_empty() {
            return Vec::new();
        }
        let now = Instant::now();
        // The longest idle stand first.
        let n_expired = self
            .idle
            .partition_point(|(_, since)| now.duration_since(*since) >= idle_timeout);
        self.idle.drain(..n_expired).collect()
    }
}

impl<C> Place<C> {
    /// Gives the place back with a connection that can be used again.
    pub(super) fn keep(mut self, connection: C) {
        self.is_held = false;
        self.roster.give_back(Some(connection));
    }
}

impl<C> Drop for Place<C> {
    fn drop(&mut self) {
        if self.is_held {
            // What is still in it was not looked at; it may be used again.
            self.roster.give_back(self.connection.take());
        }
    }
}
