//! A leased clone and what is taken from it.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use core_types::{Capture, CommitId, PortError, TreeId, Workspace};
use tokio::sync::Mutex;

use crate::{
    clone, disk,
    error::Error,
    git::{Command, Durability, Git, path_of},
    mirror::Mirror,
    parse::{self, RawChange, file_changes, raw_changes, records},
    pool::Slot,
    sweep,
};

/// The copy of the index that results are taken with. The index of the lease
/// stays as git wrote it: by it, the next lease sees every file that was touched.
const CAPTURE_INDEX: &str = "capture-index";

/// A leased clone.
#[derive(Debug)]
pub(crate) struct LeasedClone {
    git: Arc<Git>,
    mirror: Arc<Mirror>,
    slot: Slot,
    folder: PathBuf,
    commit: CommitId,
    /// Of what is committed.
    parents: Vec<CommitId>,
    /// One at a time works in the folder.
    gate: Mutex<()>,
}

/// Repositories found inside the clone.
struct Found {
    /// Those that somebody made there.
    nested: Vec<PathBuf>,
    /// Those that stand where the commit has a submodule.
    submodules: Vec<PathBuf>,
}

impl LeasedClone {
    pub(crate) fn new(git: Arc<Git>, mirror: Arc<Mirror>, slot: Slot, commit: CommitId) -> Self {
        Self {
            folder: slot.tree(),
            git,
            mirror,
            slot,
            parents: vec![commit.clone()],
            commit,
            gate: Mutex::new(()),
        }
    }

    /// The same, whose commits have these parents instead of the leased commit.
    pub(crate) fn with_parents(mut self, parents: Vec<CommitId>) -> Self {
        self.parents = parents;
        self
    }

