//! The tokio shell: waits, and does what the machine says.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use core_types::{Clock, SystemClock, Timestamp};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{
    CallKind, Error, Limits, Observation,
    machine::{Actions, Answer, Event, Machine, Ticket},
};

/// Lets calls of one account on one host begin, as its limits allow.
///
/// A handle: clones govern together. All users of an account must have the same one; [`Governors`]
/// sees to it.
///
/// # Examples
///
/// ```
/// use perf_utils::governor::{CallKind, Governors, Limits, Observation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), perf_utils::governor::Error> {
/// let governors = Governors::default();
/// let governor = governors.of("github.com", "builder", Limits::github())?;
///
/// let permit = governor.acquire(CallKind::Mutation).await?;
/// // … the call; with a pool, `response.observation()` is what it says about limits …
/// permit.report(Observation { remaining: Some(4998), ..Observation::default() });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RateGovernor {
    shared: Arc<Shared>,
}

struct Shared {
    account: String,
    clock: Arc<dyn Clock>,
    /// The machine's time 0.
    epoch: Instant,
    state: Mutex<State>,
    /// Whoever holds it lets time pass for all who wait; see [`Shared::keep_time`].
    timekeeper: tokio::sync::Mutex<()>,
    /// Told when the time to wake at may have changed.
    changed: Notify,
}

struct State {
    machine: Machine,
    waiting: HashMap<Ticket, oneshot::Sender<()>>,
    wake_at: Option<Duration>,
}

/// A call that may be made now. Dropped without a report, it says nothing about limits.
#[must_use = "the call is under way until its permit is dropped"]
pub struct Permit {
    shared: Arc<Shared>,
    ticket: Option<Ticket>,
}

impl RateGovernor {
    /// A governor by the system's clock. `account` names host and account in errors.
    ///
    /// # Errors
    ///
    /// `Validation` for a limit of zero.
    pub fn new(account: impl Into<String>, limits: Limits) -> Result<Self, Error> {
        Self::with_clock(account, limits, Arc::new(SystemClock))
    }

    /// The same with the clock by which times in answers are read.
    ///
    /// # Errors
    ///
    /// `Validation` for a limit of zero.
    pub fn with_clock(
        account: impl Into<String>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        limits.check()?;
        Ok(Self {
            shared: Arc::new(Shared {
                account: account.into(),
                clock,
                epoch: Instant::now(),
                state: Mutex::new(State {
                    machine: Machine::new(limits),
                    waiting: HashMap::new(),
                    wake_at: None,
                }),
                timekeeper: tokio::sync::Mutex::new(()),
                changed: Notify::new(),
            }),
        })
    }

    /// Waits until a call may begin. Callers of one kind are served in the order of their asking.
    ///
    /// # Errors
    ///
    /// `RateLimited` with the time to ask again where it would take longer than
    /// [`max_wait`](Limits::max_wait): at once where that is known.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the place in the queue up.
    pub async fn acquire(&self, kind: CallKind) -> Result<Permit, Error> {
        let shared = &self.shared;
        let (sender, mut begin) = oneshot::channel();
        let (permit, max_wait) = {
            let mut state = shared.lock();
            let now = shared.now();
            let max_wait = state.machine.limits().max_wait;
            let earliest = state.machine.earliest(now, kind);
            if earliest.saturating_sub(now) > max_wait {
                return Err(shared.too_long(earliest));
            }
            let ticket = state.machine.ticket();
            state.waiting.insert(ticket, sender);
            let permit = Permit {
                shared: Arc::clone(shared),
                ticket: Some(ticket),
            };
            let actions = state.machine.handle(now, Event::Asked(ticket, kind));
            state.act(actions);
            (permit, max_wait)
        };
        shared.changed.notify_waiters();
        let waiting = async {
            tokio::select! {
                // A permit that is there goes before the keeping of time.
                biased;
                _ = &mut begin => {}
                () = shared.keep_time() => {}
            }
        };
        if timeout(max_wait, waiting).await.is_err() {
            // The permit is dropped, and with it the place in the queue.
            let earliest = shared.lock().machine.earliest(shared.now(), kind);
            return Err(shared.too_long(earliest));
        }
        Ok(permit)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// A point in the machine's time as the time of day.
    fn timestamp(&self, at: Duration) -> Timestamp {
        let ahead = at.saturating_sub(self.now()).as_millis();
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX);
        Timestamp(self.clock.now().0.saturating_add(ahead))
    }

