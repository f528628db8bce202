//! The state machines of retries: every short course of events, and random long ones.

use std::time::Duration;

use core_types::{ErrorClass, Timestamp};
use proptest::prelude::*;

use super::{Admission, Breaker, BreakerOptions, Decision, Exhausted, Spent, decide};
use crate::RetryOptions;

const START: Timestamp = Timestamp(1_767_225_600_000);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Small limits, so that short courses reach every state.
fn small() -> (RetryOptions, BreakerOptions) {
    let retry = RetryOptions {
        per_operation: 2,
        per_task: 3,
        per_run: 4,
        base_delay: seconds(2),
        max_delay: seconds(5),
        max_wait: seconds(100),
        ..RetryOptions::default()
    };
    let breaker = BreakerOptions {
        consecutive: 3,
        window: 4,
        open: seconds(10),
        max_open: seconds(40),
    };
    (retry, breaker)
}

/// Two operations of task 0 and one of task 1, all against one host.
const TASK_OF: [usize; 3] = [0, 0, 1];

/// Everything that a course of events has led to.
#[derive(Debug, Clone)]
struct Course {
    retry: RetryOptions,
    options: BreakerOptions,
    breaker: Breaker,
    now: Timestamp,
    operations: [u32; 3],
    run: u32,
    /// The time before which the host may not be asked, while a breaker holds it.
    held_until: Option<Timestamp>,
    decisions: u32,
}

#[derive(Debug, Clone, Copy)]
enum Happening {
    /// An operation failed with this class.
    Fails(usize, ErrorClass),
    /// Some call to the host went well.
    Works,
    /// Time passes.
    Passes(u64),
}

impl Course {
    fn new(retry: RetryOptions, options: BreakerOptions) -> Self {
        Self {
            breaker: Breaker::new(options.clone()),
            retry,
            options,
            now: START,
            operations: [0; 3],
            run: 0,
            held_until: None,
            decisions: 0,
        }
    }

    fn spent(&self, operation: usize) -> Spent {
        let of_task = TASK_OF[operation];
        let task = (0..3).filter(|other| TASK_OF[*other] == of_task);
        Spent {
            operation: self.operations[operation],
            task: task.map(|other| self.operations[other]).sum(),
            run: self.run,
        }
    }

    fn take(&mut self, happening: Happening, draw: f64) {
        match happening {
            Happening::Passes(by) => self.now = Timestamp(self.now.0 + by * 1000),
            Happening::Works => {
                self.breaker.succeeded();
                self.held_until = None;
                let admission = self.breaker.clone().admit(self.now);
                assert_eq!(admission, Admission::Go, "an answer closes the breaker");
            }
            Happening::Fails(operation, class) => self.fails(operation, class, draw),
        }
    }

    fn fails(&mut self, operation: usize, class: ErrorClass, draw: f64) {
        let now = self.now;
        self.breaker.failed(now);
        let spent = self.spent(operation);
        let free = decide(class, spent, Admission::Go, now, draw, &self.retry);
        let admission = if matches!(free, Decision::Retry { .. }) {
            self.admit()
        } else {
            Admission::Go
        };
        let decision = decide(class, spent, admission, now, draw, &self.retry);
        self.decisions += 1;
        match decision {
            Decision::Retry { at } => {
                assert!(at >= now, "no retry lies in the past");
                if let Admission::Wait { until } = admission {
                    assert!(at >= until, "a host that is down is left alone");
                }
                if let ErrorClass::RateLimited { until: Some(until) } = class {
                    assert!(at >= until, "a limit is kept");
                }
                assert!(
                    at.since(now) <= self.retry.max_wait,
                    "nobody waits longer than the limit"
                );
                self.operations[operation] += 1;
                self.run += 1;
            }
            Decision::Park { until } => assert!(until >= now),
            Decision::Exhausted(which) => {
                let (spent, limit) = match which {
                    Exhausted::Operation => (spent.operation, self.retry.per_operation),
                    Exhausted::Task => (spent.task, self.retry.per_task),
                    Exhausted::Run => (spent.run, self.retry.per_run),
                };
                let limit = match class {
                    ErrorClass::Timeout | ErrorClass::ResourceExhausted
                        if which == Exhausted::Operation =>
                    {
                        limit.min(1)
                    }
                    _ => limit,
                };
                assert!(
                    spent >= limit,
                    "a budget is used up before it is said to be"
                );
            }
            Decision::Permanent => assert!(
                !matches!(
                    class,
                    ErrorClass::Transient | ErrorClass::RateLimited { .. }
                ),
                "{class} is not permanent"
            ),
        }
        self.check();
    }

