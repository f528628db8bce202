//! What a fix is judged by, and what comes of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// No text, or more of it than can be judged.
    Opaque,
}

/// A file before and after a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The path relative to the repository.
    pub path: String,
    /// Before; `None` where the fix has added it.
    pub before: Option<Content>,
    /// After; `None` where the fix has deleted it.
    pub after: Option<Content>,
    /// Whether it became something else: a link, for example.
    pub changed_type: bool,
}

impl ChangedFile {
    /// A changed file of text.
    #[must_use]
    pub fn text(path: impl Into<String>, before: Option<&str>, after: Option<&str>) -> Self {
        let content = |text: &str| Content::Text(text.to_owned());
        Self {
            path: path.into(),
            before: before.map(content),
            after: after.map(content),
            changed_type: false,
        }
    }
}

/// What is known of the tests beside the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The command that runs them; files and targets that it names are protected.
    pub command: Option<String>,
    /// Paths that no fix may touch: files, folders that end in `/`, or patterns with `*`.
    pub protected: Vec<String>,
    /// The scripts that the command names, as they were before the fix:
    /// what these compare with is an expectation.
    pub scripts: Vec<String>,
}

/// What is wrong with a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A test is gone.
    Deleted,
    /// A test is skipped, or others run instead of it.
    Skipped,
    /// A test is there, and its runner passes it over.
    Ignored,
    /// A test is there and does nothing.
    Emptied,
    /// A test, or what it uses, demands less than before.
    Weakened,
    /// A test, a snapshot or another file demands something else.
    ExpectationChanged,
    /// What runs the tests was changed.
    TestCommand,
    /// What runs elsewhere was changed.
    CiFile,
    /// A path that is protected by configuration was touched.
    Protected,
    /// The run of the tests is got round: ended early, replaced, or told from real use.
    Evasion,
}

impl FindingKind {
    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "test deleted",
            Self::Skipped => "test skipped",
            Self::Ignored => "test ignored",
            Self::Emptied => "test emptied",
            Self::Weakened => "test weakened",
            Self::ExpectationChanged => "expectation changed",
            Self::TestCommand => "test command changed",
            Self::CiFile => "CI file changed",
            Self::Protected => "protected path",
            Self::Evasion => "tests got round",
        }
    }
}

/// One thing that is wrong with a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Where.
    pub path: String,
    /// The line, from 1: after the fix, or before it for what is gone; 0 for the whole file.
    pub line: u32,
    /// What, in one line.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}: {}", self.kind.as_str(), self.message)
    }
}

/// What came of the judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong, by path and line; empty for a fix that is acceptable.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.findings.is_empty()
    }
}
