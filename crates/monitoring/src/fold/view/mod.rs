//! What is shown of runs, as values.

mod many;
mod reason;
mod run;
mod spend;
mod summary;
mod task;
mod timeline;

pub use many::{
    Arm, Attention, AttentionKind, Costs, DayCount, History, Learning, Overview, RunRow,
};
pub use reason::{Explanation, Holder, Reason};
pub use run::{
    Edge, Eta, Graph, Header, Node, RecoveryRow, RepositoryRow, RunState, RunView, ServedLessons,
    TaskCounts, TaskRow, Told,
};
pub use spend::{Amounts, Call, Spend, SpendPoint};
pub use summary::{ForgeFigures, Moments, RunSummary, StageFigures, TaskFigures};
pub use task::{AttemptView, CommandRow, TaskView};
pub use timeline::{Lane, Segment, SegmentKind, Span, Timeline};
