//! What a recovery may spend, and where it stops.

use std::time::Duration;

/// How failures are repaired.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How operations are tried again.
    pub retry: RetryOptions,
    /// How often a fix of failing tests is tried. Default 3: a fix that is not found by then
    /// is rarely found later, and each round costs an agent.
    pub fix_rounds: u32,
    /// Up to how many conflicting places an agent decides. Default 20: beyond it the two
    /// sides are different designs, and a person should choose.
    pub max_conflict_hunks: u32,
    /// Paths that a fix of tests must not touch, beside the built-in ones: files, folders that
    /// end in `/`, or patterns with `*`. Default empty.
    pub protected_paths: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retry: RetryOptions::default(),
            fix_rounds: 3,
            max_conflict_hunks: 20,
            protected_paths: Vec::new(),
        }
    }
}

/// How operations are tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryOptions {
    /// How often one operation is tried again. Default 3: at once, after 2 s, after 4 s.
    pub per_operation: u32,
    /// How often all operations of one task together are. Default 5. A task that a person has
    /// answered gets this and `per_operation` anew, but nothing of the run's.
    pub per_task: u32,
    /// How often all operations of the run together are. Default 20.
    pub per_run: u32,
    /// The wait before the second retry; it doubles from there. Default 2 s.
    pub base_delay: Duration,
    /// The longest wait between retries. Default 1 min.
    pub max_delay: Duration,
    /// The longest wait that is sat out within the run; a limit that ends later
    /// parks the run. Default 10 min.
    pub max_wait: Duration,
    /// What chance adds at most to a wait, as a share of it. Default 0.25.
    pub jitter: f64,
    /// What chance is drawn from; the run's name goes in too. Default 0.
    pub seed: u64,
    /// How long a run is parked for a quota whose end is unknown. Default 1 h.
    pub quota_wait: Duration,
    /// By what waits are multiplied, for tests; times named by the other side too. Default 1.
    pub delay_scale: f64,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            per_operation: 3,
            per_task: 5,
            per_run: 20,
            base_delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(60),
            max_wait: Duration::from_secs(600),
            jitter: 0.25,
            seed: 0,
            quota_wait: Duration::from_secs(3600),
            delay_scale: 1.0,
        }
    }
}