    fn admit(&mut self) -> Admission {
        let admission = self.breaker.admit(self.now);
        match admission {
            Admission::Wait { until } => {
                assert!(until > self.now, "a wait ends later than now");
                let longest = self.options.max_open;
                assert!(until.since(self.now) <= longest, "no longer than the cap");
                self.held_until = Some(until);
            }
            Admission::Probe => {
                let held = self.held_until.is_none_or(|until| until <= self.now);
                assert!(held, "a probe goes when the wait is over");
                let next = self.breaker.clone().admit(self.now);
                assert!(
                    matches!(next, Admission::Wait { .. }),
                    "one probe goes at a time"
                );
            }
            Admission::Go => {}
        }
        admission
    }

    fn check(&self) {
        for operation in 0..3 {
            let spent = self.spent(operation);
            assert!(spent.operation <= self.retry.per_operation, "{self:?}");
            assert!(spent.task <= self.retry.per_task, "{self:?}");
        }
        assert!(self.run <= self.retry.per_run, "{self:?}");
    }
}

fn happenings() -> Vec<Happening> {
    let limited = ErrorClass::RateLimited {
        until: Some(Timestamp(START.0 + 30_000)),
    };
    vec![
        Happening::Fails(0, ErrorClass::Transient),
        Happening::Fails(1, limited),
        Happening::Fails(2, ErrorClass::Timeout),
        Happening::Fails(2, ErrorClass::Transient),
        Happening::Fails(0, ErrorClass::Validation),
        Happening::Works,
        Happening::Passes(11),
    ]
}

#[test]
fn no_short_course_of_events_passes_a_budget_or_a_breaker() {
    fn go(course: &Course, depth: u32, happenings: &[Happening], n: &mut u64) {
        for happening in happenings {
            let mut next = course.clone();
            next.take(*happening, 0.5);
            *n += 1;
            if depth > 1 {
                go(&next, depth - 1, happenings, n);
            }
        }
    }
    let (retry, breaker) = small();
    let mut transitions = 0;
    let slow = std::env::var_os("RUN_SLOW").is_some();
    let depth = if slow { 8 } else { 6 };
    go(
        &Course::new(retry, breaker),
        depth,
        &happenings(),
        &mut transitions,
    );
    assert!(transitions > 100_000, "{transitions} transitions");
}

proptest! {
    #[test]
    fn no_long_course_of_events_passes_a_budget_or_a_breaker(
        course in prop::collection::vec((0_usize..7, 0.0..1.0_f64), 1..200),
        per_operation in 0_u32..6,
        per_task in 0_u32..8,
        per_run in 0_u32..30,
    ) {
        let (_, breaker) = small();
        let retry = RetryOptions { per_operation, per_task, per_run, ..RetryOptions::default() };
        let mut now = Course::new(retry, breaker);
        let happenings = happenings();
        for (which, draw) in course {
            now.take(happenings[which], draw);
        }
    }

    #[test]
    fn waits_grow_to_the_cap_and_chance_only_adds(n in 0_u32..64, draw in 0.0..1.0_f64) {
        let options = RetryOptions { per_operation: 100, per_task: 100, per_run: 100, ..RetryOptions::default() };
        let spent = Spent { operation: n, task: n, run: n };
        let wait = |draw| match decide(ErrorClass::Transient, spent, Admission::Go, START, draw, &options) {
            Decision::Retry { at } => at.since(START),
            other => panic!("{other:?}"),
        };
        let written = if n == 0 { Duration::ZERO } else {
            options.base_delay.saturating_mul(1_u32.checked_shl(n - 1).unwrap_or(u32::MAX)).min(options.max_delay)
        };
        prop_assert_eq!(wait(0.0), written);
        prop_assert!(wait(draw) >= written);
        prop_assert!(wait(draw) <= written.mul_f64(1.25).min(options.max_delay));
    }
}

