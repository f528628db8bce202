use std::{io, time::Duration};

use core_types::{ErrorClass, Exit, ExitCodes, PortError, Spent, Usd};

use crate::exchange::AnswerError;

/// Why an agent could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No constructor has this kind.
    #[error("agent \"{agent}\" has the unknown kind \"{kind}\"; known are: {known}")]
    UnknownKind {
        /// The agent's name.
        agent: String,
        /// Its kind.
        kind: String,
        /// All known kinds, sorted.
        known: String,
    },
    /// The kind needs something that the agent's description lacks.
    #[error("agent \"{agent}\" of kind \"{kind}\" needs \"{key}\"")]
    Missing {
        /// The agent's name.
        agent: String,
        /// Its kind.
        kind: String,
        /// The missing key.
        key: &'static str,
    },
    /// A command without a program.
    #[error("the agent's command is empty")]
    EmptyCommand,
    /// A shell line where a program with arguments is needed.
    #[error(
        "agent \"{agent}\" needs a program and its arguments as a list, found the line {text:?}"
    )]
    NeedsProgram {
        /// The agent's name.
        agent: String,
        /// The line.
        text: String,
    },
    /// A provider that cannot be asked as it is configured.
    #[error("agent \"{agent}\" cannot ask its provider: {why}")]
    Provider {
        /// The agent's name.
        agent: String,
        /// What is wrong.
        why: String,
    },
    /// A template of prompts that cannot be used.
    #[error("{file}: {why}")]
    Prompt {
        /// The file or folder.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A command line that only a shell can read.
    #[error("{text:?} needs a shell: write \"sh:{text}\"")]
    NeedsShell {
        /// The command line.
        text: String,
    },
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Validation
    }
}

/// Why an agent's run has no result: the source of the [`PortError`] that
/// [`Agent::run`](core_types::Agent::run) returns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The agent's program is missing.
    #[error("agent program \"{program}\" was not found")]
    ProgramNotFound {
        /// The program.
        program: String,
    },
    /// The agent ended with an error.
    #[error("it {}{}", ended(*exit), last_line(tail))]
    Exited {
        /// How it ended.
        exit: Exit,
        /// The end of its output and errors, at most 4 KiB.
        tail: String,
    },
    /// It ended with an error, and says in its answer what it was.
    #[error("{}", said(message, *exit))]
    Answered {
        /// The class that it names.
        class: ErrorClass,
        /// Its message; may be empty.
        message: String,
        /// How it ended.
        exit: Exit,
        /// The end of its output and errors, at most 4 KiB.
        tail: String,
    },
    /// Its deadline passed; its whole process tree was ended.
    #[error("it did not end within {after:?}")]
    TimedOut {
        /// The deadline, from its start.
        after: Duration,
    },
    /// It told of nothing for too long; its whole process tree was ended.
    #[error("it told of nothing for {after:?} and was ended")]
    Silent {
        /// For how long.
        after: Duration,
    },
    /// It ended as if it had done its work, and told of no result.
    #[error("it ended without a result{}", last_line(tail))]
    NoResult {
        /// The end of what it wrote to standard error, at most 4 KiB.
        tail: String,
    },
    /// Its provider refuses, or cannot be reached.
    #[error("{}", one_line(message))]
    Provider {
        /// What its answer means.
        class: ErrorClass,
        /// What it says.
        message: String,
    },
    /// It has no model to ask for.
    #[error("it has no model: give its entry a `model`")]
    NoModel,
    /// It did not come to an end.
    #[error("it did not come to an end in {turns} answers of its model")]
    TooManyTurns {
        /// How many it may take.
        turns: u32,
    },
    /// It has spent what was set aside for it, and there is no more; its whole
    /// process tree was ended.
    #[error("it reported {reported} USD and was ended, since there is no more")]
    BudgetSpent {
        /// What it had reported.
        reported: Usd,
        /// Why there is no more.
        source: PortError,
    },
    /// A person or a shutdown stopped it; its whole process tree was ended.
    #[error("it was cancelled")]
    Cancelled,
    /// What it answered cannot be used.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// It was asked for something that it does not do.
    #[error("it cannot do the {stage} stage")]
    CannotDo {
        /// The stage.
        stage: &'static str,
    },
    /// The files of the request could not be written or read.
    #[error("could not {operation} in its scratch folder")]
    Scratch {
        /// What was tried.
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The process could not be run.
    #[error("could not run its program")]
    Process(#[source] process::Error),
    /// The process could not be announced before it ran.
    #[error("could not record its process")]
    Record(#[source] PortError),
    /// The playbook has nothing for this name.
    #[error("the playbook has no {what} \"{name}\"; known are: {known}")]
    NotInPlaybook {
        /// `task`, `repository`, `conflict of` or `tests of`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// All known names.
        known: String,
    },
    /// The playbook says so.
    #[error("{message}")]
    Scripted {
        /// Its message.
        message: String,
        /// Its class.
        class: ErrorClass,
    },
    /// A part of the path is a symbolic link.
    #[error("the path \"{path}\" leads through a symbolic link")]
    ThroughLink {
        /// The path.
        path: String,
    },
    /// It is a folder, a pipe or a device.
    #[error("\"{path}\" is no plain file")]
    NotPlain {
        /// The path.
        path: String,
    },
    /// A file has more bytes than are read of one.
    #[error("the file \"{path}\" has more than {most_bytes} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// How many are read.
        most_bytes: u64,
    },
    /// The text to be replaced does not occur.
    #[error("the file \"{path}\" does not contain {text:?}")]
    TextNotFound {
        /// The file.
        path: String,
        /// The start of the text.
        text: String,
    },
    /// A file could not be edited.
    #[error("could not edit \"{path}\"")]
    Edit {
        /// The file.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl RunError {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::ProgramNotFound { .. } => ErrorClass::NotFound,
            Self::TimedOut { .. } | Self::Silent { .. } => ErrorClass::Timeout,
            Self::NoResult { .. } | Self::TooManyTurns { .. } => ErrorClass::Internal,
            Self::NoModel => ErrorClass::Validation,
            Self::Cancelled => ErrorClass::Cancelled,
            Self::Answer(_)
            | Self::CannotDo { .. }
            | Self::NotInPlaybook { .. }
            | Self::ThroughLink { .. }
            | Self::NotPlain { .. }
            | Self::TooLarge { .. }
            | Self::TextNotFound { .. } => ErrorClass::Validation,
            Self::BudgetSpent { .. } => ErrorClass::BudgetExceeded,
            Self::Record(source) => source.class(),
            Self::Process(source) => process_class(source),
            Self::Scratch { source, .. } | Self::Edit { source, .. } => io_class(source),
            Self::Scripted { class, .. }
            | Self::Answered { class, .. }
            | Self::Provider { class, .. } => *class,
            Self::Exited { exit, .. } => exit.class(ExitCodes::Sysexits),
        }
    }

    /// The port's error, which names the agent.
    pub(crate) fn into_port_error(self, agent: &str) -> PortError {
        let detail = match &self {
            Self::Exited { tail, .. } | Self::Answered { tail, .. } | Self::NoResult { tail } => {
                tail.clone()
            }
            _ => String::new(),
        };
        let is_of_child = matches!(self, Self::Exited { .. } | Self::Answered { .. });
        let error = PortError::new(self.class(), format!("run agent \"{agent}\""))
            .because(self)
            .with_detail(detail);
        if is_of_child { error.of_child() } else { error }
    }
}

