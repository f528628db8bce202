//! Whether and when an operation is tried again.

use std::time::Duration;

use core_types::{ErrorClass, Timestamp};

use super::{Admission, Spent};
use crate::RetryOptions;

/// Which budget has nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// That of the operation.
    Operation,
    /// That of the task.
    Task,
    /// That of the run.
    Run,
}

/// What becomes of an operation that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is tried again then, for one unit of each budget.
    Retry {
        /// The earliest time.
        at: Timestamp,
    },
    /// The run waits until then; no budget is touched.
    Park {
        /// The earliest time.
        until: Timestamp,
    },
    /// It would be tried again, but a budget has nothing left.
    Exhausted(Exhausted),
    /// Trying again is useless.
    Permanent,
}

/// Decides. `draw` is the chance that goes into the wait, from 0 up to 1.
///
/// ```
/// use core_types::{ErrorClass, Timestamp};
/// use engine_recovery::{RetryOptions, retry::{Admission, Decision, Spent, decide}};
///
/// let options = RetryOptions { jitter: 0.0, ..RetryOptions::default() };
/// let mut waits = Vec::new();
/// for operation in 0..3 {
///     let spent = Spent { operation, task: operation, run: operation };
///     let (class, now) = (ErrorClass::Transient, Timestamp(0));
///     match decide(class, spent, Admission::Go, now, 0.0, &options) {
///         Decision::Retry { at } => waits.push(at.0 / 1000),
///         other => panic!("{other:?}"),
///     }
/// }
/// // Attempt 1: immediate. Attempt 2: 2 second delay. Attempt 3: 4 second delay.
/// assert_eq!(waits, [0, 2, 4]);
/// ```
#[must_use]
pub fn decide(
    class: ErrorClass,
    spent: Spent,
    admission: Admission,
    now: Timestamp,
    draw: f64,
    options: &RetryOptions,
) -> Decision {
    let (per_operation, n_before, named) = match class {
        ErrorClass::Transient => (options.per_operation, spent.operation, None),
        // A limit whose end nobody named is not worth trying at once.
        ErrorClass::RateLimited { until: None } => {
            (options.per_operation, spent.operation + 1, None)
        }
        ErrorClass::RateLimited { until } => (options.per_operation, spent.operation, until),
        // Once: what was too slow twice is too slow.
        ErrorClass::Timeout => (options.per_operation.min(1), spent.operation, None),
        // Once, and not at once: what took the memory may have ended by then.
        ErrorClass::ResourceExhausted => (options.per_operation.min(1), spent.operation + 2, None),
        ErrorClass::QuotaExhausted { until } => {
            let until = until.unwrap_or_else(|| later(now, options.quota_wait));
            let wait = scaled(until.since(now), options);
            return Decision::Park {
                until: later(now, wait),
            };
        }
        _ => return Decision::Permanent,
    };
    if spent.operation >= per_operation {
        return Decision::Exhausted(Exhausted::Operation);
    }
    if spent.task >= options.per_task {
        return Decision::Exhausted(Exhausted::Task);
    }
    if spent.run >= options.per_run {
        return Decision::Exhausted(Exhausted::Run);
    }
    let held = match admission {
        Admission::Go | Admission::Probe => None,
        Admission::Wait { until } => Some(until),
    };
    let others = named.max(held).map_or(Duration::ZERO, |at| at.since(now));
    let wait = backoff(n_before, draw, options).max(others);
    let at = later(now, scaled(wait, options));
    if wait > options.max_wait {
        return Decision::Park { until: at };
    }
    Decision::Retry { at }
}

/// The wait before a retry that follows `n_before` others: none, then the base, doubled each time
/// up to the cap. Chance only adds, so that the wait is never shorter than what is written.
fn backoff(n_before: u32, draw: f64, options: &RetryOptions) -> Duration {
    let Some(doublings) = n_before.checked_sub(1) else {
        return Duration::ZERO;
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let wait = options.base_delay.saturating_mul(factor);
    let share = 1.0 + options.jitter.clamp(0.0, 1.0) * draw.clamp(0.0, 1.0);
    times(wait.min(options.max_delay), share).min(options.max_delay.max(options.base_delay))
}

fn scaled(wait: Duration, options: &RetryOptions) -> Duration {
    times(wait, options.delay_scale)
}

/// As `Duration::mul_f64`, which panics where the result does not fit.
fn times(wait: Duration, factor: f64) -> Duration {
    let seconds = wait.as_secs_f64() * factor.max(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Rounded up: what may not be before a time is never a millisecond too early.
fn later(now: Timestamp, by: Duration) -> Timestamp {
    let millis = by.as_nanos().div_ceil(1_000_000);
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    Timestamp(now.0.saturating_add(millis))
}
