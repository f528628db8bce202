use core_types::{BranchName, ErrorClass, IssueNumber, OperationId, PortError};

/// Why a forge refused or failed; the source of the [`PortError`] that a
/// provider returns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No constructor has this kind.
    #[error("forge \"{forge}\" has the unknown kind \"{kind}\"; known are: {known}")]
    UnknownKind {
        /// The forge's name.
        forge: String,
        /// Its kind.
        kind: String,
        /// All known kinds, sorted.
        known: String,
    },
    /// A title or comment without any visible character.
    #[error("the {what} is empty")]
    EmptyText {
        /// `title`, `comment` or `label`.
        what: &'static str,
    },
    /// A title of several lines.
    #[error("the title has more than one line")]
    TitleLines,
    /// The repository has no issue of this number.
    #[error("there is no issue {number}")]
    NoIssue {
        /// The number.
        number: IssueNumber,
    },
    /// The repository has no pull request of this number.
    #[error("there is no pull request {number}")]
    NoPullRequest {
        /// The number.
        number: IssueNumber,
    },
    /// The repository has neither an issue nor a pull request of this number.
    #[error("there is no issue or pull request {number}")]
    NoSubject {
        /// The number.
        number: IssueNumber,
    },
    /// The repository has no comment of this id.
    #[error("there is no comment {id}")]
    NoComment {
        /// The id.
        id: u64,
    },
    /// A pull request is open for the same branches.
    #[error("pull request {number} is open for {head} into {base}")]
    AlreadyOpen {
        /// Its number.
        number: IssueNumber,
        /// The branch that holds the change.
        head: BranchName,
        /// The branch it is to be merged into.
        base: BranchName,
    },
    /// A pull request from a branch into itself.
    #[error("head and base are both {branch}")]
    SameBranch {
        /// The branch.
        branch: BranchName,
    },
    /// The operation id already marks a mutation of another kind.
    #[error("operation id \"{operation}\" already marks another mutation")]
    OperationReused {
        /// The id.
        operation: OperationId,
    },
    /// A record that this version cannot read.
    #[error("a record has version {found}, newer than {supported}")]
    NewerRecord {
        /// Its version.
        found: u16,
        /// The newest version this program reads.
        supported: u16,
    },
    /// The journal could not be read or written.
    #[error("could not use the forge's journal")]
    Journal(#[from] journal::Error),
    /// A thread of ours ended early.
    #[error("the work on the forge's journal was cut off")]
    CutOff(#[from] tokio::task::JoinError),
    /// A record could not be written as JSON.
    #[error("could not write a record")]
    Record(#[from] serde_json::Error),
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownKind { .. }
            | Self::EmptyText { .. }
            | Self::TitleLines
            | Self::SameBranch { .. }
            | Self::NewerRecord { .. } => ErrorClass::Validation,
            Self::NoIssue { .. }
            | Self::NoPullRequest { .. }
            | Self::NoSubject { .. }
            | Self::NoComment { .. } => ErrorClass::NotFound,
            Self::AlreadyOpen { .. } | Self::OperationReused { .. } => ErrorClass::Conflict,
            Self::Journal(error) => match error.class_hint() {
                journal::ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                journal::ClassHint::Conflict => ErrorClass::Conflict,
                journal::ClassHint::Validation => ErrorClass::Validation,
                journal::ClassHint::Internal => ErrorClass::Internal,
            },
            Self::CutOff(_) | Self::Record(_) => ErrorClass::Internal,
        }
    }

    pub(crate) fn into_port_error(self, operation: &'static str) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}
