//! What can go wrong, and the class of each.

use std::{io, path::PathBuf};

use core_types::{BranchName, CommitId, ErrorClass, PortError, RefName};

/// A git operation could not be done. It reads after "failed to …: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is not in a git repository.
    #[error("{} is not in a git repository; run `git init` there, or name another folder", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// The repository has no commit yet.
    #[error("the repository {} has no commit yet; commit something first", path.display())]
    Empty {
        /// The repository.
        path: PathBuf,
    },
    /// The repository has no such branch.
    #[error("the repository {} has no branch {branch}; it has {}", path.display(), list(known))]
    NoBranch {
        /// The repository.
        path: PathBuf,
        /// The branch asked for.
        branch: BranchName,
        /// The first branches that it has, sorted.
        known: Vec<String>,
    },
    /// The repository does not hold the commit.
    #[error("there is no commit {commit} in {}", path.display())]
    NoCommit {
        /// The repository.
        path: PathBuf,
        /// The commit asked for.
        commit: String,
    },
    /// A URL that is none of a repository on a server.
    #[error("the URL {url:?} is not valid: {why}")]
    InvalidUrl {
        /// The URL, without its user part.
        url: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A repository on a server could not be read or written.
    #[error("{url}: {}", said.trim())]
    Remote {
        /// Its URL.
        url: String,
        /// The end of what git said; without credentials.
        said: String,
        /// What it means for the caller.
        class: ErrorClass,
    },
    /// A repository on a server has no such branch.
    #[error("{url} has no branch {branch}")]
    NoRemoteBranch {
        /// Its URL.
        url: String,
        /// The branch.
        branch: String,
    },
    /// Only branches below `automation/` are ours to set.
    #[error("branch {branch} is not below automation/")]
    NotOurs {
        /// The branch.
        branch: BranchName,
    },
    /// The branch to be set is checked out.
    #[error("branch {branch} is checked out in {}; switch to another branch there", folder.display())]
    CheckedOut {
        /// The branch.
        branch: BranchName,
        /// The folder of the checkout.
        folder: PathBuf,
    },
    /// A reference does not hold what was expected.
    #[error("{name} holds {}, expected {}", held(found.as_ref()), held(expected.as_ref()))]
    RefChanged {
        /// The reference.
        name: RefName,
        /// What it should hold.
        expected: Option<CommitId>,
        /// What it holds.
        found: Option<CommitId>,
    },
    /// The commit does not contain what the branch points to, so that moving it would lose commits.
    #[error("{commit} does not contain {expected}, which {branch} points to")]
    NotFastForward {
        /// The target branch.
        branch: BranchName,
        /// What it points to.
        expected: CommitId,
        /// The commit to land.
        commit: CommitId,
    },
    /// Two commits have no common ancestor.
    #[error("{ours} and {theirs} have no common ancestor")]
    Unrelated {
        /// One.
        ours: CommitId,
        /// The other.
        theirs: CommitId,
    },
    /// A file is to be settled that the merge does not hold.
    #[error("the merge holds no file {path}")]
    NoFile {
        /// The path relative to the repository.
        path: String,
    },
    /// Somebody holds one of git's lock files.
    #[error("{} is held by another git command; if none runs there, remove the file", file.display())]
    Locked {
        /// The lock file.
        file: PathBuf,
    },
    /// The agent left something that git refuses to record.
    #[error("git cannot record what {} holds: {stderr}", folder.display())]
    Unrecordable {
        /// The clone.
        folder: PathBuf,
        /// git's own words.
        stderr: String,
    },
    /// git is older than what is needed.
    #[error("git {found} is too old; install git {needed} or newer")]
    TooOld {
        /// The installed version.
        found: String,
        /// The oldest version that works.
        needed: &'static str,
    },
    /// A git command ended otherwise than it should.
    #[error("git {command} {exit}: {stderr}")]
    Git {
        /// The subcommand.
        command: &'static str,
        /// How it ended.
        exit: process::Exit,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
    /// A git command wrote what it never should.
    #[error("git {command} gave an answer that cannot be read")]
    Answer {
        /// The subcommand.
        command: &'static str,
    },
    /// git could not be started.
    #[error("git could not be run")]
    Launch(#[from] process::Error),
    /// A file operation of ours failed.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// What the system says, in the C locale, when there is no room or no right.
const EXHAUSTED: &[&str] = &[
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "Permission denied",
    "Too many open files",
    "Cannot allocate memory",
    "Resource temporarily unavailable",
    // Of files in a checkout, git does not say why.
    "unable to write file",
];

impl Error {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Remote { class, .. } => *class,
            Self::InvalidUrl { .. }
            | Self::NotARepository { .. }
            | Self::Empty { .. }
            | Self::NotOurs { .. }
            | Self::NotFastForward { .. }
            | Self::Unrelated { .. }
            | Self::Unrecordable { .. }
            | Self::NoFile { .. }
            | Self::TooOld { .. } => ErrorClass::Validation,
            Self::NoBranch { .. } | Self::NoRemoteBranch { .. } | Self::NoCommit { .. } => {
                ErrorClass::NotFound
            }
            Self::CheckedOut { .. } | Self::RefChanged { .. } => ErrorClass::Conflict,
            Self::Locked { .. } => ErrorClass::Transient,
            Self::Git {
                exit: process::Exit::TimedOut,
                ..
            } => ErrorClass::Timeout,
            Self::Git { stderr, .. } if EXHAUSTED.iter().any(|text| stderr.contains(text)) => {
                ErrorClass::ResourceExhausted
            }
            Self::Git { .. } | Self::Answer { .. } => ErrorClass::Internal,
            Self::Launch(error) => match error {
                process::Error::NotFound { .. } => ErrorClass::NotFound,
                process::Error::Io { .. } | process::Error::PermissionDenied { .. } => {
                    ErrorClass::ResourceExhausted
                }
                _ => ErrorClass::Internal,
            },
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::OutOfMemory => ErrorClass::ResourceExhausted,
                io::ErrorKind::NotFound => ErrorClass::NotFound,
                // EMFILE and ENFILE have no kind.
                _ if matches!(source.raw_os_error(), Some(23 | 24)) => {
                    ErrorClass::ResourceExhausted
                }
                _ => ErrorClass::Internal,
            },
        }
    }

    /// The same as a port's error; `operation` completes "failed to …".
    pub(crate) fn during(self, operation: impl Into<std::borrow::Cow<'static, str>>) -> PortError {
        PortError::new(self.class(), operation).because(self)
    }
}

fn held(commit: Option<&CommitId>) -> &str {
    commit.map_or("nothing", CommitId::as_str)
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
