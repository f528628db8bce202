//! Lock files of git in the user's repository: those of others are waited for,
//! those that killed landings left are removed.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use core_types::CommitId;

use super::{GitRepository, index};
use crate::{
    disk,
    error::Error,
    git::Command,
    intent::{Held, Marks, Origin},
};

/// How often and how long somebody else's lock file is waited for.
pub(crate) const LOCK_POLL: Duration = Duration::from_millis(100);
pub(crate) const LOCK_POLLS: usize = 10;

impl GitRepository {
    /// Runs a command in the user's repository, and again while another git holds one of the locks it needs.
    pub(super) async fn patiently(
        &self,
        lock_files: &[PathBuf],
        command: impl Fn() -> Command,
    ) -> Result<(), Error> {
        let mut polls = 0;
        loop {
            let Err(error) = command().run().await else {
                return Ok(());
            };
            // A command that began and was cut off leaves lock files of its own.
            let is_locked = matches!(&error, Error::Git { stderr, .. } if stderr.contains(".lock': File exists"));
            let Some(file) = lock_files.iter().find(|file| is_locked && file.exists()) else {
                return Err(error);
            };
            if polls == LOCK_POLLS {
                let file = file.clone();
                return Err(Error::Locked { file });
            }
            polls += 1;
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    /// Removes the lock files that killed landings left. What goes by itself is
    /// waited for, and what a git that works there may hold is not touched.
    pub(super) async fn clear_locks(
        &self,
        marks: &Marks,
        git_folder: &Path,
        full: &str,
    ) -> Result<(), Error> {
        let files = self.lock_files(git_folder, full);
        let of = |origin| {
            files
                .iter()
                .filter(move |file| marks.explain(file) == origin)
        };
        for _ in 0..LOCK_POLLS {
            let is_sure = of(Origin::Likely).next().is_none();
            if is_sure && !marks.is_git_running() {
                break;
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        if let Some(likely) = of(Origin::Likely).next()
            && self.is_another_git_here(git_folder)
        {
            let file = likely.clone();
            return Err(Error::Locked { file });
        }
        for file in files
            .iter()
            .filter(|file| marks.explain(file) != Origin::Strange)
        {
            disk::remove(file.clone()).await?;
        }
        let (folder, commits) = (git_folder.to_owned(), marks.commits());
        disk::blocking(move || {
            commits
                .iter()
                .try_for_each(|commit| index::clear(&folder, commit))
        })
        .await?;
        // With the locks, all that they stood for is gone.
        for mark in marks.only_prepared() {
            disk::remove(mark).await?;
        }
        Ok(())
    }

    /// Whether a git that we did not start works in the repository or its checkout.
    fn is_another_git_here(&self, git_folder: &Path) -> bool {
        let mut folders = vec![self.user.root.as_path(), &self.user.git_folder, git_folder];
        // A linked checkout is where the file of this name says.
        let linked = std::fs::read_to_string(git_folder.join("gitdir")).unwrap_or_default();
        let linked = Path::new(linked.trim_end());
        folders.extend(linked.parent().filter(|parent| parent.is_absolute()));
        !process::find_at("git", &folders).is_empty()
    }

    /// The lock files that moving a branch, with or without its checkout, makes.
    pub(super) fn lock_files(&self, git_folder: &Path, full: &str) -> Vec<PathBuf> {
        let common = &self.user.git_folder;
        let mut files = vec![
            common.join(format!("{full}.lock")),
            common.join("HEAD.lock"),
            common.join("reftable/tables.list.lock"),
            git_folder.join("HEAD.lock"),
            git_folder.join("reftable/tables.list.lock"),
            git_folder.join("index.lock"),
        ];
        files.sort();
        files.dedup();
        files
    }

    pub(super) async fn marks(&self) -> Result<Marks, Error> {
        let folder = self.landings.clone();
        disk::blocking(move || Marks::read(&folder)).await
    }

    pub(super) async fn set_mark(&self, marks: Marks, commit: &CommitId) -> Result<Marks, Error> {
        let commit = commit.clone();
        disk::blocking(move || marks.set(&commit).map(|()| marks)).await
    }

    pub(super) async fn set_held(
        &self,
        marks: Marks,
        commit: &CommitId,
        held: &Held,
    ) -> Result<Marks, Error> {
        let (commit, held) = (commit.clone(), held.clone());
        disk::blocking(move || marks.set_held(&commit, &held).map(|()| marks)).await
    }

    pub(super) async fn clear_mark(&self, marks: Marks, commit: &CommitId) -> Result<(), Error> {
        let commit = commit.clone();
        disk::blocking(move || marks.clear(&commit)).await
    }
}
