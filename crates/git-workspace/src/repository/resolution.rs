//! Merges settled by given texts, and the memory of how hunks were settled.
//!
//! The memory lives in the mirror as a reference for each hunk,
//! `refs/resolutions/<identity>`, to a blob that holds the record. The blob is
//! on disk before the reference is, so that a process may be killed at any
//! point; references move under the mirror's lock, so that runs share it.

use core_types::{CommitId, ConflictHunk, Resolution, SettledFile};
use serde::{Deserialize, Serialize};

use super::{GitRepository, conflict::take_blob};
use crate::{
    discover::references,
    disk,
    error::Error,
    git::{Command, Durability},
    parse::{self, records},
};

/// The version of [`Record`].
const VERSION: u16 = 1;

/// A settled hunk as it is stored. All of the hunk is kept, so that a record
/// can be checked, and read without us.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    v: u16,
    base: String,
    ours: String,
    theirs: String,
    text: String,
}

impl GitRepository {
    pub(super) async fn settle_merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        files: &[SettledFile],
        message: &str,
    ) -> Result<CommitId, Error> {
        let marked = self.merge_marked(ours, theirs).await?;
        let listed = self
            .git
            .at(self.mirror.folder(), "ls-tree")
            .args(["-z", "--full-tree", marked.tree.as_str(), "--"])
            .args(files.iter().map(|file| file.path.as_str()))
            .run()
            .await?;
        let mut entries = Vec::new();
        for file in files {
            let mode = records(&listed).find_map(|entry| mode_of(entry, &file.path));
            let mode = mode.ok_or_else(|| Error::NoFile {
                path: file.path.clone(),
            })?;
            let blob = self.write_blob(file.text.as_bytes()).await?;
            entries.extend(format!("{mode} {blob}\t{}\0", file.path).into_bytes());
        }
        // The slot is taken for its lock: the index beside its clone is ours alone.
        let pool = self.pool.clone();
        let slot = disk::blocking(move || pool.take()).await?;
        let index = slot.at("settle-index");
        let command = |name| -> Command {
            self.git
                .at(self.mirror.folder(), name)
                .index(&index)
                .durable(Durability::Objects)
        };
        command("read-tree").arg(marked.tree.as_str()).run().await?;
        command("update-index")
            .args(["-z", "--index-info"])
            .stdin(entries)
            .run()
            .await?;
        let tree = command("write-tree").line().await?;
        let tree = parse::tree_id("write-tree", &tree)?;
        slot.set_settled(true);
        drop(slot);
        self.commit_merge(&tree, ours, theirs, message).await
    }

    pub(super) async fn keep_resolutions(&self, resolutions: &[Resolution]) -> Result<(), Error> {
        let mut commands = String::new();
        for Resolution { hunk, text } in resolutions {
            let record = Record {
                v: VERSION,
                base: hunk.base.clone(),
                ours: hunk.ours.clone(),
                theirs: hunk.theirs.clone(),
                text: text.clone(),
            };
            // Texts in a plain struct always have a JSON form.
            let record = serde_json::to_vec(&record).unwrap_or_default();
            let blob = self.write_blob(&record).await?;
            commands += &format!("update {} {blob}\n", name_of(hunk));
        }
        if commands.is_empty() {
            return Ok(());
        }
        let update = || {
            self.git
                .at(self.mirror.folder(), "update-ref")
                .args(["--no-deref", "--stdin"])
                .stdin(commands.as_str())
                .durable(Durability::Everything)
        };
        let alone = self.mirror.alone().await?;
        self.mirror.run_alone(&alone, update).await?;
        Ok(())
    }

    pub(super) async fn find_resolutions(
        &self,
        hunks: &[ConflictHunk],
    ) -> Result<Vec<Option<String>>, Error> {
        if hunks.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = hunks.iter().map(name_of).collect();
        let held = references(
            &self.git,
            self.mirror.folder(),
            names.iter().map(String::as_str),
        )
        .await?;
        let mut found = Vec::new();
        for (hunk, name) in hunks.iter().zip(&names) {
            let text = match held.get(name) {
                None => None,
                Some(blob) => {
                    let output = self
                        .git
                        .at(self.mirror.folder(), "cat-file")
                        .arg("--batch")
                        .stdin(format!("{blob}\n"))
                        .run()
                        .await?;
                    take_blob(&mut output.as_slice()).and_then(|blob| read_record(&blob, hunk))
                }
            };
            found.push(text);
        }
        Ok(found)
    }

    async fn write_blob(&self, bytes: &[u8]) -> Result<String, Error> {
        self.git
            .at(self.mirror.folder(), "hash-object")
            .args(["-w", "--no-filters", "--stdin"])
            .stdin(bytes)
            .durable(Durability::Objects)
            .line()
            .await
    }
}

/// Beside the references of runs, of which none can be named so.
fn name_of(hunk: &ConflictHunk) -> String {
    format!("refs/resolutions/{}", hunk.identity())
}

/// The text of a record, if it is one of this hunk. One of a later version, or
/// one that is damaged, is as good as none: the hunk is settled anew.
fn read_record(blob: &[u8], hunk: &ConflictHunk) -> Option<String> {
    let record: Record = serde_json::from_slice(blob).ok()?;
    let stored = ConflictHunk {
        line: hunk.line,
        base: record.base,
        ours: record.ours,
        theirs: record.theirs,
    };
    let is_same = record.v == VERSION && stored.identity() == hunk.identity();
    is_same.then_some(record.text)
}

/// The mode in an entry of `ls-tree`, `MODE KIND OBJECT<tab>PATH`, if it is a file of this path.
fn mode_of<'a>(entry: &'a [u8], path: &str) -> Option<&'a str> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    if entry[tab + 1..] != *path.as_bytes() {
        return None;
    }
    let head = std::str::from_utf8(&entry[..tab]).ok()?;
    let (mode, rest) = head.split_once(' ')?;
    rest.starts_with("blob ").then_some(mode)
}
