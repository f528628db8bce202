//! The machine under random histories: what it must never do, and that it goes on.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;

use super::{
    CallKind, Limits, Quota, Quotas,
    machine::{Actions, Answer, Event, Machine, Ticket},
};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn limits() -> Limits {
    Limits {
        quotas: vec![
            Quota {
                of: Quotas::Calls,
                calls: 7,
                per: seconds(10),
            },
            Quota {
                of: Quotas::Mutations,
                calls: 3,
                per: seconds(8),
            },
        ],
        max_in_flight: 5,
        max_mutations_in_flight: 2,
        mutation_spacing: SECOND,
        pause: seconds(20),
        max_wait: seconds(60),
    }
}

/// A host with callers, and what has happened.
struct World {
    machine: Machine,
    now: Duration,
    waiting: Vec<(Ticket, CallKind)>,
    under_way: Vec<(Ticket, CallKind)>,
    begun: Vec<(Duration, CallKind)>,
    /// No call before this.
    hold: Duration,
}

#[derive(Debug, Clone)]
enum Move {
    Ask(CallKind),
    Succeed(usize),
    Refuse(usize, Option<u64>),
    Report(usize, u64, u64),
    Leave(usize),
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let kind = prop_oneof![Just(CallKind::Read), Just(CallKind::Mutation)];
    let one = prop_oneof![
        6 => kind.prop_map(Move::Ask),
        6 => any::<usize>().prop_map(Move::Succeed),
        1 => (any::<usize>(), prop::option::of(0u64..30)).prop_map(|(i, at)| Move::Refuse(i, at)),
        1 => (any::<usize>(), 0u64..4, 1u64..20).prop_map(|(i, n, at)| Move::Report(i, n, at)),
        1 => any::<usize>().prop_map(Move::Leave),
        4 => (1u64..4000).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 1..200)
}

impl World {
    fn new(limits: Limits) -> Self {
        Self {
            machine: Machine::new(limits),
            now: Duration::ZERO,
            waiting: Vec::new(),
            under_way: Vec::new(),
            begun: Vec::new(),
            hold: Duration::ZERO,
        }
    }

    fn act(&mut self, actions: &Actions) {
        for ticket in &actions.begin {
            let i = self
                .waiting
                .iter()
                .position(|(waiting, _)| waiting == ticket);
            let (ticket, kind) = self.waiting.remove(i.expect("only who waits may begin"));
            let earlier = self.waiting.iter().any(|(w, k)| *k == kind && *w < ticket);
            assert!(!earlier, "callers of a kind begin in their order");
            self.under_way.push((ticket, kind));
            self.begun.push((self.now, kind));
            self.check();
        }
        if let Some(at) = actions.wake_at {
            assert!(at > self.now, "it asks to be woken later, not now");
        }
    }

    fn check(&self) {
        let limits = self.machine.limits();
        assert!(
            self.now >= self.hold,
            "a call before the time that the host named"
        );
        assert!(self.under_way.len() <= limits.max_in_flight);
        let is_mutation = |kind: &CallKind| *kind == CallKind::Mutation;
        let n_mutations = self.under_way.iter().filter(|(_, kind)| is_mutation(kind));
        assert!(n_mutations.count() <= limits.max_mutations_in_flight);
        for quota in &limits.quotas {
            let counted = self
                .begun
                .iter()
                .filter(|(at, kind)| quota.of.counts(*kind) && *at + quota.per > self.now);
            assert!(counted.count() <= quota.calls, "more than {quota:?}");
        }
        let mut mutations = self
            .begun
            .iter()
            .rev()
            .filter(|(_, kind)| is_mutation(kind));
        if let (Some((last, _)), Some((before, _))) = (mutations.next(), mutations.next()) {
            assert!(
                *last >= *before + limits.mutation_spacing,
                "mutations keep apart"
            );
        }
    }

