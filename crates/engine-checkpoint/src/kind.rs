//! The kinds of records, in all journals of this crate.
//!
//! Numbers are never reused. Records of other kinds are passed over and stay
//! where they are. Every payload is a JSON object with its version as `v`.
//!
//! | kind | journal | meaning |
//! |---:|---|---|
//! | 1 | run | the run's header, always its first record |
//! | 2 | run | a process took the run |
//! | 3 | run | a value named by the caller; the last of a name counts |
//! | 16 | run | an execution of a step is about to act |
//! | 17 | run | a step's result |
//! | 18 | run | a person's consent to one more execution |
//! | 32 | run | an event |
//! | 48 | run, checkpoints | a checkpoint |
//! | 49 | checkpoints | checkpoints were removed |
//! | 50 | checkpoints | a plan is finished: its last checkpoint may be cleaned up |
//! | 64 | state | a plan's whole state after a transaction |
//! | 80 | inbox | a message to a run |
//! | 96 | summaries | what is kept of a run for good; the last of a run counts |

use journal::Kind;

/// The run's header.
pub const RUN_HEADER: Kind = Kind(1);
/// A process took the run.
pub const SESSION: Kind = Kind(2);
/// A value named by the caller.
pub const RUN_RECORD: Kind = Kind(3);
/// An execution of a step is about to act.
pub const STEP_BEGUN: Kind = Kind(16);
/// A step's result.
pub const STEP_FINISHED: Kind = Kind(17);
/// A person's consent to one more execution of a step.
pub const STEP_CONSENTED: Kind = Kind(18);
/// An event.
pub const EVENT: Kind = Kind(32);
/// A checkpoint.
pub const CHECKPOINT: Kind = Kind(48);
/// Checkpoints were removed.
pub const CHECKPOINTS_REMOVED: Kind = Kind(49);
/// A plan is finished.
pub const PLAN_FINISHED: Kind = Kind(50);
/// A plan's state after a transaction.
pub const PLAN_STATE: Kind = Kind(64);
/// A message to a run.
pub const MESSAGE: Kind = Kind(80);
/// What is kept of a run for good.
pub const RUN_SUMMARY: Kind = Kind(96);
