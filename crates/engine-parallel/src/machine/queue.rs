//! The order in which waiting tasks are served.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::TaskPriority;

/// Levels of priority, lowest first.
pub(super) const LEVELS: usize = TaskPriority::ALL.len();

/// A waiting task; the greatest is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    /// The longest chain of work that hangs on it; zero throughout unless optimized.
    pub(super) b_level: Duration,
    /// First come, first served among equals.
    pub(super) turn: Reverse<u32>,
    pub(super) task: u32,
}

/// A queue by priority, in which no level is passed over forever.
#[derive(Debug, Default)]
pub(super) struct Queue {
    levels: [BinaryHeap<Waiting>; LEVELS],
    /// How many were served from higher levels since this one was.
    passed: [u32; LEVELS],
}

impl Queue {
    pub(super) fn push(&mut self, level: usize, waiting: Waiting) {
        self.levels[level].push(waiting);
    }

    /// Takes the next, with its level: from the level passed over the longest if that reached
    /// `max_bypass`, else from the highest.
    pub(super) fn pop(&mut self, max_bypass: u32) -> Option<(usize, Waiting)> {
        let occupied = || (0..LEVELS).filter(|&level| !self.levels[level].is_empty());
        let level = occupied()
            .filter(|&level| self.passed[level] >= max_bypass)
            .max_by_key(|&level| self.passed[level])
            .or_else(|| occupied().next_back())?;
        self.levels[level].pop().map(|waiting| (level, waiting))
    }

    /// Counts that one of `level` was served while those below had somebody waiting.
    ///
    /// Separate from [`Self::pop`]: who is taken out but cannot go had no turn.
    pub(super) fn served(&mut self, level: usize, somebody_waits: impl Fn(usize) -> bool) {
        self.passed[level] = 0;
        for below in (0..level).filter(|&below| somebody_waits(below)) {
            self.passed[below] += 1;
        }
    }

    pub(super) fn has_waiting(&self) -> [bool; LEVELS] {
        std::array::from_fn(|level| !self.levels[level].is_empty())
    }
}
