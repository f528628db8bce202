//! Findings and what gathers them.

use std::fmt;

/// A place in a file. Lines and columns count from 1, columns in characters; line 0 means "nowhere in particular".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The line, from 1; 0 where there is no place to point at.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One thing that is wrong with a file.
///
/// Shown as `config/automation.yaml:7:5: limits.max_worker: unknown key; did you mean "max_workers"?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file as the caller named it.
    pub file: String,
    /// Where in the file; line 0 where the whole file is meant.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The path of keys to the place, such as `repositories[1].automation.depends_on[0]`; empty for the whole file.
    pub key: String,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
}

impl Finding {
    /// A finding at a mark of a file, for checks that later crates make on values that carry their marks.
    pub fn new(
        file: impl Into<String>,
        mark: Mark,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            line: mark.line,
            column: mark.column,
            key: key.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All findings about one or more files: the error of every function here that reads a file. Shown one a line.
///
/// The findings of one file are in the order of their places. Never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The findings of a list, in its order.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Goes through the findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        self.0.extend(findings);
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, finding) in self.iter().take(SHOWN).enumerate() {
            if idx > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        if self.len() > SHOWN {
            write!(f, "\nand {} more findings", self.len() - SHOWN)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// More than a person reads; a hostile file could have tens of thousands.
const SHOWN: usize = 100;

/// Gathers the findings of one file while it is read.
#[derive(Debug)]
pub(crate) struct Report {
    file: String,
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            findings: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, mark: Mark, key: impl Into<String>, message: impl Into<String>) {
        self.findings
            .push(Finding::new(self.file.clone(), mark, key, message));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether there are more findings than slips of a writer explain.
    pub(crate) fn is_flooded(&self) -> bool {
        self.findings.len() > SHOWN / 5
    }

    /// The value, if nothing was found.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Findings> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self.into_findings()),
        }
    }

    pub(crate) fn into_findings(mut self) -> Findings {
        self.findings
            .sort_by_key(|finding| (finding.line, finding.column));
        Findings(self.findings)
    }
}

/// Text of a file as it may stand in a message: quoted, control characters escaped, long ones cut.
pub(crate) fn quote(text: &str) -> String {
    /// Enough to recognize a value by.
    const SHOWN_CHARS: usize = 60;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
