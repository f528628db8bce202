//! Durable steps, checkpoints, events and inboxes of runs, as views of
//! journals; and checkpoints and plan states for use by themselves.
//!
//! ```
//! use core_types::{Clock, Event, RunId, SystemClock};
//! use engine_checkpoint::{Options, RunHeader, RunJournal, RunView};
//! use serde_json::json;
//!
//! # async fn example(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let header = RunHeader::new(RunId::new("run-1")?, SystemClock.now(), json!({"issue": 7}));
//! let run = RunJournal::create(dir.join("journal"), &Options::default(), header)?;
//! run.events().emit(None, Event::Warning { message: "careful".to_owned() });
//! run.events().flush().await?;
//!
//! // In any process, at any time:
//! let view = RunView::read(dir.join("journal"))?;
//! assert_eq!(view.header().data["issue"], 7);
//! assert_eq!(view.events().count(), 1);
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir()?;
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(folder.path()))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Model
//!
//! - A run has one journal, the only authority on it. [`RunJournal`] holds it for the life of the
//!   run's process and gives its views: the step log, the checkpoints, the events.
//! - [`RunView`] reads a run from any process; what it shows is a fold of the records.
//! - [`FileInbox`] takes what other processes say to a run.
//! - [`CheckpointManager`] and [`StateManager`] keep checkpoints and plan states alone, in folders
//!   that several processes share.
//!
//! The kinds of records are listed in [`kind`].
//!
//! # Guarantees
//!
//! - What a call has answered with `Ok` is on disk and survives `kill -9` and power loss; events are
//!   when the next record of a step, a checkpoint or a flush is.
//! - An event that was emitted before a step's record is on disk whenever that record is.
//! - Order is the journal's sequence number, never a clock or a name. Two checkpoints of one instant
//!   are two.
//! - Plans are told apart by their whole names. Reading creates nothing.
//! - A full or read-only disk is an error of class `ResourceExhausted`; the earlier state is intact
//!   and readable. The handle that met it takes no more writes: open again to go on.
//! - Damage is an error that names its place; a newer format is refused by name; records of unknown
//!   kinds are passed over and kept.
//! - Clean-up never removes the last checkpoint of a plan that is not marked as finished.
//!
//! # Limits
//!
//! Results, checkpoints and, in a view, events are held in memory. Opening replays the whole journal.
//! What was removed is hidden, its space is not yet given back.

mod error;
mod inbox;
pub mod kind;
mod manager;
mod options;
mod record;
mod run;
mod shared;
mod state;
mod table;

pub use error::Error;
pub use inbox::FileInbox;
pub use manager::CheckpointManager;
pub use options::Options;
pub use run::{EventTail, RecordedStep, RunHeader, RunJournal, RunView};
pub use state::{PlanState, StateManager};
pub use table::Retention;
