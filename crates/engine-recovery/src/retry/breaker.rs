//! A circuit breaker for each host.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use core_types::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Failures without a success between them that open it. Default 5.
    pub consecutive: u32,
    /// Over how many of the last results the share of failures is taken; it opens
    /// when more than a half of a full window failed. Default 20.
    pub window: usize,
    /// How long it stays open at first; each failed probe doubles it. Default 10 s.
    pub open: Duration,
    /// The longest it stays open. Default 10 min.
    pub max_open: Duration,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            consecutive: 5,
            window: 20,
            open: Duration::from_secs(10),
            max_open: Duration::from_secs(600),
        }
    }
}

/// Whether a host may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Go,
    /// Yes, as the one probe that tells whether the host is back.
    Probe,
    /// Not before then.
    Wait {
        /// The earliest time.
        until: Timestamp,
    },
}

/// What is known of one host: closed, open, or half open with one probe under way.
///
/// It has no clock: every call is told the time. A clock that goes back makes
/// it wait longer, never opens or closes it.
#[derive(Debug, Clone)]
pub struct Breaker {
    options: BreakerOptions,
    state: State,
    consecutive: u32,
    /// The last results, true for a failure.
    recent: VecDeque<bool>,
    /// How long it opens the next time.
    open_time: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Timestamp,
    },
    /// A probe of which nothing was heard by then counts as lost, and another one may go.
    HalfOpen {
        probe_ends: Timestamp,
    },
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(options: BreakerOptions) -> Self {
        Self {
            open_time: options.open,
            options,
            state: State::Closed,
            consecutive: 0,
            recent: VecDeque::new(),
        }
    }

    /// Asks whether the host may be asked; a [`Admission::Probe`] is given out once.
    pub fn admit(&mut self, now: Timestamp) -> Admission {
        match self.state {
            State::Closed => Admission::Go,
            State::Open { until } | State::HalfOpen { probe_ends: until } if now < until => {
                Admission::Wait { until }
            }
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen {
                    probe_ends: later(now, self.open_time),
                };
                Admission::Probe
            }
        }
    }

    /// The host has answered well.
    pub fn succeeded(&mut self) {
        self.consecutive = 0;
        match self.state {
            State::Closed => self.remember(false),
            // One answer is what the probe was for; it may also be of a call from before.
            State::Open { .. } | State::HalfOpen { .. } => {
                *self = Self::new(self.options.clone());
            }
        }
    }

    /// The host has failed in a way that says it is down.
    pub fn failed(&mut self, now: Timestamp) {
        self.consecutive = self.consecutive.saturating_add(1);
        match self.state {
            State::Closed => {
                self.remember(true);
                if self.is_tripped() {
                    self.open(now);
                }
            }
            State::HalfOpen { .. } => {
                self.open_time = self.open_time.saturating_mul(2).min(self.options.max_open);
                self.open(now);
            }
            // A call from before it opened.
            State::Open { .. } => {}
        }
    }

    /// Whether it holds calls back at this time.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } | State::HalfOpen { probe_ends: until } => now < until,
        }
    }

    fn is_tripped(&self) -> bool {
        let failures = self.recent.iter().filter(|failed| **failed).count();
        let is_full = self.recent.len() >= self.options.window;
        self.consecutive >= self.options.consecutive
            || (is_full && failures * 2 > self.options.window)
    }

    fn open(&mut self, now: Timestamp) {
        self.state = State::Open {
            until: later(now, self.open_time),
        };
        self.recent.clear();
    }

    fn remember(&mut self, failed: bool) {
        self.recent.push_back(failed);
        while self.recent.len() > self.options.window {
            self.recent.pop_front();
        }
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp(now.0.saturating_add(millis))
}

/// The breakers of all hosts, shared by whoever talks to them.
///
/// They live as long as the process: after a restart each host is asked again,
/// within the budgets, which do survive.
#[derive(Debug, Default)]
pub struct Breakers {
    options: BreakerOptions,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    hosts: HashMap<String, Breaker>,
    watched: HashSet<String>,
}

impl Breakers {
    /// Breakers with these options.
    #[must_use]
    pub fn new(options: BreakerOptions) -> Self {
        Self {
            options,
            known: Mutex::default(),
        }
    }

    /// Asks whether a host may be asked; see [`Breaker::admit`].
    pub fn admit(&self, host: &str, now: Timestamp) -> Admission {
        self.with(host, |breaker| breaker.admit(now))
    }

    /// A host has answered well.
    pub fn succeeded(&self, host: &str) {
        self.with(host, Breaker::succeeded);
    }

    /// A host has failed in a way that says it is down.
    pub fn failed(&self, host: &str, now: Timestamp) {
        self.with(host, |breaker| breaker.failed(now));
    }

    /// From now on somebody tells every result of this host.
    pub(super) fn watch_host(&self, host: &str) {
        self.known().watched.insert(host.to_owned());
    }

    pub(super) fn is_watched(&self, host: &str) -> bool {
        self.known().watched.contains(host)
    }

    fn with<T>(&self, host: &str, act: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut known = self.known();
        let new = || Breaker::new(self.options.clone());
        act(known.hosts.entry(host.to_owned()).or_insert_with(new))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing under this lock leaves a breaker half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
