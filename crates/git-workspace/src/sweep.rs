//! Looks through a clone for what git itself does not see: repositories inside it.

use std::{
    fs::{self, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{disk, error::Error, unseen::Unseen};

/// What a clone holds that git itself passes over in silence.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// Folders that hold a `.git` of whatever kind.
    pub(crate) nested: Vec<PathBuf>,
    /// Folders that may not be looked into.
    pub(crate) closed: Vec<PathBuf>,
}

/// Looks through all folders below `root`; what it names is relative to it and sorted.
///
/// Links are not followed, and what lies below such a folder is not looked at.
pub(crate) fn sweep(root: &Path) -> Result<Swept, Error> {
    let Swept {
        mut nested,
        mut closed,
    } = Swept::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let n_before = folders.len();
        let place = || folder.strip_prefix(root).map(Path::to_owned);
        match folders_below(&folder, &mut folders) {
            Ok(false) => {}
            Ok(true) if folder == root => {}
            Ok(true) => {
                folders.truncate(n_before);
                nested.extend(place());
            }
            Err(error) if folder != root && error.kind() == io::ErrorKind::PermissionDenied => {
                folders.truncate(n_before);
                closed.extend(place());
            }
            Err(error) => return Err(Error::io("look into", &folder)(error)),
        }
    }
    nested.sort();
    closed.sort();
    Ok(Swept { nested, closed })
}

/// Adds the folders in a folder, `.git` excepted; returns whether there is a `.git` of whatever kind.
fn folders_below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut has_git = false;
    for (idx, entry) in entries.enumerate() {
        let entry = entry?;
        // A folder that may be listed and not entered shows at its first entry.
        if idx == 0
            && let Err(error) = entry.metadata()
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            return Err(error);
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if entry.file_name() == ".git" {
            has_git = true;
        } else if is_folder {
            found.push(entry.path());
        }
    }
    Ok(has_git)
}

/// Brings a clone that git has cleaned back to what a new one would be as far
/// as git does not: no `.git` but its own, which is left alone, all folders with the same rights, and
/// no file that has other rights or another name elsewhere.
///
/// git compares times in seconds and of rights only one bit; what of `unseen` it
/// would overlook is removed, so that it writes it again.
pub(crate) fn straighten(root: &Path, unseen: &Unseen) -> Result<(), Error> {
    // What the holder never had in hand tells the rights that new folders get.
    let usual = look_at(root.parent().unwrap_or(root))?.mode();
    set_mode(root, &look_at(root)?, usual)?;
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let looked_into = |error| Error::io("look into", &folder)(error);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(looked_into)?,
        };
        for entry in entries {
            let entry = entry.map_err(looked_into)?;
            let kind = entry.file_type().map_err(looked_into)?;
            if entry.file_name() == ".git" {
                if folder != root {
                    disk::remove_blocking(&entry.path())?;
                }
            } else if kind.is_dir() {
                let path = entry.path();
                set_mode(&path, &look_at(&path)?, usual)?;
                folders.push(path);
            } else if kind.is_file() && unseen.has(root, &entry) {
                let metadata = entry.metadata().map_err(looked_into)?;
                let rights = metadata.mode() & 0o7777;
                let is_usual = rights == usual & 0o666 || rights == usual & 0o777;
                if !is_usual || metadata.nlink() > 1 {
                    disk::remove_blocking(&entry.path())?;
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn look_at(path: &Path) -> Result<Metadata, Error> {
    path.symlink_metadata().map_err(Error::io("look at", path))
}

pub(crate) fn set_mode(folder: &Path, metadata: &Metadata, mode: u32) -> Result<(), Error> {
    if metadata.mode() == mode {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(mode))
        .map_err(Error::io("set the rights of", folder))
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
