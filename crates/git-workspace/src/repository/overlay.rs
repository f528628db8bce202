//! A commit with some files of another one, without a working tree.

use core_types::CommitId;

use super::GitRepository;
use crate::{
    disk,
    error::Error,
    git::{Command, Durability},
    parse,
    workspace::without_nul,
};

/// An index in the mirror's folder; it is made anew under the mirror's lock.
const OVERLAY_INDEX: &str = "overlay-index";

impl GitRepository {
    pub(super) async fn overlay_commit(
        &self,
        onto: &CommitId,
        from: &CommitId,
        paths: &[String],
        message: &str,
    ) -> Result<CommitId, Error> {
        let entries = self.entries(from, paths).await?;
        let date = self.later_date(onto, from).await?;
        let mut records = Vec::new();
        // Removals first, for a file that became a folder and the reverse.
        for path in paths.iter().filter(|path| !path.is_empty()) {
            let zero = "0".repeat(onto.as_str().len());
            records.extend(format!("0 {zero}\t{path}\0").into_bytes());
        }
        // A folder that was asked for is not a file of that path.
        for entry in entries.iter().filter(|entry| entry.mode != "040000") {
            records.extend(format!("{} {}\t", entry.mode, entry.object).into_bytes());
            records.extend_from_slice(&entry.path);
            records.push(0);
        }
        let index = self.mirror.folder().join(OVERLAY_INDEX);
        let command = |name| -> Command {
            let command = self.git.at(self.mirror.folder(), name);
            command.index(&index).durable(Durability::Objects)
        };
        let alone = self.mirror.alone().await?;
        disk::remove(index.clone()).await?;
        // A killed process may have left the index's lock.
        let read = || command("read-tree").arg(onto.as_str());
        self.mirror.run_alone(&alone, read).await?;
        command("update-index")
            .args(["-z", "--index-info"])
            .stdin(records)
            .run()
            .await?;
        let tree = command("write-tree").line().await?;
        drop(alone);
        let tree = parse::tree_id("write-tree", &tree)?;
        let commit = self
            .git
            .at(self.mirror.folder(), "commit-tree")
            .args([tree.as_str(), "-p", onto.as_str(), "-F", "-"])
            .stdin(without_nul(message))
            .dated(date)
            .durable(Durability::Objects)
            .line()
            .await?;
        parse::commit_id("commit-tree", &commit)
    }
}
