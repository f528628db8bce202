//! What is recorded of an execution, and how it is stored.

mod execution;
mod outcome;
mod stored;

pub use execution::{Execution, KeepPrompts, KeptPrompt, Provenance, Trust};
pub use outcome::{Outcome, OutcomeChange};

pub(crate) use execution::check_confidence;
pub(crate) use stored::{
    AGGREGATE, CHANGED, Change, ChangedRecord, DRAW, DrawRecord, EXECUTION, ExecutionRecord,
    GUIDANCE, GuidanceRecord, KEPT, LESSON, LOOK, LessonRecord, LookRecord, MOVED, MovedRecord,
    OUTCOME, OutcomeRecord, REVIEWED, ROUND, Refused, ReviewRecord, ReviewedRecord, RoundRecord,
    Stored, VERSION,
};
