use std::path::PathBuf;

use core_types::{ErrorClass, PortError, RunId};

/// Why a run could not be begun, taken up or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Configuration, plans and playbooks: all findings with their places.
    #[error("{0}")]
    Config(#[from] config::Findings),
    /// The request cannot be met as it stands.
    #[error("{message}")]
    Request {
        /// What is wrong.
        message: String,
        /// How to mend it; may be empty.
        hint: String,
    },
    /// The agent as it is configured cannot be used.
    #[error("the agent cannot be used")]
    Agent(#[source] agents::Error),
    /// The forge could not be opened.
    #[error("the local forge could not be opened")]
    Forge(#[source] forges::Error),
    /// The run's journal could not be opened or read.
    #[error("run {run} could not be opened")]
    Journal {
        /// Which run.
        run: RunId,
        /// Why.
        #[source]
        source: engine_checkpoint::Error,
    },
    /// What a run has recorded cannot be read by this version.
    #[error("what run {run} has recorded cannot be read")]
    Record {
        /// Which run.
        run: RunId,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There is no such run.
    #[error("there is no run {run} in {home}")]
    NoRun {
        /// What was asked for.
        run: String,
        /// Where it was looked for.
        home: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("{operation} {path} failed")]
    Io {
        /// What was tried: `reading`, `creating`.
        operation: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A whole file could not be written.
    #[error("a file could not be written")]
    Write(#[source] journal::Error),
    /// A repository could not be used.
    #[error(transparent)]
    Git(#[from] git_workspace::Error),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The run stopped before its end.
    #[error(transparent)]
    Workflow(#[from] engine_workflow::Error),
}

impl Error {
    pub(crate) fn request(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Request {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Config(_) | Self::Request { .. } | Self::Agent(_) => ErrorClass::Validation,
            Self::NoRun { .. } => ErrorClass::NotFound,
            Self::Forge(error) => error.class(),
            Self::Journal { source, .. } => source.class(),
            Self::Record { .. } => ErrorClass::Internal,
            Self::Io { .. } | Self::Write(_) => ErrorClass::ResourceExhausted,
            Self::Git(error) => error.class(),
            Self::Port(error) => error.class(),
            Self::Workflow(error) => error.class(),
        }
    }

    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Request { hint, .. } if !hint.is_empty() => Some(hint),
            _ => None,
        }
    }
}
