//! What a repair works with: conflicts of a merge, and tests that failed.

use serde::{Deserialize, Serialize};

/// A file that a merge could not settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictedFile {
    /// The path relative to the repository.
    pub path: String,
    /// What kind of conflict it is.
    pub kind: ConflictKind,
    /// The places to decide, in the file's order; empty for every kind but
    /// [`ConflictKind::Content`] and [`ConflictKind::BothAdded`].
    pub hunks: Vec<ConflictHunk>,
}

/// Why a file could not be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictKind {
    /// Both sides changed the same lines.
    Content,
    /// Both sides added the file, with different lines.
    BothAdded,
    /// One side deleted it, the other changed it.
    DeleteModify,
    /// Both sides changed it, and it is no text.
    Binary,
    /// Anything else: renames, modes, links, submodules, a folder against a file.
    Structure,
}

/// One place where both sides differ from their base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictHunk {
    /// The line of the opening marker in the file with markers, from 1.
    pub line: u32,
    /// The lines that both sides started from; may be empty.
    pub base: String,
    /// The lines of our side; may be empty.
    pub ours: String,
    /// The lines of their side; may be empty.
    pub theirs: String,
}

/// A test that failed, as its runner named it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FailedTest {
    /// Its full name; the runner's own words.
    pub name: String,
    /// Its file, where the runner says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it said, cut at 2 KiB; may be empty.
    #[serde(default)]
    pub message: String,
}