    fn make(&mut self, one: Move) {
        let pick = |under_way: &mut Vec<_>, i: usize| {
            (!under_way.is_empty()).then(|| under_way.remove(i % under_way.len()))
        };
        let event = match one {
            Move::Ask(kind) => {
                let ticket = self.machine.ticket();
                self.waiting.push((ticket, kind));
                Event::Asked(ticket, kind)
            }
            Move::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                Event::Ticked
            }
            Move::Leave(i) => {
                let all = self.waiting.len() + self.under_way.len();
                if all == 0 {
                    return;
                }
                let i = i % all;
                let (ticket, _) = if i < self.waiting.len() {
                    self.waiting.remove(i)
                } else {
                    self.under_way.remove(i - self.waiting.len())
                };
                Event::Left(ticket)
            }
            Move::Succeed(i) | Move::Refuse(i, _) | Move::Report(i, ..) => {
                let Some((ticket, _)) = pick(&mut self.under_way, i) else {
                    return;
                };
                let mut answer = Answer::default();
                match one {
                    Move::Refuse(_, at) => {
                        answer.is_refused = true;
                        answer.retry_at = at.map(|at| self.now + seconds(at));
                        self.hold = self.hold.max(answer.retry_at.unwrap_or_default());
                    }
                    Move::Report(_, remaining, at) => {
                        answer.window = Some((remaining, self.now + seconds(at)));
                        if remaining == 0 {
                            self.hold = self.hold.max(self.now + seconds(at));
                        }
                    }
                    _ => {}
                }
                Event::Answered(ticket, answer)
            }
        };
        let actions = self.machine.handle(self.now, event);
        self.act(&actions);
    }

    /// Answers all and lets time pass as asked, until nobody waits.
    fn drain(&mut self) {
        for _ in 0..10_000 {
            while !self.under_way.is_empty() {
                self.make(Move::Succeed(0));
            }
            if self.waiting.is_empty() {
                return;
            }
            let actions = self.machine.handle(self.now, Event::Ticked);
            self.act(&actions);
            if self.under_way.is_empty() {
                let at = actions
                    .wake_at
                    .expect("someone waits, so time must be what it waits for");
                self.now = at;
            }
        }
        panic!("it does not come to an end");
    }
}

proptest! {
    #[test]
    fn no_limit_is_ever_passed_and_all_are_served(moves in moves()) {
        let mut world = World::new(limits());
        for one in moves {
            world.make(one);
        }
        world.drain();
    }
}

/// Asks `n` times, and counts how many of them begin at once.
fn burst(world: &mut World, kind: CallKind, n: usize) -> usize {
    let before = world.under_way.len();
    for _ in 0..n {
        world.make(Move::Ask(kind));
    }
    world.under_way.len() - before
}

#[test]
fn it_begins_low_rises_by_one_and_falls_by_half() {
    let mut world = World::new(Limits {
        max_in_flight: 50,
        ..Limits::default()
    });
    assert_eq!(burst(&mut world, CallKind::Read, 200), 4);
    // After as many successes as the window is wide, it is wider by one.
    for width in 5..=12 {
        for _ in 0..width - 1 {
            world.make(Move::Succeed(0));
        }
        assert_eq!(world.under_way.len(), width);
    }
    // Twelve refusals of one window halve it once.
    let mut refused: VecDeque<_> = world.under_way.drain(..).collect();
    while let Some((ticket, _)) = refused.pop_front() {
        let retry_at = Some(world.now + SECOND);
        let answer = Answer {
            is_refused: true,
            retry_at,
            ..Answer::default()
        };
        let actions = world
            .machine
            .handle(world.now, Event::Answered(ticket, answer));
        assert!(
            actions.begin.is_empty(),
            "it waits until the time it was told"
        );
    }
    world.make(Move::Wait(1000));
    assert_eq!(world.under_way.len(), 6);
}

#[test]
fn mutations_begin_one_at_a_time() {
    let mut world = World::new(Limits {
        max_mutations_in_flight: 3,
        ..Limits::default()
    });
    assert_eq!(burst(&mut world, CallKind::Mutation, 20), 1);
    world.make(Move::Succeed(0));
    assert_eq!(world.under_way.len(), 2, "after a success there may be two");
}

#[test]
fn refusals_without_a_time_pause_longer_and_longer() {
    let mut world = World::new(limits());
    let mut pauses = Vec::new();
    for _ in 0..3 {
        assert_eq!(burst(&mut world, CallKind::Read, 1), 1);
        world.make(Move::Refuse(0, None));
        let until = world.machine.earliest(world.now, CallKind::Read);
        pauses.push((until - world.now).as_secs());
        world.now = until;
    }
    assert_eq!(pauses, [20, 40, 80]);
}

#[test]
fn what_the_host_says_is_left_counts() {
    let mut world = World::new(Limits::default());
    burst(&mut world, CallKind::Read, 1);
    world.make(Move::Report(0, 2, 30));
    assert_eq!(burst(&mut world, CallKind::Read, 3), 2, "two are left");
    let event = Event::Left(world.under_way[0].0);
    let actions = world.machine.handle(world.now, event);
    assert_eq!(
        actions.wake_at,
        Some(seconds(30)),
        "then the window must end"
    );
}