    /// Does `work` alone. If it is dropped before its end, the folder is not reused.
    async fn alone<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let _alone = self.gate.lock().await;
        self.slot.set_settled(false);
        let result = work.await;
        self.slot.set_settled(true);
        result
    }

    fn command(&self, name: &'static str) -> Command {
        self.git
            .at(self.mirror.folder(), name)
            .work_tree(&self.folder)
            .index(&self.slot.at(CAPTURE_INDEX))
            .durable(Durability::Objects)
    }

    /// Begins again with the index of the lease.
    async fn fresh_index(&self) -> Result<(), Error> {
        let (from, to) = (self.slot.index(), self.slot.at(CAPTURE_INDEX));
        disk::blocking(move || {
            let copy = || {
                fs::copy(&from, &to)?;
                // git compares times in whole seconds, and reads again what is as new as its index. A
                // copy that looked newer would hide a change of the same second that kept the size.
                let written = fs::metadata(&from)?.modified()?;
                fs::File::options()
                    .append(true)
                    .open(&to)?
                    .set_modified(written)
            };
            copy().map_err(Error::io("copy to", &to))
        })
        .await
    }

    /// Looks for repositories before git does. Those in ignored folders do not count.
    async fn repositories(&self) -> Result<Found, Error> {
        let root = self.folder.clone();
        let mut nested = disk::blocking(move || sweep::nested_repositories(&root)).await?;
        let mut submodules = Vec::new();
        if !nested.is_empty() {
            let listed = self
                .command("ls-files")
                .env("GIT_LITERAL_PATHSPECS", "1")
                .args(["--stage", "-z", "--"])
                .args(&nested)
                .run()
                .await?;
            submodules = clone::submodules(&listed);
            nested.retain(|folder| !submodules.contains(folder));
        }
        if !nested.is_empty() {
            let mut asked = Vec::new();
            for folder in &nested {
                // The dot keeps a first colon from meaning something; the
                // slash says that it is a folder, which patterns may ask for.
                asked.extend([b"./", folder.as_os_str().as_bytes(), b"/\0"].concat());
            }
            let answer = self
                .command("check-ignore")
                .args(["--stdin", "-z"])
                .stdin(asked)
                .answer()
                .await?;
            // 1 says that none is ignored.
            let ignored = match answer.code {
                1 => Vec::new(),
                _ => answer.success()?,
            };
            let ignored: Vec<_> = records(&ignored)
                .filter_map(|path| path.strip_prefix(b"./"))
                .map(path_of)
                .collect();
            nested.retain(|folder| !ignored.contains(folder));
        }
        Ok(Found { nested, submodules })
    }

    /// The tree of what the folder holds, without these folders. The capture
    /// index must be fresh.
    async fn write_tree(&self, without: &[PathBuf]) -> Result<TreeId, Error> {
        let mut add = self.command("add").args(["--all", "--"]);
        for folder in without {
            let mut exclusion = std::ffi::OsString::from(":(top,exclude,literal)");
            exclusion.push(folder);
            add = add.arg(exclusion);
        }
        match add.run().await {
            Ok(_) => {}
            Err(error @ Error::Git { .. }) if error.class() == core_types::ErrorClass::Internal => {
                let stderr = match error {
                    Error::Git { stderr, .. } => stderr,
                    _ => String::new(),
                };
                return Err(Error::Unrecordable {
                    folder: self.folder.clone(),
                    stderr,
                });
            }
            Err(error) => return Err(error),
        }
        let tree = self.command("write-tree").line().await?;
        parse::tree_id("write-tree", &tree)
    }

    async fn changes(&self, from: &str, to: &TreeId) -> Result<Vec<RawChange>, Error> {
        let output = self
            .command("diff-tree")
            .args(["-r", "--raw", "-z", "--no-renames", from, to.as_str()])
            .run()
            .await?;
        raw_changes(&output)
    }

    async fn take_snapshot(&self) -> Result<TreeId, Error> {
        let found = self.repositories_with_fresh_index().await?;
        self.write_tree(&[found.nested, found.submodules].concat())
            .await
    }

    async fn repositories_with_fresh_index(&self) -> Result<Found, Error> {
        self.fresh_index().await?;
        self.repositories().await
    }

    async fn capture(&self, since: Option<&TreeId>, message: &str) -> Result<Capture, Error> {
        let found = self.repositories_with_fresh_index().await?;
        if !found.nested.is_empty() {
            let folders = found
                .nested
                .iter()
                .map(|folder| folder.to_string_lossy().into_owned());
            return Ok(Capture::Nested {
                folders: folders.collect(),
            });
        }
        let mut tree = self.write_tree(&found.submodules).await?;
        if let Some(since) = since {
            let later = self.changes(since.as_str(), &tree).await?;
            if later.is_empty() {
                return Ok(Capture::Unchanged);
            }
            tree = self.transplant(&later).await?;
        }
        let changes = self.changes(self.commit.as_str(), &tree).await?;
        if changes.is_empty() {
            return Ok(Capture::Unchanged);
        }
        let now = self.git.clock().now().0 / 1000;
        let commit = self
            .command("commit-tree")
            .arg(tree.as_str())
            .args(self.parents.iter().flat_map(|it| ["-p", it.as_str()]))
            .args(["-F", "-"])
            .stdin(without_nul(message))
            .dated(now)
            .line()
            .await?;
        Ok(Capture::Committed {
            commit: parse::commit_id("commit-tree", &commit)?,
            files: file_changes(&changes),
        })
    }

    /// The leased commit's tree with these changes: each path as it is after,
    /// all others as they were at the lease.
    async fn transplant(&self, changes: &[RawChange]) -> Result<TreeId, Error> {
        self.fresh_index().await?;
        let mut entries = Vec::new();
        // Removals first, for a file that became a folder and the reverse.
        let (removed, written): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| change.is_removal());
        for change in removed.into_iter().chain(written) {
            entries.extend(format!("{} {}\t", change.mode, change.new).into_bytes());
            entries.extend_from_slice(&change.path);
            entries.push(0);
        }
        self.command("update-index")
            .args(["-z", "--index-info"])
            .stdin(entries)
            .run()
            .await?;
        let tree = self.command("write-tree").line().await?;
        parse::tree_id("write-tree", &tree)
    }
}

/// git refuses a message with a NUL byte.
pub(crate) fn without_nul(message: &str) -> String {
    message.replace('\0', "")
}

#[async_trait]
impl Workspace for LeasedClone {
    fn folder(&self) -> &Path {
        &self.folder
    }

    async fn snapshot(&self) -> Result<TreeId, PortError> {
        let snapshot = self.alone(self.take_snapshot()).await;
        snapshot.map_err(|error| error.during("record what the clone holds"))
    }

    async fn commit(&self, since: Option<&TreeId>, message: &str) -> Result<Capture, PortError> {
        let capture = self.alone(self.capture(since, message)).await;
        capture.map_err(|error| error.during("commit what the clone holds"))
    }
}
