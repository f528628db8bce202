//! Looks through a clone for what git itself does not see: repositories inside it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{disk, error::Error};

/// The folders below `root` that hold a `.git` of whatever kind, relative to it and sorted.
///
/// Links are not followed, and what lies below such a folder is not looked at.
pub(crate) fn nested_repositories(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut nested = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = disk::entries(&folder)?;
        if folder != root && entries.iter().any(|entry| entry.file_name() == ".git") {
            nested.extend(folder.strip_prefix(root).map(Path::to_owned));
            continue;
        }
        for entry in entries {
            if entry.file_name() != ".git" && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    nested.sort();
    Ok(nested)
}

/// Brings a clone that git has cleaned back to what a new one would be as far
/// as git does not: no `.git` anywhere, all folders with the same rights.
pub(crate) fn straighten(root: &Path) -> Result<(), Error> {
    let rights = |folder: &Path| {
        let metadata = folder.symlink_metadata();
        metadata
            .map(|metadata| metadata.permissions().mode())
            .map_err(Error::io("look at", folder))
    };
    let usual = rights(root)?;
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        if rights(&folder)? != usual {
            fs::set_permissions(&folder, fs::Permissions::from_mode(usual))
                .map_err(Error::io("set the rights of", &folder))?;
        }
        for entry in disk::entries(&folder)? {
            if entry.file_name() == ".git" {
                disk::remove_blocking(&entry.path())?;
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Removes everything in a folder, but not itself.
pub(crate) fn empty(folder: &Path) -> Result<(), Error> {
    // A link would lead elsewhere.
    if folder
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
    {
        for entry in disk::entries(folder)? {
            disk::remove_blocking(&entry.path())?;
        }
    }
    Ok(())
}
