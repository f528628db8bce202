//! What a repair works with: conflicts of a merge, and tests that failed.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// What git calls it, for people, such as `rename/delete`; may be empty.
    #[serde(default)]
    pub detail: String,
    /// The whole file, where it has hunks. Agents find it in their folder, so it
    /// is not written anywhere.
    #[serde(skip)]
    pub texts: Option<Box<ConflictTexts>>,
}

/// A conflicting file as each side has it, and as the merge left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictTexts {
    /// With markers; outside the hunks all that could be merged is merged.
    pub merged: String,
    /// What both sides started from; empty where both added it.
    pub base: String,
    /// Ours.
    pub ours: String,
    /// Theirs.
    pub theirs: String,
    /// Whether all four are what the files hold; else bytes that are no UTF-8 were replaced.
    pub is_exact: bool,
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

impl ConflictHunk {
    /// What the hunk is known by when it comes again: 64 hexadecimal digits
    /// from its three texts, whichever side is ours.
    #[must_use]
    pub fn identity(&self) -> String {
        let (first, second) = if self.ours <= self.theirs {
            (&self.ours, &self.theirs)
        } else {
            (&self.theirs, &self.ours)
        };
        let mut digest = Sha256::new();
        for text in [&self.base, first, second] {
            // With their lengths, so that no two triples give the same bytes.
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        let digest = digest.finalize();
        digest.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            write!(hex, "{byte:02x}").ok();
            hex
        })
    }
}

/// A conflicting file without its conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledFile {
    /// The path relative to the repository.
    pub path: String,
    /// The whole file.
    pub text: String,
}

/// How a hunk was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What was to be decided.
    pub hunk: ConflictHunk,
    /// The lines that stand in its place; may be empty.
    pub text: String,
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
