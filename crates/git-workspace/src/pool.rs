//! Folders that clones are made in, reused from task to task and shared by processes.
//!
//! Creating files is what a clone costs, so that a folder is kept and reset.
//! Below the pool's folder stand, for each slot `n`:
//!
//! - `n.lock`, locked for as long as the slot is leased;
//! - `n/<generation>/`: `tree` (the clone), `index` (what git wrote there; the
//!   clone's holder never sees it), and `lent` while it is leased.
//!
//! A slot found with `lent` although its lock is free belonged to a process
//! that was killed. Something of it may still write there: a new generation,
//! at another path, is begun, and the old one removed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{disk, error::Error, lock::FileLock};

/// Where the slots of one repository are.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    folder: PathBuf,
}

/// A leased slot; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Slot {
    folder: PathBuf,
    generation: u64,
    /// Whether there is something to reuse.
    is_used: bool,
    /// Whether the folder may be reused if this is dropped now.
    is_settled: AtomicBool,
    _lock: FileLock,
}

impl Pool {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Takes the first free slot. Blocks on file operations.
    pub(crate) fn take(&self) -> Result<Slot, Error> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        for n in 0_u32.. {
            let lock_file = self.folder.join(format!("{n}.lock"));
            if let Some(lock) = FileLock::try_acquire(&lock_file)? {
                return Slot::open(self.folder.join(n.to_string()), lock);
            }
        }
        unreachable!("there are not that many processes")
    }
}

impl Slot {
    fn open(folder: PathBuf, lock: FileLock) -> Result<Self, Error> {
        let generations = generations(&folder)?;
        let last = generations.iter().copied().max();
        let mut slot = Self {
            generation: last.unwrap_or(0),
            is_used: last.is_some() && generations.len() == 1,
            is_settled: AtomicBool::new(false),
            folder,
            _lock: lock,
        };
        if slot.is_used && !slot.lent().exists() {
            slot.mark_lent()?;
        } else {
            slot.renew()?;
        }
        Ok(slot)
    }

    /// Begins anew, at another path, and removes what was there.
    pub(crate) fn renew(&mut self) -> Result<(), Error> {
        self.generation += 1;
        self.is_used = false;
        let tree = self.tree();
        fs::create_dir_all(&tree).map_err(Error::io("create", tree))?;
        self.mark_lent()?;
        for generation in generations(&self.folder)? {
            if generation != self.generation {
                disk::remove_blocking(&self.folder.join(generation.to_string()))?;
            }
        }
        Ok(())
    }

    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// The root of the clone.
    pub(crate) fn tree(&self) -> PathBuf {
        self.at("tree")
    }

    /// The index that belongs to what git wrote at the lease.
    pub(crate) fn index(&self) -> PathBuf {
        self.at("index")
    }

    /// A file of ours beside the clone.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(self.generation.to_string()).join(name)
    }

    /// While something of ours works in the folder, dropping the slot does not
    /// leave it for reuse: a killed git may not have ended when it is dropped.
    pub(crate) fn set_settled(&self, is_settled: bool) {
        self.is_settled.store(is_settled, Ordering::Relaxed);
    }

    fn lent(&self) -> PathBuf {
        self.at("lent")
    }

    fn mark_lent(&self) -> Result<(), Error> {
        let lent = self.lent();
        File::create(&lent).map_err(Error::io("create", lent))?;
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_settled.load(Ordering::Relaxed) {
            // Where it cannot be removed, the next lease begins anew.
            fs::remove_file(self.lent()).unwrap_or_default();
        }
    }
}

fn generations(folder: &Path) -> Result<Vec<u64>, Error> {
    let entries = disk::entries(folder)?;
    let number = |entry: &fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    Ok(entries.iter().filter_map(number).collect())
}
