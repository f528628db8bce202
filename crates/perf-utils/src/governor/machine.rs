//! The decisions: an event in, the calls that may begin out. No clock, no IO, no async.
//!
//! Times are durations since some beginning that the shell chooses.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{CallKind, Limits};

/// A caller, from its asking to the end of its call. Later ones have greater numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
pub(super) enum Event {
    /// A caller asks.
    Asked(Ticket, CallKind),
    /// A call ended with this answer.
    Answered(Ticket, Answer),
    /// A caller no longer waits, or its call ended without an answer.
    Left(Ticket),
    /// Time has passed.
    Ticked,
}

/// What an answer says, in the machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answer {
    pub(super) is_refused: bool,
    /// Calls left, and when the window ends.
    pub(super) window: Option<(u64, Duration)>,
    pub(super) retry_at: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Actions {
    /// These may begin.
    pub(super) begin: Vec<Ticket>,
    /// When to tick, if someone waits for time to pass.
    pub(super) wake_at: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Machine {
    limits: Limits,
    next_ticket: u64,
    reads: Lane,
    mutations: Lane,
    in_flight: HashMap<Ticket, CallKind>,
    /// When the calls of each quota began, oldest first, as far as they still count.
    begun: Vec<VecDeque<Duration>>,
    last_mutation: Option<Duration>,
    paused_until: Duration,
    /// What the host says is left, and until when.
    reported: Option<(u64, Duration)>,
    /// Refusals without a time since the last success.
    refusals_in_a_row: u32,
}

/// The callers of one kind, and how many of them may be under way: one more after as many successes
/// as are allowed now, half as many after a refusal.
#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Ticket>,
    in_flight: usize,
    window: usize,
    max_window: usize,
    successes: usize,
    /// Refusals of tickets before this one are about a window that was halved already.
    halved_at: u64,
}

/// How many reads may be under way before anything is known of the host.
const FIRST_WINDOW: usize = 4;
const MAX_PAUSE: Duration = Duration::from_secs(3600);

impl Lane {
    fn new(window: usize, max_window: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            in_flight: 0,
            window: window.min(max_window),
            max_window,
            successes: 0,
            halved_at: 0,
        }
    }

    fn succeeded(&mut self) {
        self.successes += 1;
        if self.successes >= self.window && self.window < self.max_window {
            self.window += 1;
            self.successes = 0;
        }
    }

    fn refused(&mut self, ticket: Ticket, next_ticket: u64) {
        self.successes = 0;
        if ticket.0 >= self.halved_at {
            self.window = (self.window / 2).max(1);
            self.halved_at = next_ticket;
        }
    }
}

