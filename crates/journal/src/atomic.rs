//! Whole files that are either the old or the new one.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, OpenMode, RealStorage, Storage};

/// Replaces a file by `bytes`, mode 0600: after any crash it is the old or the new one, and when this
/// returns it is the new one. The folder must exist. Blocks until the disk has it.
///
/// # Errors
/// [`Error::Full`], [`Error::ReadOnly`] or [`Error::Io`]; the old file is then still there (unless
/// only the last flush failed, when either may be).
pub fn atomic_write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    atomic_write_in(&RealStorage, path, bytes)
}

/// As [`atomic_write`], in any storage.
///
/// # Errors
/// As [`atomic_write`].
pub fn atomic_write_in(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name() else {
        return Err(Error::io("write", path)(io::ErrorKind::InvalidInput.into()));
    };
    let (temporary, file) = loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = dir.join(format!(
            ".{}.{}-{number}.tmp",
            name.to_string_lossy(),
            std::process::id()
        ));
        match storage.open(&temporary, OpenMode::CreateNew) {
            // Left by a killed process that had our id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", &temporary)(error)),
            Ok(file) => break (temporary, file),
        }
    };
    let replaced = file
        .write_at(0, bytes)
        .and_then(|()| file.sync_data())
        .map_err(Error::io("write", &temporary))
        .and_then(|()| {
            storage
                .rename(&temporary, path)
                .map_err(Error::io("replace", path))
        });
    if let Err(error) = replaced {
        // The first error is the one to tell; a leftover is harmless.
        drop(storage.remove(&temporary));
        return Err(error);
    }
    storage.sync_dir(dir).map_err(Error::io("flush", dir))
}
