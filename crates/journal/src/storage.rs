//! The seam below the journal: every file operation goes through it, so that crashes, lost writes
//! and errors can be simulated.

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

/// How [`Storage::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// For writing; created where it does not exist, never truncated.
    Write,
    /// For writing; it MUST NOT exist.
    CreateNew,
}

/// How [`Storage::lock`] takes a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Alone, or not at all.
    Try,
    /// Alone, after waiting for all who hold it.
    Wait,
    /// Beside other probes, or not at all; the file must exist.
    Probe,
}

/// A file system, reduced to what journals need.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Creates a folder and its parents with mode 0700. When it returns, they survive power loss.
    ///
    /// # Errors
    /// What the operating system says; an existing folder is none.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Names of the entries of a folder, in any order.
    ///
    /// # Errors
    /// What the operating system says, `NotFound` for a missing folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Opens a file; a new one has mode 0600. A symbolic link is not followed.
    ///
    /// # Errors
    /// What the operating system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>>;

    /// Renames a file, replacing `to`.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a folder (new, renamed, removed) survive power loss.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Locks a file against all other handles, of this process too, until the result is dropped or
    /// the process ends. Returns nothing where the lock is held and the mode does not wait.
    ///
    /// # Errors
    /// What the operating system says.
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn StorageLock>>>;
}

/// An open file of a [`Storage`].
pub trait StorageFile: fmt::Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn size(&self) -> io::Result<u64>;

    /// Reads up to a buffer full; 0 at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the operating system says; any prefix may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn truncate(&self, size: u64) -> io::Result<()>;

    /// Makes the content (not the name) survive power loss.
    ///
    /// # Errors
    /// What the operating system says; what was written since the last success may be lost, and
    /// calling again proves nothing.
    fn sync_data(&self) -> io::Result<()>;
}

/// A lock of a [`Storage`], held until dropped.
pub trait StorageLock: fmt::Debug + Send + Sync {}

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealStorage;

impl Storage for RealStorage {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        self.create_dir(parent)?;
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            result => result?,
        }
        self.sync_dir(parent)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        dir.read_dir()?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(open(path, mode)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn StorageLock>>> {
        let open_mode = if mode == LockMode::Probe {
            OpenMode::Read
        } else {
            OpenMode::Write
        };
        let file = open(path, open_mode)?;
        // The standard library's locks are those of flock(2): they belong to the open file, so two
        // handles of one process exclude each other, and the kernel releases them at any end.
        let held = loop {
            break match mode {
                LockMode::Try => file.try_lock(),
                LockMode::Probe => file.try_lock_shared(),
                LockMode::Wait => match file.lock() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    result => result.map_err(TryLockError::Error),
                },
            };
        };
        match held {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(path: &Path, mode: OpenMode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    match mode {
        OpenMode::Read => {}
        OpenMode::Write => {
            options.write(true).create(true).truncate(false);
        }
        OpenMode::CreateNew => {
            options.write(true).create_new(true);
        }
    }
    options.open(path)
}

impl StorageFile for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match FileExt::read_at(self, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.set_len(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }
}

impl StorageLock for File {}
