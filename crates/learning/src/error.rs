use core_types::{ErrorClass, PortError};

use crate::LessonId;

/// Why what was learnt could not be read, written or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The journal could not be read or written.
    #[error("could not use the journal of feedback")]
    Journal(#[source] journal::Error),
    /// A record that this version cannot read.
    #[error("record {seq} of the journal of feedback has version {found}, newer than {supported}")]
    NewerRecord {
        /// Its place in the journal.
        seq: u64,
        /// Its version.
        found: u16,
        /// The newest version this program reads.
        supported: u16,
    },
    /// A record could not be written as JSON.
    #[error("could not write a record")]
    Encode(#[source] serde_json::Error),
    /// No lesson has this id.
    #[error("there is no lesson {lesson}")]
    UnknownLesson {
        /// The id.
        lesson: LessonId,
    },
    /// A text that is no id of a lesson.
    #[error("{text:?} is not a lesson: expected L and a number, such as L17")]
    InvalidLesson {
        /// The text, cut to 40 characters.
        text: String,
    },
    /// A lesson without any text, or with one that is too long.
    #[error("a lesson of {bytes} bytes: expected 1 to {limit}")]
    LessonLength {
        /// How long it is once white space is made one.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The lesson is retired.
    #[error("lesson {lesson} is retired")]
    Retired {
        /// The lesson.
        lesson: LessonId,
    },
    /// No execution was recorded with these ids.
    #[error("there is no record of attempt {attempt} at task {task} in run {run}")]
    UnknownExecution {
        /// The run.
        run: String,
        /// The task.
        task: String,
        /// The attempt.
        attempt: u32,
    },
    /// A plan of looks that bounds nothing.
    #[error("the plan of looks is not valid: {reason}")]
    InvalidPlan {
        /// What does not hold.
        reason: &'static str,
    },
    /// The share of tasks for trials is no share.
    #[error("a share of {share} of the tasks for trials: expected 0 to 1")]
    InvalidShare {
        /// The share.
        share: f64,
    },
    /// A figure of a record is outside its range.
    #[error("{what} is {value}: expected {expected}")]
    InvalidFigure {
        /// The figure's name.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// The file's part that is ours was changed by hand.
    #[error("line {line} of the exported lessons {problem}")]
    EditedExport {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, as the rest of a sentence.
        problem: &'static str,
    },
    /// Removed records could not be taken from the disk; nothing was changed.
    #[error("could not remove {}", path.display())]
    CannotRemove {
        /// The folder that holds them.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The journal goes on in a folder that is not there.
    #[error("the journal of feedback goes on in {}, which is missing", path.display())]
    MissingSuccessor {
        /// The folder.
        path: std::path::PathBuf,
    },
    /// The work was cut off by the end of the runtime.
    #[error("the work on the journal of feedback was cut off")]
    CutOff(#[source] tokio::task::JoinError),
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Journal(error) => match error.class_hint() {
                journal::ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                journal::ClassHint::Conflict => ErrorClass::Conflict,
                journal::ClassHint::Validation => ErrorClass::Validation,
                journal::ClassHint::Internal => ErrorClass::Internal,
            },
            Self::NewerRecord { .. }
            | Self::InvalidLesson { .. }
            | Self::LessonLength { .. }
            | Self::InvalidPlan { .. }
            | Self::InvalidShare { .. }
            | Self::InvalidFigure { .. }
            | Self::EditedExport { .. } => ErrorClass::Validation,
            Self::UnknownLesson { .. } | Self::UnknownExecution { .. } => ErrorClass::NotFound,
            Self::Retired { .. } => ErrorClass::Conflict,
            Self::CannotRemove { .. } => ErrorClass::ResourceExhausted,
            Self::CutOff(_) | Self::Encode(_) | Self::MissingSuccessor { .. } => {
                ErrorClass::Internal
            }
        }
    }

    pub(crate) fn into_port_error(self, operation: &'static str) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        if let journal::Error::Replay { seq, source } = &error
            && let Some(newer) = source.downcast_ref::<Newer>()
        {
            return Self::NewerRecord {
                seq: *seq,
                found: newer.found,
                supported: newer.supported,
            };
        }
        Self::Journal(error)
    }
}

/// What the fold answers to a record that is newer than it.
#[derive(Debug, thiserror::Error)]
#[error("version {found} is newer than {supported}")]
pub(crate) struct Newer {
    pub(crate) found: u16,
    pub(crate) supported: u16,
}