#[test]
fn a_breaker_opens_at_five_failures_in_a_row_and_doubles() {
    let mut breaker = Breaker::new(BreakerOptions::default());
    let mut now = START;
    for _ in 0..4 {
        breaker.failed(now);
        assert_eq!(breaker.admit(now), Admission::Go);
    }
    breaker.failed(now);
    let mut open = 10;
    for _ in 0..8 {
        let until = Timestamp(now.0 + open * 1000);
        assert_eq!(breaker.admit(now), Admission::Wait { until });
        assert!(breaker.is_open(now) && !breaker.is_open(until));
        now = until;
        assert_eq!(breaker.admit(now), Admission::Probe);
        assert!(matches!(breaker.admit(now), Admission::Wait { .. }));
        breaker.failed(now);
        open = (open * 2).min(600);
    }
    assert_eq!(open, 600, "it doubles up to ten minutes");
    breaker.succeeded();
    assert_eq!(breaker.admit(now), Admission::Go);
}

#[test]
fn a_breaker_opens_when_most_of_twenty_failed() {
    let mut breaker = Breaker::new(BreakerOptions::default());
    // Never five in a row, and no more than a half of the first twenty.
    for _ in 0..10 {
        breaker.failed(START);
        breaker.succeeded();
    }
    assert_eq!(breaker.admit(START), Admission::Go);
    breaker.failed(START);
    breaker.failed(START);
    assert!(matches!(breaker.admit(START), Admission::Wait { .. }));
}

#[test]
fn a_probe_of_which_nothing_is_heard_does_not_hold_the_host_for_ever() {
    let mut breaker = Breaker::new(BreakerOptions::default());
    for _ in 0..5 {
        breaker.failed(START);
    }
    let later = |seconds: u64| Timestamp(START.0 + seconds * 1000);
    assert_eq!(breaker.admit(later(10)), Admission::Probe);
    let until = later(20);
    assert_eq!(breaker.admit(later(19)), Admission::Wait { until });
    assert_eq!(breaker.admit(later(20)), Admission::Probe);
}

#[test]
fn a_clock_that_goes_back_makes_it_wait_and_nothing_else() {
    let mut breaker = Breaker::new(BreakerOptions::default());
    for _ in 0..5 {
        breaker.failed(START);
    }
    assert!(matches!(
        breaker.admit(Timestamp(0)),
        Admission::Wait { .. }
    ));
}

#[test]
fn a_quota_parks_and_costs_nothing() {
    let options = RetryOptions {
        per_operation: 0,
        ..RetryOptions::default()
    };
    let spent = Spent::default();
    let check = |until: Option<u64>, expected: u64| {
        let until = until.map(|it| Timestamp(START.0 + it));
        let class = ErrorClass::QuotaExhausted { until };
        let until = Timestamp(START.0 + expected);
        let decision = decide(class, spent, Admission::Go, START, 0.9, &options);
        assert_eq!(decision, Decision::Park { until });
    };
    check(Some(5_000), 5_000);
    check(None, 3_600_000);
}

#[test]
fn a_limit_beyond_the_longest_wait_parks() {
    let options = RetryOptions::default();
    let check = |wait: u64, parks: bool| {
        let until = Timestamp(START.0 + wait * 1000);
        let class = ErrorClass::RateLimited { until: Some(until) };
        let decision = decide(class, Spent::default(), Admission::Go, START, 0.0, &options);
        let expected = if parks {
            Decision::Park { until }
        } else {
            Decision::Retry { at: until }
        };
        assert_eq!(decision, expected);
    };
    check(600, false);
    check(601, true);
}

#[test]
fn a_scale_of_zero_takes_every_wait_away() {
    let options = RetryOptions {
        delay_scale: 0.0,
        ..RetryOptions::default()
    };
    let until = Some(Timestamp(START.0 + 300_000));
    let spent = Spent {
        operation: 2,
        task: 2,
        run: 2,
    };
    for class in [ErrorClass::Transient, ErrorClass::RateLimited { until }] {
        let decision = decide(class, spent, Admission::Go, START, 0.0, &options);
        assert_eq!(decision, Decision::Retry { at: START });
    }
}

#[test]
fn a_far_window_is_not_left_a_moment_too_early() {
    let until = Timestamp(4_102_444_800_000);
    let class = ErrorClass::QuotaExhausted { until: Some(until) };
    for step in 0..1000 {
        let now = Timestamp(1_795_660_000_000 + step * 7);
        let spent = Spent {
            operation: 0,
            task: 0,
            run: 0,
        };
        let options = RetryOptions::default();
        let decision = decide(class, spent, Admission::Go, now, 0.5, &options);
        let Decision::Park { until: parked } = decision else {
            panic!("a window parks: {decision:?}");
        };
        assert!(
            parked >= until && parked.0 <= until.0 + 1,
            "{parked:?} at {now:?}"
        );
    }
}
