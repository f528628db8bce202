//! Ending the process at the n-th append.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};

/// Which side of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of the record has been written.
    Before,
    /// The record is on disk, and nobody has been told.
    After,
}

/// Counts the appends, durable and buffered, of all journals that share it by
/// [`Options::faults`](crate::Options::faults), and ends the process by SIGKILL at one of them.
///
/// A crash test runs the program with n = 1, 2, 3 … until a run ends by itself.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    appends: Arc<AtomicU64>,
    /// Number of the append, from 1.
    crash: Option<(u64, Moment)>,
}

/// The number of an append.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point(u64);

impl Point {
    pub(crate) const NONE: Self = Self(0);
}

impl Faults {
    /// Counts only.
    pub fn counting() -> Self {
        Self::default()
    }

    /// Ends the process before or after its `append`-th append, counted from 1.
    pub fn crash_at(append: u64, moment: Moment) -> Self {
        Self {
            appends: Arc::default(),
            crash: Some((append, moment)),
        }
    }

    /// How many appends there have been.
    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    pub(crate) fn arrive(&self) -> Point {
        let point = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        self.pass(point, Moment::Before);
        Point(point)
    }

    pub(crate) fn on_disk(&self, point: Point) {
        self.pass(point.0, Moment::After);
    }

    fn pass(&self, point: u64, moment: Moment) {
        if self.crash == Some((point, moment)) {
            // As an outsider would: no destructor runs and nothing is written any more.
            if kill_process(getpid(), Signal::KILL).is_err() {
                std::process::abort();
            }
            // The signal may take a moment to arrive; nothing of ours may happen in it.
            loop {
                std::thread::park();
            }
        }
    }
}