    fn too_long(&self, earliest: Duration) -> Error {
        Error::TooLong {
            account: self.account.clone(),
            until: self.timestamp(earliest),
        }
    }

    fn handle(&self, event: Event) {
        {
            let mut state = self.lock();
            let actions = state.machine.handle(self.now(), event);
            state.act(actions);
        }
        self.changed.notify_waiters();
    }

    /// Ticks the machine whenever it asks for it; never returns. One of those who wait does it for
    /// all: the next takes over when that one goes.
    async fn keep_time(&self) {
        let _role = self.timekeeper.lock().await;
        loop {
            let changed = self.changed.notified();
            let wake_at = self.lock().wake_at;
            match wake_at {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = sleep_until(self.epoch + at) => {
                            let mut state = self.lock();
                            let actions = state.machine.handle(self.now(), Event::Ticked);
                            state.act(actions);
                        }
                    }
                }
            }
        }
    }
}

impl State {
    fn act(&mut self, actions: Actions) {
        self.wake_at = actions.wake_at;
        for ticket in actions.begin {
            if let Some(sender) = self.waiting.remove(&ticket) {
                // Where nobody receives it, the permit's drop tells the machine.
                let _ = sender.send(());
            }
        }
    }
}

impl Permit {
    /// Ends the call and says what its answer says.
    pub fn report(mut self, observation: Observation) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let shared = &self.shared;
        let (now, wall) = (shared.now(), shared.clock.now());
        let in_our_time = |at: Timestamp| now + at.since(wall);
        let window = observation.remaining.zip(observation.resets_at);
        let answer = Answer {
            is_refused: observation.is_refused,
            window: window.map(|(remaining, at)| (remaining, in_our_time(at))),
            retry_at: observation.retry_at.map(in_our_time),
        };
        shared.handle(Event::Answered(ticket, answer));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.lock().waiting.remove(&ticket);
            self.shared.handle(Event::Left(ticket));
        }
    }
}

impl fmt::Debug for RateGovernor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateGovernor")
            .field("account", &self.shared.account)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.ticket).finish()
    }
}

/// The governors of a process, one for each host and account.
///
/// ```
/// use perf_utils::governor::{Governors, Limits};
///
/// let governors = Governors::default();
/// governors.of("github.com", "builder", Limits::github())?;
/// // The same account under other limits would pass the one or the other.
/// assert!(governors.of("GitHub.com", "builder", Limits::default()).is_err());
/// # Ok::<(), perf_utils::governor::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Governors {
    known: Mutex<HashMap<(String, String), (Limits, RateGovernor)>>,
}

impl Governors {
    /// The governor of this account, which is a name and no secret.
    ///
    /// # Errors
    ///
    /// `Validation` for a limit of zero, and for limits other than those it is governed by.
    pub fn of(&self, host: &str, account: &str, limits: Limits) -> Result<RateGovernor, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_ascii_lowercase(), account.to_owned());
        let name = format!("{}@{}", key.1, key.0);
        if let Some((governed_by, governor)) = known.get(&key) {
            if *governed_by != limits {
                return Err(Error::LimitsDiffer { account: name });
            }
            return Ok(governor.clone());
        }
        let governor = RateGovernor::new(name, limits.clone())?;
        known.insert(key, (limits, governor.clone()));
        Ok(governor)
    }
}
