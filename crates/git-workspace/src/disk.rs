//! File operations of our own, all of them off the runtime's threads.

use std::{
    fs::{self, DirEntry, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// Runs file operations where they may block. Dropping the call does not stop them.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The entries of a folder, in no order; none where it does not exist.
pub(crate) fn entries(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .collect::<Result<_, _>>()
            .map_err(Error::io("list", folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("list", folder)(error)),
    }
}

/// Creates or replaces a small file that can be made again.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(Error::io("write", path))
}

/// Creates a file, or writes over the one that is there.
///
/// Not by way of an empty file: ext4 writes out at once what was emptied before.
pub(crate) fn write_over(path: &Path, mut content: impl Read) -> Result<(), Error> {
    let mut write = || {
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let n_bytes = io::copy(&mut content, &mut file)?;
        if file.metadata()?.len() != n_bytes {
            file.set_len(n_bytes)?;
        }
        Ok(())
    };
    write().map_err(Error::io("write", path))
}

/// Removes whatever is at `path`, links themselves and folders without rights too.
pub(crate) async fn remove(path: PathBuf) -> Result<(), Error> {
    blocking(move || remove_blocking(&path)).await
}

/// As [`remove`], on this thread.
pub(crate) fn remove_blocking(path: &Path) -> Result<(), Error> {
    let kind = match path.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("remove", path)(error)),
    };
    if !kind.is_dir() {
        return fs::remove_file(path).map_err(Error::io("remove", path));
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    // Package managers leave read-only folders.
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
            .map_err(Error::io("remove", &folder))?;
        for entry in entries(&folder)? {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(path).map_err(Error::io("remove", path))
}

/// Makes the creation, renaming or removal of a folder's entries last.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("flush", folder))
}
