//! What may stand in a file: one table of keys for each kind of file drives the check of documents, the defaults,
//! the reference page, the JSON schema and the comments of the files that we write.

mod check;
mod defaults;
mod json;
mod models;
mod reference;
mod relations;
mod section;
mod tables;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use check::{check, is_id};
pub(crate) use defaults::default_document;
pub use json::json_schema;
pub use reference::reference_markdown;
pub(crate) use relations::Names;
pub(crate) use section::Section;
pub(crate) use tables::{LABELS, REPOSITORY};

/// The kinds of files that have a table here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `config/automation.yaml`: agents, limits, budget, approvals, landing, recovery, sandbox,
    /// serve, labels, learning, retention.
    Automation,
    /// `config/repositories.yaml`: the repositories and the workflows over them.
    Repositories,
    /// `config/models.yaml`: the models of the tiers, and what they cost.
    Models,
    /// A plan: the tasks of a run.
    Plan,
}

impl Kind {
    /// Every kind, in the order of the reference page.
    pub const ALL: [Self; 4] = [
        Self::Automation,
        Self::Repositories,
        Self::Models,
        Self::Plan,
    ];

    pub(crate) fn keys(self) -> &'static [Key] {
        match self {
            Self::Automation => tables::AUTOMATION,
            Self::Repositories => tables::REPOSITORIES,
            Self::Models => models::MODELS,
            Self::Plan => tables::PLAN,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Automation => "config/automation.yaml",
            Self::Repositories => "config/repositories.yaml",
            Self::Models => "config/models.yaml",
            Self::Plan => "Plan files",
        }
    }

    pub(crate) fn doc(self) -> &'static str {
        match self {
            Self::Automation => {
                "How the engine works: its agents, limits, budget, approvals, landing, recovery, sandbox, issues to follow, learning and retention."
            }
            Self::Repositories => {
                "The repositories that a run may work on, and the workflows over them."
            }
            Self::Models => {
                "Which model does what, and what it costs. Without the file its defaults count."
            }
            Self::Plan => {
                "What a run is to do, for `automation run --plan FILE`. Variables are not replaced here."
            }
        }
    }
}

/// A row of a table: one key of a mapping.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) absent: Absent,
    pub(crate) doc: &'static str,
}

/// What the absence of a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// A finding.
    Refused,
    /// What the words say; the value is an `Option`, or an empty list.
    Means(&'static str),
    /// This text, as if it stood there.
    Is(&'static str),
    /// What the embedded file of defaults has at this place.
    Default,
}

impl Key {
    const fn new(name: &'static str, shape: Shape, absent: Absent, doc: &'static str) -> Self {
        Self {
            name,
            shape,
            absent,
            doc,
        }
    }
}

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One line that is not empty; a variable inside it is refused, since it would not be replaced.
    Text,
    /// One line that is not empty, whatever it contains.
    Line,
    /// Any text, several lines included.
    Prose,
    /// A name of a repository, task, agent or plan.
    Id,
    /// The name of an environment variable.
    Variable,
    Flag,
    Integer {
        min: u64,
        max: u64,
        or: Option<&'static str>,
    },
    Duration {
        min: Duration,
        max: Duration,
        or: Option<&'static str>,
    },
    Size {
        min: u64,
        max: u64,
    },
    /// An amount in USD, or per million tokens.
    Money {
        zero: Zero,
        or: Option<&'static str>,
    },
    /// A number with decimals.
    Decimal {
        min: f64,
        max: f64,
    },
    Choice(&'static [&'static str]),
    /// A shell line, or a list of a program and its arguments.
    Command,
    List(&'static Self),
    Section(&'static [Key]),
    Sections(&'static [Key]),
}

/// Whether an amount may be nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    /// A price may be.
    Allowed,
    /// A limit of nothing would refuse all work; what is meant is to have none.
    Refused,
}

impl Shape {
    /// The shape in words, for "expected …" and the reference page.
    fn describe(&self) -> String {
        let or = |word: &Option<&str>| word.map_or(String::new(), |word| format!(", or {word}"));
        match self {
            Self::Text | Self::Line => "a text of one line".to_owned(),
            Self::Prose => "a text".to_owned(),
            Self::Id => "a name of 1 to 64 of A-Z a-z 0-9 . _ -".to_owned(),
            Self::Variable => "the name of an environment variable".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Integer { min, max, or: word } => {
                format!("a whole number from {min} to {max}{}", or(word))
            }
            Self::Duration { or: word, .. } => {
                format!("a duration such as 500ms, 30s, 5m or 2h{}", or(word))
            }
            Self::Size { .. } => "a size such as 64KiB, 8MiB or 1GiB".to_owned(),
            Self::Money { zero, or: word } => {
                let above = match zero {
                    Zero::Allowed => "",
                    Zero::Refused => " above 0",
                };
                format!("an amount in USD{above} such as 5 or 0.25{}", or(word))
            }
            Self::Decimal { min, max } => format!("a number from {min} to {max}"),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Command => "a shell line, or a list of a program and its arguments".to_owned(),
            Self::List(item) => format!("a list, each {}", item.describe()),
            Self::Section(_) => "a mapping".to_owned(),
            Self::Sections(_) => "a list of mappings".to_owned(),
        }
    }
}
