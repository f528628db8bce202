//! What is to be run, as files name it.

use std::fmt;

use crate::yaml::{quoted, scalar};

/// A command in a file: a text is a shell line, a list is a program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A line for `sh -c`; never empty.
    Shell(String),
    /// A program and its arguments, run as they are.
    Program {
        /// A name looked up on PATH, or a path.
        program: String,
        /// What follows it.
        arguments: Vec<String>,
    },
}

impl Command {
    /// The command as one value on one line.
    pub(crate) fn to_yaml(&self) -> String {
        match self {
            Self::Shell(line) => scalar(line),
            Self::Program { program, arguments } => {
                let words: Vec<String> = [program]
                    .into_iter()
                    .chain(arguments)
                    .map(|word| quoted(word))
                    .collect();
                format!("[{}]", words.join(", "))
            }
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Program { program, arguments } => {
                f.write_str(program)?;
                arguments
                    .iter()
                    .try_for_each(|argument| write!(f, " {argument}"))
            }
        }
    }
}
