use core_types::CommandLine;

use crate::Error;

/// What a user named as the agent on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentArgument {
    /// One word without a `/`: an agent of the configuration, or, where there
    /// is none of that name, a program.
    Name(String),
    /// A command of its own.
    Command(CommandLine),
}

/// Reads `--agent`: `sh:LINE` for a shell, `PROGRAM ARG…` parted at spaces, or
/// the name of a configured agent.
///
/// ```
/// use agents::{AgentArgument, parse_agent_argument};
/// use core_types::CommandLine;
///
/// assert_eq!(parse_agent_argument("coder")?, AgentArgument::Name("coder".into()));
/// assert_eq!(
///     parse_agent_argument("sh:sed -i s/a/b/ *.txt")?,
///     AgentArgument::Command(CommandLine::Shell("sed -i s/a/b/ *.txt".into())),
/// );
/// # Ok::<(), agents::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::EmptyCommand`], and [`Error::NeedsShell`] for quotes and other
/// signs that only a shell understands.
pub fn parse_agent_argument(text: &str) -> Result<AgentArgument, Error> {
    if let Some(line) = text.strip_prefix("sh:") {
        if line.trim().is_empty() {
            return Err(Error::EmptyCommand);
        }
        return Ok(AgentArgument::Command(CommandLine::Shell(line.to_owned())));
    }
    if text.contains(['\'', '"', '\\', '|', '&', ';', '<', '>', '$', '`', '*']) {
        let text = text.to_owned();
        return Err(Error::NeedsShell { text });
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    match words.as_slice() {
        [] => Err(Error::EmptyCommand),
        [name] if !name.contains('/') => Ok(AgentArgument::Name(name.clone())),
        _ => Ok(AgentArgument::Command(CommandLine::Program(words))),
    }
}
