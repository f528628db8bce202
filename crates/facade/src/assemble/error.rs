use std::path::PathBuf;

use core_types::{ErrorClass, PortError, RunId};

/// Why a run could not be begun, taken up or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Configuration, plans and playbooks: all findings with their places.
    #[error("the input is not valid:{}", indented(.0))]
    Config(config::Findings),
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
    #[error("the forge could not be opened")]
    Forge(#[source] forges::Error),
    /// Another process holds the run.
    #[error("another process is working on run {run}")]
    Held {
        /// Which run.
        run: RunId,
    },
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
    #[error("could not {operation} {path}")]
    Io {
        /// What was tried: `read`, `create`, `publish in`.
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
    /// What was done about issues on forges could not be read or written down.
    #[error("what was done about issues on forges could not be read or written down")]
    Followed(#[source] journal::Error),
    /// A repository could not be used.
    #[error(transparent)]
    Git(#[from] git_workspace::Error),
    /// The ledger, prices or an estimate.
    #[error(transparent)]
    Cost(#[from] cost::Error),
    /// What was learnt.
    #[error(transparent)]
    Learning(#[from] learning::Error),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The run stopped before its end.
    #[error(transparent)]
    Workflow(#[from] engine_workflow::Error),
}

impl From<config::Findings> for Error {
    fn from(findings: config::Findings) -> Self {
        Self::Config(findings)
    }
}

/// Findings as lines below a message.
fn indented(findings: &config::Findings) -> String {
    let findings = findings.to_string();
    findings.lines().map(|line| format!("\n  {line}")).collect()
}

impl Error {
    /// What opening a run's journal gave.
    pub(crate) fn journal(run: &RunId, source: engine_checkpoint::Error) -> Self {
        let run = run.clone();
        match source {
            engine_checkpoint::Error::Locked { .. } => Self::Held { run },
            source => Self::Journal { run, source },
        }
    }

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
            Self::Held { .. } => ErrorClass::Conflict,
            Self::Forge(error) => error.class(),
            Self::Journal { source, .. } => source.class(),
            Self::Record { .. } => ErrorClass::Internal,
            Self::Io {
                operation: "read",
                source,
                ..
            } if source.kind() == std::io::ErrorKind::NotFound => ErrorClass::NotFound,
            Self::Io { .. } | Self::Write(_) | Self::Followed(_) => ErrorClass::ResourceExhausted,
            Self::Git(error) => error.class(),
            Self::Cost(error) => error.class(),
            Self::Learning(error) => error.class(),
            Self::Port(error) => error.class(),
            Self::Workflow(error) => error.class(),
        }
    }

    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Request { hint, .. } if !hint.is_empty() => Some(hint),
            Self::NoRun { .. } => {
                Some("`automation status` lists the runs; --home names another home")
            }
            Self::Held { .. } => {
                Some("`automation status` shows it; end that process first, or let it work")
            }
            _ => None,
        }
    }
}
