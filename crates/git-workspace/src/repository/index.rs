//! Holding the index of a user's checkout, so that no other git writes it.
//!
//! git's own way to hold an index is the file `index.lock`. Ours is made
//! beside it first and linked to its place then, so that the mark can tell it
//! from every other one before it is there. Under it, git changes a copy of
//! the index, and the copy takes the place of the index at the end.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use core_types::CommitId;

use crate::{disk, error::Error, intent::Identity};

/// The index of one checkout, held or about to be held.
#[derive(Debug, Clone)]
pub(super) struct IndexHold {
    git_folder: PathBuf,
    commit: String,
}

impl IndexHold {
    pub(super) fn new(git_folder: &Path, commit: &CommitId) -> Self {
        Self {
            git_folder: git_folder.to_owned(),
            commit: commit.to_string(),
        }
    }

    /// The lock file that git looks for.
    pub(super) fn lock(&self) -> PathBuf {
        self.git_folder.join("index.lock")
    }

    /// Makes the file that is to be the lock, and says how to know it.
    pub(super) async fn make(&self) -> Result<Option<Identity>, Error> {
        let file = named(&self.git_folder, "lock", &self.commit);
        disk::blocking(move || {
            disk::remove_blocking(&file)?;
            disk::put(&file, b"")?;
            Ok(Identity::of(&file))
        })
        .await
    }

    /// Puts the lock in its place; whether no other git had one there.
    pub(super) async fn take(&self) -> Result<bool, Error> {
        let file = named(&self.git_folder, "lock", &self.commit);
        let lock = self.lock();
        disk::blocking(move || {
            let linked = fs::hard_link(&file, &lock);
            disk::remove_blocking(&file)?;
            match linked {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(Error::io("create", lock)(error)),
            }
        })
        .await
    }

    /// A copy of the index, which git may change.
    pub(super) async fn copy(&self) -> Result<PathBuf, Error> {
        let copy = named(&self.git_folder, "index", &self.commit);
        let index = self.git_folder.join("index");
        let (this, to) = (self.clone(), copy.clone());
        disk::blocking(move || {
            this.clear()?;
            match fs::copy(&index, &to) {
                Ok(_) => Ok(()),
                // A checkout of nothing may have none.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(Error::io("copy", index)(error)),
            }
        })
        .await?;
        Ok(copy)
    }

    /// Makes the copy the index.
    pub(super) async fn replace(&self) -> Result<(), Error> {
        let copy = named(&self.git_folder, "index", &self.commit);
        let git_folder = self.git_folder.clone();
        disk::blocking(move || {
            File::open(&copy)
                .and_then(|file| file.sync_all())
                .map_err(Error::io("flush", &copy))?;
            let index = git_folder.join("index");
            fs::rename(&copy, &index).map_err(Error::io("replace", index))?;
            disk::sync_folder(&git_folder)
        })
        .await
    }

    /// Removes what is only for the time of a landing, without the lock itself.
    pub(super) fn clear(&self) -> Result<(), Error> {
        clear(&self.git_folder, &self.commit)
    }
}

/// Removes what a landing of this commit has left beside the index of a checkout.
pub(super) fn clear(git_folder: &Path, commit: &str) -> Result<(), Error> {
    let [lock, index] = ["lock", "index"].map(|what| named(git_folder, what, commit));
    // git holds the copy, too, while it changes it.
    let index_lock = git_folder.join(format!("automation-index.{commit}.lock"));
    for file in [lock, index, index_lock] {
        disk::remove_blocking(&file)?;
    }
    Ok(())
}

/// A file of ours in a git directory of the user's.
fn named(git_folder: &Path, what: &str, commit: &str) -> PathBuf {
    git_folder.join(format!("automation-{what}.{commit}"))
}
