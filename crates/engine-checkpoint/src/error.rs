//! What can go wrong, and its class.

use std::path::PathBuf;

use core_types::{ErrorClass, PortError, StepKey};
use journal::{ClassHint, Kind};

/// Why a run, a checkpoint or a plan's state could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A live process holds the run.
    #[error("the journal in {} is held by a live process", dir.display())]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
    },
    /// The folder holds no run, or one whose creation was cut off.
    #[error("there is no run in {}", dir.display())]
    NoRun {
        /// The journal's folder.
        dir: PathBuf,
    },
    /// The folder holds a run or another journal already.
    #[error("there is a journal in {} already", dir.display())]
    Exists {
        /// The journal's folder.
        dir: PathBuf,
    },
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(journal::Error),
    /// A newer version of this program wrote a record.
    #[error("a record of kind {} has version {found}, newer than {supported}", kind.0)]
    NewerRecord {
        /// What the record is about.
        kind: Kind,
        /// Its version.
        found: u16,
        /// The newest version this program reads.
        supported: u16,
    },
    /// A record is not of the form that its kind and version demand.
    #[error("a record of kind {} has another form than its version demands", kind.0)]
    Unreadable {
        /// What the record is about.
        kind: Kind,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A step is recorded as finished that was never begun.
    #[error("step \"{key}\" is recorded as finished but not as begun")]
    Inconsistent {
        /// Which step.
        key: StepKey,
    },
    /// A value has no JSON form.
    #[error("a record could not be written as JSON")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
    /// A step's record says otherwise than its caller.
    #[error("step \"{key}\" {reason}")]
    Order {
        /// Which step.
        key: StepKey,
        /// What does not fit.
        reason: String,
    },
    /// A person's consent is for a step that was never begun.
    #[error("step \"{key}\" was never begun")]
    NotBegun {
        /// Which step.
        key: StepKey,
    },
    /// The name of a stage is empty or longer than 64 characters.
    #[error("the name of a stage has 1 to 64 characters, not {length}")]
    Stage {
        /// Its length in characters.
        length: usize,
    },
    /// The runtime was shut down, or the caller's function panicked.
    #[error("the work on the journal was ended")]
    Ended {
        /// How.
        source: tokio::task::JoinError,
    },
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Locked { .. } | Self::Exists { .. } | Self::Order { .. } => ErrorClass::Conflict,
            Self::NoRun { .. } => ErrorClass::NotFound,
            Self::NewerRecord { .. } | Self::NotBegun { .. } | Self::Stage { .. } => {
                ErrorClass::Validation
            }
            Self::Unreadable { .. }
            | Self::Inconsistent { .. }
            | Self::Encode { .. }
            | Self::Ended { .. } => ErrorClass::Internal,
            Self::Journal(journal::Error::Replay { source, .. }) => {
                let ours = source.downcast_ref::<Self>();
                ours.map_or(ErrorClass::Internal, Self::class)
            }
            Self::Journal(error) => match error.class_hint() {
                ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                ClassHint::Conflict => ErrorClass::Conflict,
                ClassHint::Validation => ErrorClass::Validation,
                ClassHint::Internal => ErrorClass::Internal,
            },
        }
    }

    /// The same as a port returns it; `operation` completes "failed to …".
    #[must_use]
    pub fn during(self, operation: &'static str) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Locked { dir } => Self::Locked { dir },
            error => Self::Journal(error),
        }
    }
}
