//! Why a task, a merge or a test did not succeed, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ErrorClass, PortError};

/// How much of some output a failure keeps; all failures of a run are in its journal.
const MAX_DETAIL_BYTES: usize = 4 << 10;

/// How much a message keeps of an error's chain.
const MAX_MESSAGE_BYTES: usize = 1 << 10;

/// The typed reason of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum FailureKind {
    /// The agent ended with an error.
    Agent,
    /// The agent's attempts were killed with the engine too often.
    KilledTooOften {
        /// How many executions were begun.
        executions: u32,
    },
    /// The agent changed nothing where a change was required.
    NoChange,
    /// The agent made repositories inside its clone; their files would be lost.
    NestedRepository {
        /// Their folders, relative to the clone, sorted.
        folders: Vec<String>,
    },
    /// The repository's set-up command failed.
    Setup,
    /// The repository's test command failed.
    Tests {
        /// The command as configured.
        command: String,
    },
    /// Merging met conflicts.
    MergeConflict {
        /// The conflicting paths, sorted.
        paths: Vec<String>,
    },
    /// A deadline passed.
    Deadline,
    /// A panic in the engine's own code.
    Panic,
    /// Anything else; the class says more.
    Other,
}

/// Why something did not succeed: typed for recovery, worded for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What recovery branches on.
    pub class: ErrorClass,
    /// What happened, as data.
    pub kind: FailureKind,
    /// One line for people.
    pub message: String,
    /// The end of the output, at most 4 KiB; may be empty.
    pub detail: String,
}

impl Failure {
    /// A failure without further detail.
    pub fn new(class: ErrorClass, kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            class,
            kind,
            message: message.into(),
            detail: String::new(),
        }
    }

    /// The same with some output, of which the last 4 KiB are kept.
    #[must_use]
    pub fn with_detail(mut self, output: impl Into<String>) -> Self {
        self.detail = output.into();
        let mut cut = self.detail.len().saturating_sub(MAX_DETAIL_BYTES);
        while !self.detail.is_char_boundary(cut) {
            cut += 1;
        }
        self.detail.drain(..cut);
        self
    }
}

impl From<&PortError> for Failure {
    fn from(error: &PortError) -> Self {
        let mut message = error.to_line();
        if message.len() > MAX_MESSAGE_BYTES {
            let mut end = MAX_MESSAGE_BYTES;
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
            message.push('…');
        }
        Self::new(error.class(), FailureKind::Other, message).with_detail(error.detail())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
