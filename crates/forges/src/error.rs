use std::fmt;

use core_types::{
    BranchName, CommitId, ErrorClass, IssueNumber, OperationId, PortError, Reference,
};

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
    /// A label that the forge would take for two.
    #[error("the label {label:?} has a comma, which this forge takes for its end")]
    InvalidLabel {
        /// The label.
        label: String,
    },
    /// Our own pull request is to be approved.
    #[error("pull request {} is our own, and nobody approves what is theirs", shown(*number))]
    OwnPullRequest {
        /// Its number.
        number: IssueNumber,
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
    #[error("there is no pull request {}", shown(*number))]
    NoPullRequest {
        /// The number.
        number: IssueNumber,
    },
    /// The repository has neither an issue nor a pull request of this number.
    #[error("there is no issue or pull request {}", shown(*number))]
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
    #[error("pull request {} is open for {head} into {base}", shown(*number))]
    AlreadyOpen {
        /// Its number.
        number: IssueNumber,
        /// The branch that holds the change.
        head: BranchName,
        /// The branch it is to be merged into.
        base: BranchName,
    },
    /// A pull request is to be merged at another commit than its head.
    #[error("pull request {} proposes {found}, not {expected}", shown(*number))]
    HeadMoved {
        /// Its number.
        number: IssueNumber,
        /// The commit that was to be merged.
        expected: CommitId,
        /// The commit that it proposes.
        found: CommitId,
    },
    /// A pull request that was closed is to be merged.
    #[error("pull request {} was closed without a merge", shown(*number))]
    ClosedUnmerged {
        /// Its number.
        number: IssueNumber,
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
    /// A forge's URL that would send the token in the clear.
    #[error("the URL {url:?} has no TLS: expected https://, or http:// for this machine alone")]
    Plain {
        /// The URL.
        url: String,
    },
    /// A token that no header can carry, or none at all.
    #[error("the token is not valid: expected visible ASCII, not empty")]
    InvalidToken,
    /// An owner or name of a repository that is no part of a path.
    #[error("{slug:?} names no repository: expected letters, digits and . _ -")]
    InvalidSlug {
        /// What was given.
        slug: String,
    },
    /// The forge answers with a refusal.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A pull request cannot be merged as it is.
    #[error("pull request {} cannot be merged: {why}", shown(*number))]
    NotMergeable {
        /// Its number.
        number: IssueNumber,
        /// What stands in the way.
        why: &'static str,
        /// Whether that may pass by itself.
        class: ErrorClass,
    },
    /// A pull request's base holds its head already, and the forge does not let us mark it as merged.
    #[error(
        "the base of pull request {} holds it already, and the repository's settings do not \
         allow to mark it as merged by hand",
        shown(*number)
    )]
    HeldByBase {
        /// Its number.
        number: IssueNumber,
    },
    /// A forge says that it has merged, and does not show it.
    #[error("the forge says that it has merged pull request {}, and shows {found}", shown(*number))]
    Unclear {
        /// Its number.
        number: IssueNumber,
        /// What it shows.
        found: String,
    },
    /// A pull request that was merged is to be opened or closed.
    #[error("pull request {} was merged", shown(*number))]
    WasMerged {
        /// Its number.
        number: IssueNumber,
    },
    /// The forge answers with something other than its description says.
    #[error("{origin} answers {what} that is not valid: {found:?}")]
    Unexpected {
        /// Scheme, host and port.
        origin: String,
        /// What was read.
        what: &'static str,
        /// What was found.
        found: String,
    },
    /// A request could not be sent, or its answer not read.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Http(#[from] perf_utils::http::Error),
    /// The limits of the account allow no call now.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Governor(#[from] perf_utils::governor::Error),
}

/// What a forge says when it refuses, or fails.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Scheme, host and port.
    pub origin: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status.
    pub status: u16,
    /// What the forge says, in a line; never a token.
    pub message: String,
    /// What it means for the caller.
    pub class: ErrorClass,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            method,
            path,
            status,
            message,
            ..
        } = self;
        write!(f, "{origin} answers {status} to {method} {path}: {message}")
    }
}

/// A number in a sentence: `12`, or `!12` where pull requests are numbered apart.
fn shown(number: IssueNumber) -> String {
    let shown = Reference(number).to_string();
    shown.trim_start_matches('#').to_owned()
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownKind { .. }
            | Self::EmptyText { .. }
            | Self::InvalidLabel { .. }
            | Self::OwnPullRequest { .. }
            | Self::TitleLines
            | Self::SameBranch { .. }
            | Self::Plain { .. }
            | Self::InvalidToken
            | Self::HeldByBase { .. }
            | Self::InvalidSlug { .. }
            | Self::NewerRecord { .. } => ErrorClass::Validation,
            Self::NoIssue { .. }
            | Self::NoPullRequest { .. }
            | Self::NoSubject { .. }
            | Self::NoComment { .. } => ErrorClass::NotFound,
            Self::AlreadyOpen { .. }
            | Self::HeadMoved { .. }
            | Self::ClosedUnmerged { .. }
            | Self::WasMerged { .. }
            | Self::OperationReused { .. } => ErrorClass::Conflict,
            Self::Journal(error) => match error.class_hint() {
                journal::ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                journal::ClassHint::Conflict => ErrorClass::Conflict,
                journal::ClassHint::Validation => ErrorClass::Validation,
                journal::ClassHint::Internal => ErrorClass::Internal,
            },
            Self::Refused(refusal) => refusal.class,
            Self::NotMergeable { class, .. } => *class,
            Self::Unclear { .. } => ErrorClass::UnknownOutcome,
            Self::CutOff(_) | Self::Record(_) | Self::Unexpected { .. } => ErrorClass::Internal,
            #[cfg(feature = "remote")]
            Self::Http(error) => error.class(),
            #[cfg(feature = "remote")]
            Self::Governor(error) => error.class(),
        }
    }

    pub(crate) fn into_port_error(self, operation: &'static str) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}
