//! Merging without a working tree.

use core_types::{CommitId, Merge};

use super::GitRepository;
use crate::{
    error::Error,
    git::Durability,
    parse::{self, records},
    workspace::without_nul,
};

impl GitRepository {
    pub(super) async fn merge_commits(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<Merge, Error> {
        let command = |name| self.git.at(self.mirror.folder(), name);
        let base = command("merge-base").args([ours.as_str(), theirs.as_str()]);
        let (date, base) = tokio::try_join!(self.later_date(ours, theirs), base.answer())?;
        if base.code == 1 {
            return Err(Error::Unrelated {
                ours: ours.clone(),
                theirs: theirs.clone(),
            });
        }
        let base = parse::lossy(&base.success()?);
        // Where one holds the other there is only one base.
        for (older, newer) in [(theirs, ours), (ours, theirs)] {
            if base.trim_end() == older.as_str() {
                let commit = newer.clone();
                return Ok(Merge::FastForward { commit });
            }
        }
        let merged = command("merge-tree")
            .args(["--write-tree", "-z", "--name-only", "--no-messages"])
            .args([ours.as_str(), theirs.as_str()])
            .durable(Durability::Objects)
            .answer()
            .await?;
        let is_conflict = merged.code == 1;
        let output = if is_conflict {
            merged.stdout
        } else {
            merged.success()?
        };
        let mut fields = records(&output).map(parse::lossy);
        let tree = fields.next().unwrap_or_default();
        let tree = parse::tree_id("merge-tree", &tree)?;
        if is_conflict {
            let mut paths: Vec<_> = fields.collect();
            paths.sort();
            paths.dedup();
            return Ok(Merge::Conflict { paths });
        }
        let commit = command("commit-tree")
            .args([
                tree.as_str(),
                "-p",
                ours.as_str(),
                "-p",
                theirs.as_str(),
                "-F",
                "-",
            ])
            .stdin(without_nul(message))
            .dated(date)
            .durable(Durability::Objects)
            .line()
            .await?;
        let commit = parse::commit_id("commit-tree", &commit)?;
        Ok(Merge::Merged { commit })
    }

    /// The later of the dates of two commits: a merge has no time of its own,
    /// so that the same input gives the same commit.
    pub(super) async fn later_date(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<u64, Error> {
        let answer = self
            .git
            .at(self.mirror.folder(), "cat-file")
            .arg("--batch")
            .stdin(format!("{ours}\n{theirs}\n"))
            .run()
            .await?;
        let mut rest = answer.as_slice();
        let mut later = 0;
        for commit in [ours, theirs] {
            let date = next_commit_date(&mut rest).ok_or_else(|| Error::NoCommit {
                path: self.mirror.folder().to_owned(),
                commit: commit.to_string(),
            })?;
            later = later.max(date);
        }
        Ok(later)
    }
}

/// Takes one object from the output of `cat-file --batch`; `None` where it is no commit.
fn next_commit_date(rest: &mut &[u8]) -> Option<u64> {
    let (head, body) = split_line(rest)?;
    let head = std::str::from_utf8(head).ok()?;
    let size = head.split_once(" commit ")?.1.parse().ok()?;
    let object = body.get(..size)?;
    *rest = body.get(size + 1..)?;
    let mut lines = object.split(|byte| *byte == b'\n');
    let committer = lines.find(|line| line.starts_with(b"committer "))?;
    // `committer NAME <MAIL> SECONDS ZONE`
    let mut words = committer.rsplit(|byte| *byte == b' ');
    let seconds: i64 = std::str::from_utf8(words.nth(1)?).ok()?.parse().ok()?;
    // Dates before 1970 count as 1970.
    Some(u64::try_from(seconds).unwrap_or(0))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
