//! Putting our work into the user's repository, beside theirs.

use std::ffi::OsString;

use core_types::{BranchName, CommitId};

use super::GitRepository;
use crate::{
    checkout::checkouts,
    discover::{need_commits, references},
    disk,
    error::Error,
    git::Durability,
    mirror::Alone,
};

/// Only below this may we set branches of the user's repository at will.
const OURS: &str = "automation/";

impl GitRepository {
    pub(super) async fn publish_branch(
        &self,
        branch: &BranchName,
        commit: &CommitId,
    ) -> Result<(), Error> {
        if !branch.as_str().starts_with(OURS) {
            return Err(Error::NotOurs {
                branch: branch.clone(),
            });
        }
        need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
        let full = branch.full_ref();
        let alone = self.mirror.alone().await?;
        let held = references(&self.git, &self.user.git_folder, [full.as_str()]).await?;
        if held.get(&full) == Some(commit) {
            return Ok(());
        }
        let error = match self.send(&alone, commit, Some(&full)).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let checkouts = checkouts(&self.git, &self.user).await?;
        if let Some(checkout) = checkouts
            .into_iter()
            .find(|checkout| checkout.branch.as_ref() == Some(&full))
        {
            return Err(Error::CheckedOut {
                branch: branch.clone(),
                folder: checkout.folder,
            });
        }
        // Nobody but us sets this branch, and we are alone: a lock file was left by a killed process.
        let lock_file = self.user.git_folder.join(format!("{full}.lock"));
        if !lock_file.exists() {
            return Err(error);
        }
        disk::remove(lock_file).await?;
        self.send(&alone, commit, Some(&full)).await
    }

    /// Brings a commit of the mirror into the user's repository, and a reference to it where one is named.
    ///
    /// The user's repository fetches it, since a push would run hooks there.
    pub(super) async fn send(
        &self,
        _alone: &Alone,
        commit: &CommitId,
        reference: Option<&str>,
    ) -> Result<(), Error> {
        let refspec = match reference {
            Some(reference) => format!("+{commit}:{reference}"),
            None => commit.to_string(),
        };
        let fetch = self
            .git
            .at(&self.user.git_folder, "fetch")
            .args([
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-prune",
            ])
            .args(["--no-auto-maintenance", "--no-recurse-submodules"])
            .arg(self.git.upload_pack())
            .arg("--")
            .arg(OsString::from(self.mirror.folder()))
            .arg(refspec)
            .config("protocol.file.allow", "always")
            // What comes was made by agents.
            .config("fetch.fsckObjects", "true")
            .durable(Durability::Everything);
        fetch.run().await?;
        Ok(())
    }
}
