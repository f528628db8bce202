//! What git answers, as values.

use core_types::{CommitId, FileChange, TreeId};

use crate::{error::Error, git::path_of};

/// The mode of a submodule, or of a repository that was added like a file.
pub(crate) const GITLINK: &str = "160000";

/// The mode of what is not there.
const ABSENT: &str = "000000";

/// One entry of `diff-tree --raw -z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawChange {
    /// The mode after.
    pub(crate) mode: String,
    /// The object before; all zeros where there was none.
    pub(crate) old: String,
    /// The object after; all zeros where there is none.
    pub(crate) new: String,
    pub(crate) status: char,
    pub(crate) path: Vec<u8>,
}

impl RawChange {
    pub(crate) fn is_removal(&self) -> bool {
        self.mode == ABSENT
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        path_of(&self.path)
    }
}

/// Reads the output of `diff-tree --raw -z --no-renames`.
pub(crate) fn raw_changes(output: &[u8]) -> Result<Vec<RawChange>, Error> {
    let unreadable = || Error::Answer {
        command: "diff-tree",
    };
    let mut changes = Vec::new();
    let mut fields = records(output);
    while let Some(head) = fields.next() {
        let head = std::str::from_utf8(head).map_err(|_| unreadable())?;
        let mut words = head.strip_prefix(':').ok_or_else(unreadable)?.split(' ');
        let mut word = || words.next().ok_or_else(unreadable);
        let (_, mode, old, new, status) = (word()?, word()?, word()?, word()?, word()?);
        changes.push(RawChange {
            mode: mode.to_owned(),
            old: old.to_owned(),
            new: new.to_owned(),
            status: status.chars().next().ok_or_else(unreadable)?,
            path: fields.next().ok_or_else(unreadable)?.to_vec(),
        });
    }
    Ok(changes)
}

/// The changes as people and ports see them, sorted by path.
pub(crate) fn file_changes(changes: &[RawChange]) -> Vec<FileChange> {
    let mut files: Vec<_> = changes
        .iter()
        .map(|change| FileChange {
            path: lossy(&change.path),
            status: change.status,
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The records of a `-z` output.
pub(crate) fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output
        .strip_suffix(b"\0")
        .map(|output| output.split(|byte| *byte == 0))
        .into_iter()
        .flatten()
}

pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn commit_id(command: &'static str, text: &str) -> Result<CommitId, Error> {
    CommitId::new(text).map_err(|_| Error::Answer { command })
}

pub(crate) fn tree_id(command: &'static str, text: &str) -> Result<TreeId, Error> {
    TreeId::new(text).map_err(|_| Error::Answer { command })
}
