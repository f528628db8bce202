//! The engine's own copy of a repository.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use core_types::RepositoryName;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    disk,
    error::Error,
    git::{Command, Durability, Git},
    lock::FileLock,
};

/// A bare repository with objects of its own, which only we write to.
///
/// Objects may be added by many at once. References move under its lock, so
/// that a lock file of git found there while we hold it was left by a killed process.
#[derive(Debug)]
pub(crate) struct Mirror {
    folder: PathBuf,
    lock_file: PathBuf,
    /// Orders the tasks of this process, which would otherwise poll.
    gate: Arc<Mutex<()>>,
}

/// Held while references move.
#[derive(Debug)]
pub(crate) struct Alone {
    _gate: OwnedMutexGuard<()>,
    _lock: FileLock,
}

impl Mirror {
    /// Opens the mirror below `mirrors`, or makes it.
    pub(crate) async fn open(
        git: &Git,
        mirrors: &Path,
        name: &RepositoryName,
        object_format: &str,
    ) -> Result<Self, Error> {
        let mirror = Self {
            folder: mirrors.join(format!("{name}.git")),
            lock_file: mirrors.join(format!("{name}.lock")),
            gate: Arc::default(),
        };
        disk::blocking({
            let mirrors = mirrors.to_owned();
            move || fs::create_dir_all(&mirrors).map_err(Error::io("create", mirrors))
        })
        .await?;
        if mirror.folder.join("HEAD").exists() {
            return Ok(mirror);
        }
        let alone = mirror.alone().await?;
        if !mirror.folder.join("HEAD").exists() {
            // Made beside its place, so that a killed process leaves none or all of it.
            let new = mirrors.join(format!("{name}.git.new"));
            disk::remove(new.clone()).await?;
            git.command("init", mirrors)
                .args(["--quiet", "--bare", "--template="])
                // HEAD never names a reference that exists.
                .args(["--initial-branch=unused"])
                .arg(format!("--object-format={object_format}"))
                .arg(&new)
                .durable(Durability::Everything)
                .run()
                .await?;
            let folder = mirror.folder.clone();
            disk::blocking(move || {
                fs::rename(&new, &folder).map_err(Error::io("create", &folder))?;
                // What a run records is found by this name.
                folder.parent().map_or(Ok(()), disk::sync_folder)
            })
            .await?;
        }
        drop(alone);
        Ok(mirror)
    }

    /// Its git directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until nobody else moves references of it.
    pub(crate) async fn alone(&self) -> Result<Alone, Error> {
        let gate = Arc::clone(&self.gate).lock_owned().await;
        let lock = FileLock::acquire(&self.lock_file).await?;
        Ok(Alone {
            _gate: gate,
            _lock: lock,
        })
    }

    /// Runs a command that moves references. Where it fails and a killed
    /// process has left lock files, they are removed and it runs once more.
    pub(crate) async fn run_alone(
        &self,
        _alone: &Alone,
        command: impl Fn() -> Command,
    ) -> Result<Vec<u8>, Error> {
        let failed = match command().run().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let folder = self.folder.clone();
        match disk::blocking(move || remove_lock_files(folder)).await? {
            0 => Err(failed),
            _ => command().run().await,
        }
    }
}

/// Removes git's lock files beside and below the references, and counts them.
fn remove_lock_files(folder: PathBuf) -> Result<usize, Error> {
    let mut n_removed = 0;
    let mut below = vec![folder.join("refs")];
    let mut entries = disk::entries(&folder)?;
    loop {
        for entry in entries {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if path.starts_with(folder.join("refs")) && path != folder.join("refs") {
                    below.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == "lock")
            {
                fs::remove_file(&path).map_err(Error::io("remove the lock", path))?;
                n_removed += 1;
            }
        }
        let Some(next) = below.pop() else {
            return Ok(n_removed);
        };
        entries = disk::entries(&next)?;
    }
}
