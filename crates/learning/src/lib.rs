//! What earlier runs teach: records of what was done and what came of it, and lessons that are believed on
//! evidence only.

mod chance;
mod error;
mod experiment;
mod export;
mod feedback;
mod figure;
mod index;
mod lesson;
mod record;
mod scrub;
pub mod simulate;
mod store;

pub use error::Error;
pub use experiment::{Arm, Draw, Exploration, Exposure, Look, LookPlan, LookTaken, Ruling, Verdict};
pub use export::check as check_export;
pub use feedback::{
    Advisor, FeedbackLoop, LearningStats, LessonAccount, LessonCounts, LessonFigures, Options,
    Proposed, Recorded, Similar,
};
pub use figure::Figure;
pub use lesson::{
    Lesson, LessonId, LessonKind, LessonScope, NewLesson, Origin, RetiredBecause, Source, Status,
    guidance,
};
pub use record::{Execution, KeepPrompts, Outcome, OutcomeChange, Provenance, Trust};
pub use scrub::{Scrubbed, scrub};