impl Machine {
    pub(super) fn new(limits: Limits) -> Self {
        let begun = limits.quotas.iter().map(|_| VecDeque::new()).collect();
        Self {
            reads: Lane::new(FIRST_WINDOW, limits.max_in_flight),
            mutations: Lane::new(1, limits.max_mutations_in_flight),
            limits,
            next_ticket: 0,
            in_flight: HashMap::new(),
            begun,
            last_mutation: None,
            paused_until: Duration::ZERO,
            reported: None,
            refusals_in_a_row: 0,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A ticket to ask with.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// The one function that changes anything.
    pub(super) fn handle(&mut self, now: Duration, event: Event) -> Actions {
        match event {
            Event::Asked(ticket, kind) => self.lane(kind).waiting.push_back(ticket),
            Event::Answered(ticket, answer) => {
                if let Some(kind) = self.end(ticket) {
                    self.learn(now, ticket, kind, answer);
                }
            }
            Event::Left(ticket) => {
                if self.end(ticket).is_none() {
                    for lane in [&mut self.reads, &mut self.mutations] {
                        lane.waiting.retain(|waiting| *waiting != ticket);
                    }
                }
            }
            Event::Ticked => {}
        }
        self.begin_what_may(now)
    }

    /// The earliest time at which a call of this kind could begin, were a place free.
    pub(super) fn earliest(&self, now: Duration, kind: CallKind) -> Duration {
        let mut earliest = now.max(self.paused_until);
        if let Some((0, resets_at)) = self.reported {
            earliest = earliest.max(resets_at);
        }
        for (quota, begun) in self.limits.quotas.iter().zip(&self.begun) {
            if quota.of.counts(kind) && begun.len() >= quota.calls {
                earliest = earliest.max(begun[begun.len() - quota.calls] + quota.per);
            }
        }
        match self.last_mutation {
            Some(last) if kind == CallKind::Mutation => {
                earliest.max(last + self.limits.mutation_spacing)
            }
            _ => earliest,
        }
    }

    fn lane(&mut self, kind: CallKind) -> &mut Lane {
        match kind {
            CallKind::Read => &mut self.reads,
            CallKind::Mutation => &mut self.mutations,
        }
    }

    /// Frees the place of a call that was under way.
    fn end(&mut self, ticket: Ticket) -> Option<CallKind> {
        let kind = self.in_flight.remove(&ticket)?;
        self.lane(kind).in_flight -= 1;
        Some(kind)
    }

    fn learn(&mut self, now: Duration, ticket: Ticket, kind: CallKind, answer: Answer) {
        if let Some((remaining, resets_at)) = answer.window.filter(|(_, at)| *at > now) {
            if remaining == 0 {
                self.paused_until = self.paused_until.max(resets_at);
            }
            // Those under way may not be counted yet. Answers overtake each other: within a window
            // only the smaller number can be right.
            let remaining = remaining.saturating_sub(self.in_flight.len() as u64);
            let known = self.reported.filter(|(_, known)| *known >= resets_at);
            self.reported = Some(match known {
                Some((known, until)) => (known.min(remaining), until),
                None => (remaining, resets_at),
            });
        }
        if let Some(at) = answer.retry_at {
            self.paused_until = self.paused_until.max(at);
        }
        if !answer.is_refused {
            self.refusals_in_a_row = 0;
            self.lane(kind).succeeded();
            return;
        }
        let is_new = ticket.0 >= self.lane(kind).halved_at;
        let next_ticket = self.next_ticket + 1;
        self.lane(kind).refused(ticket, next_ticket);
        if answer.retry_at.is_none() && is_new {
            let factor = 1 << self.refusals_in_a_row.min(10);
            let pause = (self.limits.pause * factor).min(MAX_PAUSE.max(self.limits.pause));
            self.paused_until = self.paused_until.max(now + pause);
            self.refusals_in_a_row += 1;
        }
    }

    fn begin_what_may(&mut self, now: Duration) -> Actions {
        self.forget_what_passed(now);
        let mut actions = Actions::default();
        // Mutations first: they are the scarcer ones.
        for kind in [CallKind::Mutation, CallKind::Read] {
            loop {
                let total = self.in_flight.len();
                let max_in_flight = self.limits.max_in_flight;
                let lane = self.lane(kind);
                if lane.waiting.is_empty()
                    || lane.in_flight >= lane.window
                    || total >= max_in_flight
                {
                    break;
                }
                let earliest = self.earliest(now, kind);
                if earliest > now {
                    let wake_at = actions.wake_at.map_or(earliest, |at| earliest.min(at));
                    actions.wake_at = Some(wake_at);
                    break;
                }
                let lane = self.lane(kind);
                let Some(ticket) = lane.waiting.pop_front() else {
                    break;
                };
                lane.in_flight += 1;
                self.in_flight.insert(ticket, kind);
                self.count(now, kind);
                actions.begin.push(ticket);
            }
        }
        actions
    }

    fn count(&mut self, now: Duration, kind: CallKind) {
        for (quota, begun) in self.limits.quotas.iter().zip(&mut self.begun) {
            if quota.of.counts(kind) {
                begun.push_back(now);
            }
        }
        if kind == CallKind::Mutation {
            self.last_mutation = Some(now);
        }
        if let Some((remaining, _)) = &mut self.reported {
            *remaining = remaining.saturating_sub(1);
        }
    }

    fn forget_what_passed(&mut self, now: Duration) {
        for (quota, begun) in self.limits.quotas.iter().zip(&mut self.begun) {
            while begun.front().is_some_and(|at| *at + quota.per <= now) {
                begun.pop_front();
            }
        }
        self.reported = self.reported.filter(|(_, resets_at)| *resets_at > now);
    }
}
