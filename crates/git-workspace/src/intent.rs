//! Marks by which a landing that was killed is known.
//!
//! A landing writes into the user's repository, where lock files and
//! half-written files may be anybody's. Before it does, it leaves a mark beside
//! the mirror, named after the commit; only what fits a mark is taken for ours.
//! Landings hold the mirror's lock, so that a mark found at the start is of a killed one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use core_types::CommitId;

use crate::{disk, error::Error};

/// How long after its mark a landing may have made a lock file.
const REACH: Duration = Duration::from_secs(15);

/// The marks of one repository.
#[derive(Debug)]
pub(crate) struct Marks {
    folder: PathBuf,
    left: Vec<(String, SystemTime)>,
}

impl Marks {
    /// Reads what killed landings have left.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mark = |entry: fs::DirEntry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            modified
                .map(|modified| (name, modified))
                .map_err(Error::io("look at", entry.path()))
        };
        let left = disk::entries(folder)?
            .into_iter()
            .map(mark)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            folder: folder.to_owned(),
            left,
        })
    }

    /// Whether a landing of this commit was killed.
    pub(crate) fn has(&self, commit: &CommitId) -> bool {
        self.left.iter().any(|(name, _)| name == commit.as_str())
    }

    pub(crate) fn set(&self, commit: &CommitId) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        let file = self.folder.join(commit.as_str());
        // One byte, so that the time of an existing mark is renewed, too.
        disk::put(&file, b"\n")?;
        File::open(&file)
            .and_then(|file| file.sync_all())
            .map_err(Error::io("flush", file))?;
        disk::sync_folder(&self.folder)
    }

    pub(crate) fn clear(&self, commit: &CommitId) -> Result<(), Error> {
        disk::remove_blocking(&self.folder.join(commit.as_str()))
    }

    /// Whether a killed landing made this lock file.
    pub(crate) fn explain(&self, lock_file: &Path) -> bool {
        let Ok(made) = lock_file
            .metadata()
            .and_then(|metadata| metadata.modified())
        else {
            return false;
        };
        let name = lock_file.file_name().unwrap_or_default();
        let content = fs::read(lock_file).unwrap_or_default();
        let content = content.trim_ascii_end();
        self.left.iter().any(|(commit, marked)| {
            let is_in_time = *marked <= made && made <= *marked + REACH;
            // The locks of a branch hold what is to be written.
            let fits = name == "index.lock"
                || name == "HEAD.lock"
                || content.is_empty()
                || content == commit.as_bytes();
            is_in_time && fits
        })
    }
}
