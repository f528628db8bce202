//! A lock that processes share and that ends with its holder.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::error::Error;

/// How often a held lock is looked at. No system call waits for it, so that a
/// dropped call leaves no thread behind.
const POLL: Duration = Duration::from_millis(3);

/// An exclusive lock on a file, given back by dropping it or by the death of the process.
///
/// The file itself stays: removing it would let two hold "the" lock.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
}

impl FileLock {
    /// The lock, if nobody holds it. The file is created where it is missing.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Self>, Error> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::io("open the lock", path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", path)(source)),
        }
    }

    /// The lock, when it is free.
    pub(crate) async fn acquire(path: &Path) -> Result<Self, Error> {
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Not left to closing: a child that is just being started may hold a
        // copy of the descriptor. An error leaves it to closing after all.
        self.file.unlock().unwrap_or_default();
    }
}
