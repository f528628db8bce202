//! A file system in memory that keeps apart what was written and what was flushed.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{LockMode, OpenMode, Storage, StorageFile, StorageLock};

/// What a failing operation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No space left (ENOSPC).
    Full,
    /// Read-only file system (EROFS).
    ReadOnly,
    /// Input or output error (EIO).
    Io,
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// One operation fails.
    Once,
    /// All operations fail from then on; with [`SimulatedStorage::restart`] it is a crash at that point.
    Forever,
}

/// A fault to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Number of the operation that fails, from 1, as [`SimulatedStorage::operations`] counts.
    pub operation: u64,
    /// What it says.
    pub kind: FaultKind,
    /// How long it lasts.
    pub repeat: Repeat,
    /// If the operation is a write, how many of its bytes are written all the same.
    pub written: usize,
}

/// What a crash leaves of what was never flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// All of it: only the process was killed.
    Kill,
    /// Nothing: neither bytes nor names.
    LoseUnsynced,
    /// The names, and of each file the first bytes that were not flushed.
    KeepPrefix(usize),
    /// All but the first such bytes, which read as zeros: the disk wrote the later ones first.
    LosePrefix(usize),
}

/// A file system in memory. Clones are the same one. Folders exist without being created.
#[derive(Debug, Clone, Default)]
pub struct SimulatedStorage {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    disk: Mutex<Disk>,
    unlocked: Condvar,
}

#[derive(Debug, Clone, Default)]
struct Disk {
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    /// By number; never removed.
    contents: Vec<Content>,
    /// Number of holders; `usize::MAX` for one alone.
    locks: BTreeMap<PathBuf, usize>,
    operations: u64,
    syncs: u64,
    writes: Vec<(u64, usize)>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
}

impl SimulatedStorage {
    /// An empty one without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an operation fail.
    pub fn inject(&self, fault: Fault) {
        self.disk().fault = Some(fault);
    }

    /// How many operations there have been; every call of the traits is one.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// How many of them flushed a file.
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Which of them were writes that did not fail, and of how many bytes.
    pub fn writes(&self) -> Vec<(u64, usize)> {
        self.disk().writes.clone()
    }

    /// The largest number of bytes at the end of a file that are not flushed.
    pub fn unsynced_bytes(&self) -> usize {
        let unsynced =
            |content: &Content| content.written.len().saturating_sub(content.synced.len());
        self.disk().contents.iter().map(unsynced).max().unwrap_or(0)
    }

    /// The file system as it is found after a crash: unlocked, without faults, counting from 0. This
    /// one stays as it is.
    pub fn restart(&self, crash: Crash) -> Self {
        let mut disk = self.disk().clone();
        if crash == Crash::LoseUnsynced {
            disk.names = disk.synced_names.clone();
        }
        for content in &mut disk.contents {
            content.crash(crash);
        }
        let (names, contents) = (disk.names, disk.contents);
        let disk = Disk {
            synced_names: names.clone(),
            names,
            contents,
            ..Disk::default()
        };
        Self {
            shared: Arc::new(Shared {
                disk: Mutex::new(disk),
                unlocked: Condvar::new(),
            }),
        }
    }

    /// What a file holds, if it exists.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk();
        disk.names
            .get(path)
            .map(|&number| disk.contents[number].written.clone())
    }

    /// Replaces what a file holds, or creates it, flushed.
    pub fn set_content(&self, path: &Path, bytes: &[u8]) {
        let mut disk = self.disk();
        let number = disk.create(path);
        disk.synced_names.insert(path.to_owned(), number);
        disk.contents[number] = Content {
            written: bytes.to_vec(),
            synced: bytes.to_vec(),
        };
    }

    /// The paths of all files, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        self.disk().names.keys().cloned().collect()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.shared
            .disk
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and lets it fail if it should.
    fn operate(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.disk();
        match disk.failing() {
            None => Ok(disk),
            Some(fault) => Err(fault.kind.error()),
        }
    }
}

impl Disk {
    fn failing(&mut self) -> Option<Fault> {
        self.operations += 1;
        self.fault.filter(|fault| match fault.repeat {
            Repeat::Once => self.operations == fault.operation,
            Repeat::Forever => self.operations >= fault.operation,
        })
    }

    fn create(&mut self, path: &Path) -> usize {
        let next = self.contents.len();
        let number = *self.names.entry(path.to_owned()).or_insert(next);
        if number == next {
            self.contents.push(Content::default());
        }
        number
    }
}

