//! The feedback loop: what is called from outside.

mod account;
mod advise;
mod advisor;
mod export;
mod feedback_loop;
mod found;
mod guidance;
mod lessons;
mod options;
mod record;
mod stats;

pub use account::{LessonAccount, LessonFigures};
pub use advisor::Advisor;
pub use feedback_loop::FeedbackLoop;
pub use found::Found;
pub use lessons::Proposed;
pub use options::Options;
pub use record::{Recorded, Similar};
pub use stats::{LearningStats, LessonCounts};

pub(crate) use record::{hex, to_record};
