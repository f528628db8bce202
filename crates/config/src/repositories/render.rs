//! The file that `automation init` writes.

use crate::{
    command::Command,
    schema::REPOSITORY,
    yaml::{comment, scalar},
};

/// A repository that `automation init` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryChoice {
    /// Its name, a valid one.
    pub name: String,
    /// Whether it is the primary one.
    pub primary: bool,
    /// Its folder, relative to the home folder.
    pub path: String,
    /// Its target branch, where one could be told.
    pub default_branch: Option<String>,
    /// Prepares a fresh clone.
    pub setup_command: Option<Command>,
    /// Its tests; none is written as a comment that says what that means.
    pub test_command: Option<Command>,
    /// A line for the reader, such as from which file the test command was told; may be empty.
    pub comment: String,
}

const HEAD: &str = "The repositories that a run may work on. The first one, or the one with `primary: true`, is where the \
    issue lives and the run reports. A command is a line for the shell, or a list of a program and its arguments.\n\
    Further keys of a repository:";

/// Writes `config/repositories.yaml`. What is written is read without findings, if there is at least one choice, the
/// names are valid, none stands twice, no path is empty or has control characters, and at most one is primary.
pub fn render(choices: &[RepositoryChoice]) -> String {
    let mut text = comment("", HEAD);
    for key in REPOSITORY.iter().filter(|key| !WRITTEN.contains(&key.name)) {
        text.push_str(&comment("", &format!("- {}: {}", key.name, key.doc)));
    }
    text.push_str("\nrepositories:\n");
    for (idx, choice) in choices.iter().enumerate() {
        text.push_str(if idx > 0 { "\n" } else { "" });
        text.push_str(&comment("  ", &choice.comment));
        text.push_str(&format!(
            "  - name: {}\n    path: {}\n",
            scalar(&choice.name),
            scalar(&choice.path)
        ));
        if choice.primary {
            text.push_str("    primary: true\n");
        }
        if let Some(branch) = &choice.default_branch {
            text.push_str(&format!("    default_branch: {}\n", scalar(branch)));
        }
        if let Some(command) = &choice.setup_command {
            text.push_str(&format!("    setup_command: {}\n", command.to_yaml()));
        }
        match &choice.test_command {
            Some(command) => text.push_str(&format!("    test_command: {}\n", command.to_yaml())),
            None => text.push_str("    #test_command: make test  # None was found, so results are \"not verified\".\n"),
        }
    }
    text
}

/// Keys that the entries themselves show.
const WRITTEN: [&str; 6] = [
    "name",
    "path",
    "primary",
    "default_branch",
    "setup_command",
    "test_command",
];