impl Content {
    fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.written.len() < end {
            self.written.resize(end, 0);
        }
        self.written[offset..end].copy_from_slice(bytes);
    }

    fn crash(&mut self, crash: Crash) {
        let synced = self.synced.len();
        let appended = self.written.starts_with(&self.synced);
        match crash {
            Crash::Kill => {}
            Crash::LoseUnsynced => self.written.clone_from(&self.synced),
            Crash::KeepPrefix(kept) if appended => self.written.truncate(synced + kept),
            Crash::LosePrefix(lost) if appended => {
                let end = (synced + lost).min(self.written.len());
                self.written[synced..end].fill(0);
            }
            // A cut or an overwrite reaches the disk whole, or not at all.
            Crash::KeepPrefix(0) => self.written.clone_from(&self.synced),
            Crash::KeepPrefix(_) | Crash::LosePrefix(_) => {}
        }
        self.synced.clone_from(&self.written);
    }
}

impl FaultKind {
    fn error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
            Self::Io => io::Error::other("simulated input or output error"),
        }
    }
}

impl Storage for SimulatedStorage {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.operate().map(drop)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let disk = self.operate()?;
        let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        let mut disk = self.operate()?;
        let number = match (disk.names.get(path), mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (None, OpenMode::Read) => return Err(io::ErrorKind::NotFound.into()),
            (Some(&number), _) => number,
            (None, _) => disk.create(path),
        };
        Ok(Box::new(SimulatedFile {
            storage: self.clone(),
            number,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.operate()?;
        let number = disk.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        disk.names.insert(to.to_owned(), number);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.operate()?;
        disk.names
            .remove(path)
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.operate()?;
        let inside = |path: &Path| path.parent() == Some(dir);
        let names = disk.names.clone();
        disk.synced_names.retain(|path, _| !inside(path));
        disk.synced_names
            .extend(names.into_iter().filter(|(path, _)| inside(path)));
        Ok(())
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn StorageLock>>> {
        let mut disk = self.operate()?;
        loop {
            let holders = disk.locks.get(path).copied().unwrap_or(0);
            let held = match mode {
                LockMode::Probe if holders < usize::MAX => holders + 1,
                LockMode::Try | LockMode::Wait if holders == 0 => usize::MAX,
                LockMode::Try | LockMode::Probe => return Ok(None),
                LockMode::Wait => {
                    disk = self
                        .shared
                        .unlocked
                        .wait(disk)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            disk.locks.insert(path.to_owned(), held);
            return Ok(Some(Box::new(SimulatedLock {
                storage: self.clone(),
                path: path.to_owned(),
            })));
        }
    }
}

#[derive(Debug)]
struct SimulatedFile {
    storage: SimulatedStorage,
    number: usize,
}

impl StorageFile for SimulatedFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.storage.operate()?.contents[self.number].written.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let disk = self.storage.operate()?;
        let rest = disk.contents[self.number]
            .written
            .get(offset as usize..)
            .unwrap_or(&[]);
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.storage.disk();
        let failing = disk.failing();
        // After a crash nothing is written any more, except by the operation that it hit.
        let torn = |fault: &Fault| {
            if disk.operations == fault.operation {
                fault.written.min(bytes.len())
            } else {
                0
            }
        };
        let written = failing.as_ref().map_or(bytes.len(), torn);
        disk.contents[self.number].write_at(offset as usize, &bytes[..written]);
        if let Some(fault) = failing {
            return Err(fault.kind.error());
        }
        let operation = disk.operations;
        disk.writes.push((operation, bytes.len()));
        Ok(())
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.storage.operate()?.contents[self.number]
            .written
            .truncate(size as usize);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.storage.operate()?;
        disk.syncs += 1;
        let content = &mut disk.contents[self.number];
        content.synced.clone_from(&content.written);
        Ok(())
    }
}

#[derive(Debug)]
struct SimulatedLock {
    storage: SimulatedStorage,
    path: PathBuf,
}

impl StorageLock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut disk = self.storage.disk();
        match disk.locks.get_mut(&self.path) {
            Some(holders) if *holders != usize::MAX && *holders > 1 => *holders -= 1,
            _ => drop(disk.locks.remove(&self.path)),
        }
        self.storage.shared.unlocked.notify_all();
    }
}
