//! What can go wrong with a journal.

use std::{io, path::Path, path::PathBuf, sync::Arc};

use crate::format::Kind;

/// What a fold answers when it cannot take a record.
pub type FoldError = Box<dyn std::error::Error + Send + Sync>;

/// Why a journal could not be opened, read or written.
///
/// It is cheap to clone, since all appends that shared one flush share its failure.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another handle of this one, owns the journal.
    #[error("the journal in {} is in use by another process", dir.display())]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
    },
    /// The disk or the quota is full. What was acknowledged before is intact.
    #[error("no space left to {operation} {}", path.display())]
    Full {
        /// The file or folder acted on.
        path: PathBuf,
        /// What was tried, as a verb.
        operation: &'static str,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The file system or folder may not be written. What is there is intact.
    #[error("no permission to {operation} {}", path.display())]
    ReadOnly {
        /// The file or folder acted on.
        path: PathBuf,
        /// What was tried, as a verb.
        operation: &'static str,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Any other failure of a file operation.
    #[error("could not {operation} {}", path.display())]
    Io {
        /// The file or folder acted on.
        path: PathBuf,
        /// What was tried, as a verb.
        operation: &'static str,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Bytes before the tail are not what was written.
    #[error("{} is damaged at byte {offset}: {reason}; the last good record is {last_good_seq}", file.display())]
    Damaged {
        /// The damaged segment.
        file: PathBuf,
        /// Where in it the damage begins, in bytes.
        offset: u64,
        /// Sequence number of the last record that is whole, 0 for none.
        last_good_seq: u64,
        /// What does not hold.
        reason: &'static str,
    },
    /// A newer version of this program wrote the segment.
    #[error("{} has format {found}, newer than {supported}", file.display())]
    NewerFormat {
        /// The segment.
        file: PathBuf,
        /// Its format: version, then required features in hexadecimal.
        found: String,
        /// The newest version this program reads.
        supported: u16,
    },
    /// The payload is longer than the options allow. Nothing was written.
    #[error("a record of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// Length of the payload.
        bytes: usize,
        /// [`Options::max_record_bytes`](crate::Options::max_record_bytes).
        limit: usize,
    },
    /// The kind belongs to the journal itself. Nothing was written.
    #[error("kind {:#06x} is reserved", kind.0)]
    ReservedKind {
        /// The kind that was asked for.
        kind: Kind,
    },
    /// The caller's fold refused a record.
    #[error("could not apply record {seq}")]
    Replay {
        /// Sequence number of the record.
        seq: u64,
        /// What the fold said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// An earlier write or flush failed; nothing more is written until the journal is opened again.
    #[error("the journal takes no more writes after a failure")]
    Poisoned {
        /// The failure.
        source: Arc<Self>,
    },
    /// The thread that writes ended by a panic in the storage; as [`Error::Poisoned`].
    #[error("the journal's writer has stopped")]
    Stopped,
}

/// Which class of error the caller should report; the names are those of the engine's error classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassHint {
    /// Space or write access is missing: pause, and go on once it is back.
    ResourceExhausted,
    /// Someone else holds the journal.
    Conflict,
    /// The request cannot be met as it is.
    Validation,
    /// All else.
    Internal,
}

impl Error {
    /// The class of this error; of its cause, where the journal is poisoned.
    pub fn class_hint(&self) -> ClassHint {
        match self {
            Self::Full { .. } | Self::ReadOnly { .. } => ClassHint::ResourceExhausted,
            Self::Locked { .. } => ClassHint::Conflict,
            Self::TooLarge { .. } | Self::ReservedKind { .. } | Self::NewerFormat { .. } => {
                ClassHint::Validation
            }
            Self::Poisoned { source } => source.class_hint(),
            Self::Io { .. } | Self::Damaged { .. } | Self::Replay { .. } | Self::Stopped => {
                ClassHint::Internal
            }
        }
    }

    /// For `map_err`: a typed error from what the operating system said.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let (path, source) = (path.to_owned(), Arc::new(source));
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                    path,
                    operation,
                    source,
                },
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    Self::ReadOnly {
                        path,
                        operation,
                        source,
                    }
                }
                _ => Self::Io {
                    path,
                    operation,
                    source,
                },
            }
        }
    }

    pub(crate) fn poisoned_by(cause: &Self) -> Self {
        Self::Poisoned {
            source: Arc::new(cause.clone()),
        }
    }
}
