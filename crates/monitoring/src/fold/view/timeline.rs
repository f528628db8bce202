use core_types::{Stage, TaskId, Timestamp};
use serde::Serialize;

/// When what happened in a run, for a Gantt chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// The left end: when the run began.
    pub from: Timestamp,
    /// The right end: now, or the end of the last session.
    pub to: Timestamp,
    /// The stages that were begun, in order.
    pub stages: Vec<Span<Stage>>,
    /// The sessions: when a process held the run. Between them nothing happened.
    pub sessions: Vec<Span<u32>>,
    /// One a task, in the order of the plan.
    pub lanes: Vec<Lane>,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span<T> {
    /// What it is of.
    pub of: T,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; `None` while it goes on.
    pub to: Option<Timestamp>,
}

/// The row of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Which.
    pub task: TaskId,
    /// In order, without gaps from the first to the last; empty before the plan is settled.
    pub segments: Vec<Segment>,
}

/// A stretch of a task's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// What it did or waited for.
    pub kind: SegmentKind,
    /// The attempt it belongs to; 0 before the first.
    pub attempt: u32,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; `None` while it goes on.
    pub to: Option<Timestamp>,
}

/// What a task did or waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    /// It was planned, and waited for dependencies or repositories.
    Scheduled,
    /// It waited for a worker slot.
    Queued,
    /// It had a worker slot.
    Running,
    /// It ran, and the run was killed: that execution was repeated.
    Lost,
    /// It waited out a backoff, or was parked.
    Retry,
    /// A failure was repaired.
    Recovery,
    /// No process held the run.
    Paused,
}

impl SegmentKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Lost,
        Self::Retry,
        Self::Recovery,
        Self::Paused,
    ];

    /// The kind's name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Lost => "lost",
            Self::Retry => "retry",
            Self::Recovery => "recovery",
            Self::Paused => "paused",
        }
    }
}