/// Why there is no answer, and what was spent nevertheless.
pub(crate) struct Failed {
    pub(crate) error: RunError,
    /// Boxed, since the error travels in many results.
    pub(crate) spent: Box<Spent>,
}

impl Failed {
    pub(crate) fn into_port_error(self, agent: &str) -> PortError {
        self.error.into_port_error(agent).having_spent(*self.spent)
    }
}

/// One that says nothing of what was spent.
impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        let spent = Spent {
            is_failure: true,
            ..Spent::default()
        };
        Self {
            error,
            spent: Box::new(spent),
        }
    }
}

fn process_class(error: &process::Error) -> ErrorClass {
    match error {
        process::Error::NotFound { .. } | process::Error::FolderNotFound { .. } => {
            ErrorClass::NotFound
        }
        process::Error::PermissionDenied { .. } | process::Error::InvalidArgument { .. } => {
            ErrorClass::Validation
        }
        process::Error::Spill { source, .. } => io_class(source),
        // Too many processes or descriptors.
        process::Error::Io { .. } => ErrorClass::ResourceExhausted,
        _ => ErrorClass::Internal,
    }
}

fn io_class(error: &io::Error) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::PermissionDenied => ErrorClass::ResourceExhausted,
        io::ErrorKind::NotFound => ErrorClass::NotFound,
        _ => ErrorClass::Internal,
    }
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
        Exit::TimedOut => "was ended at its deadline".to_owned(),
    }
}

/// A message in one line.
fn one_line(message: &str) -> String {
    let words = message.split(|c: char| c.is_control() || c.is_whitespace());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(500).collect()
}

/// The agent's message in one line, or how it ended.
fn said(message: &str, exit: Exit) -> String {
    let line = one_line(message);
    if line.is_empty() {
        format!("it {} and names no reason", ended(exit))
    } else {
        format!("it says: {line}")
    }
}

/// The last line of the output, as the end of a message in one line.
fn last_line(tail: &str) -> String {
    let last = tail
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    last.map_or_else(String::new, |line| {
        let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
        format!(", after saying: {line}")
    })
}
