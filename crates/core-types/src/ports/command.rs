use std::{fmt::Debug, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{CancellationToken, PortError, StepRef};

/// A command as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandLine {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments; never empty.
    Program(Vec<String>),
}

impl std::fmt::Display for CommandLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Program(words) => f.write_str(&words.join(" ")),
        }
    }
}

/// What a command is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandPurpose {
    /// It prepares a clone.
    Setup,
    /// It verifies a clone.
    Test,
    /// It deploys what has landed.
    Deploy,
}

impl CommandPurpose {
    /// The purpose's name, as in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Test => "test",
            Self::Deploy => "deploy",
        }
    }
}

/// A command to be run.
#[derive(Debug, Clone)]
pub struct CommandRequest {
    /// The step it runs in, for its events.
    pub step: Option<StepRef>,
    /// What it is for.
    pub purpose: CommandPurpose,
    /// What to run.
    pub command: CommandLine,
    /// The folder to run it in.
    pub folder: PathBuf,
    /// Variables beside the allowed ones of the runner.
    pub environment: Vec<(String, String)>,
    /// When it is ended with its whole tree.
    pub timeout: Duration,
    /// How much of the end of its output the outcome keeps; [`CommandRequest::TAIL_BYTES`] where it is recorded.
    pub tail_bytes: usize,
    /// Where its whole output is appended, within the runner's limits; folders
    /// above it are made.
    pub log: PathBuf,
}

impl CommandRequest {
    /// What a recorded outcome keeps of the output.
    pub const TAIL_BYTES: usize = 4 << 10;
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended at its deadline.
    TimedOut,
}

impl Exit {
    /// Whether it exited with 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
        }
    }
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutcome {
    /// How it ended.
    pub exit: Exit,
    /// The end of its output and errors, at most the request's `tail_bytes`, as text.
    pub tail: String,
    /// How long it took.
    pub duration: Duration,
}

/// Runs set-up, test and build commands as contained child processes.
///
/// A command that cannot be started, or fails, is an outcome or an error of
/// class `NotFound` or `Validation`, never a panic. The whole process tree MUST
/// have ended when the call returns or is dropped.
#[async_trait]
pub trait CommandRunner: Debug + Send + Sync {
    /// Runs a command to its end.
    ///
    /// # Errors
    ///
    /// `NotFound` (program or folder), `Cancelled`, `ResourceExhausted`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the process tree.
    async fn run(
        &self,
        request: CommandRequest,
        cancel: &CancellationToken,
    ) -> Result<CommandOutcome, PortError>;
}
