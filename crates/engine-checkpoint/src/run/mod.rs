//! A run's journal: written by the process that holds the run, read by any.

mod journal;
mod progress;
mod state;
mod tail;
mod view;

pub use journal::RunJournal;
pub use state::{RecordedStep, RunHeader};
pub use tail::EventTail;
pub use view::RunView;
