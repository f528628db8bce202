//! Files of commits, without a working tree.

use core_types::CommitId;

use super::GitRepository;
use crate::{discover::need_commits, error::Error, parse::records};

/// The type, object and path of an entry of a commit's tree.
pub(super) struct Entry {
    pub(super) mode: String,
    pub(super) object: String,
    pub(super) path: Vec<u8>,
}

impl GitRepository {
    pub(super) async fn read_file(
        &self,
        commit: &CommitId,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let entries = self.entries(commit, &[path.to_owned()]).await?;
        let entry = entries.into_iter().find(|entry| {
            // Neither a folder nor a submodule.
            entry.path == path.as_bytes() && !matches!(&*entry.mode, "040000" | "160000")
        });
        let Some(entry) = entry else {
            return Ok(None);
        };
        let answer = self
            .git
            .at(self.mirror.folder(), "cat-file")
            .args(["blob", &entry.object])
            .first_bytes(limit_bytes)
            .answer()
            .await?;
        if answer.code != 0 {
            return Err(answer.into_error());
        }
        // More than the limit may have been kept.
        let end = answer.cut_at.unwrap_or(answer.stdout.len());
        let mut bytes = answer.stdout;
        bytes.truncate(end.min(limit_bytes));
        Ok(Some(bytes))
    }

    /// The entries of a commit's tree at these paths, as far as there are any.
    pub(super) async fn entries(
        &self,
        commit: &CommitId,
        paths: &[String],
    ) -> Result<Vec<Entry>, Error> {
        need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
        let mut entries = Vec::new();
        // A command line is bounded; an empty path would stand for the whole tree.
        let paths: Vec<_> = paths.iter().filter(|path| !path.is_empty()).collect();
        for some in paths.chunks(200) {
            let listed = self
                .git
                .at(self.mirror.folder(), "ls-tree")
                .args(["-z", "--full-tree", commit.as_str(), "--"])
                .args(some.iter().map(|path| path.as_str()))
                .env("GIT_LITERAL_PATHSPECS", "1")
                .run()
                .await?;
            for record in records(&listed) {
                entries.push(entry(record).ok_or(Error::Answer { command: "ls-tree" })?);
            }
        }
        Ok(entries)
    }
}

/// Reads `MODE TYPE OBJECT<tab>PATH`.
fn entry(record: &[u8]) -> Option<Entry> {
    let tab = record.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&record[..tab]).ok()?;
    let mut words = head.split(' ');
    let (mode, object) = (words.next()?, words.nth(1)?);
    Some(Entry {
        mode: mode.to_owned(),
        object: object.to_owned(),
        path: record[tab + 1..].to_owned(),
    })
}
