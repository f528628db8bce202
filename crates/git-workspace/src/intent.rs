//! Marks by which a landing that was killed is known.
//!
//! A landing writes into the user's repository, where lock files and
//! half-written files may be anybody's. Before it does, it leaves a mark beside
//! the mirror, named after the commit; only what fits a mark is taken for ours.
//! Landings hold the mirror's lock, so that a mark found at the start is of a killed one.
//!
//! A mark is a text of lines. That of a landing in one go is empty; that of a
//! prepared one says for which change set it is, which git holds the branch, and
//! which lock files that git and we made, to the nanosecond.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
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
    left: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    commit: String,
    set: SystemTime,
    held: Option<Held>,
}

/// What a prepared landing holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Held {
    /// For which change set.
    pub(crate) change_set: String,
    /// Id and start time of the git that holds the branch.
    pub(crate) git: Option<(i32, u64)>,
    /// The lock files that it made; empty until they are known.
    pub(crate) locks: Vec<Identity>,
    /// Whether index and files of a checkout are being written, since it was decided to land.
    pub(crate) is_writing: bool,
}

/// What tells a lock file from every other one that ever was: where it is on
/// the disk, and when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity([i64; 4]);

/// Whether a killed landing made a lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No.
    Strange,
    /// By what it holds and when it was made.
    Likely,
    /// It is the very file.
    Ours,
}

impl Identity {
    pub(crate) fn of(file: &Path) -> Option<Self> {
        let found = file.symlink_metadata().ok()?;
        // Numbers without a sign are only compared, so that their sign does not matter.
        Some(Self([
            found.dev().cast_signed(),
            found.ino().cast_signed(),
            found.mtime(),
            found.mtime_nsec(),
        ]))
    }
}

impl Held {
    fn to_text(&self) -> String {
        let mut text = format!("prepared {}\n", self.change_set);
        if let Some((pid, start_time)) = self.git {
            text += &format!("git {pid} {start_time}\n");
        }
        for Identity([device, inode, seconds, nanoseconds]) in &self.locks {
            text += &format!("lock {device} {inode} {seconds} {nanoseconds}\n");
        }
        if self.is_writing {
            text += "writing\n";
        }
        text
    }

    /// A line that cannot be read was torn with its process, and says nothing.
    fn from_text(text: &str) -> Option<Self> {
        let change_set = text.lines().next()?.strip_prefix("prepared ")?;
        let mut held = Self {
            change_set: change_set.to_owned(),
            ..Self::default()
        };
        for line in text.split_inclusive('\n').skip(1) {
            let Some(line) = line.strip_suffix('\n') else {
                continue;
            };
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["git", pid, start] => held.git = pid.parse().ok().zip(start.parse().ok()),
                ["lock", device, inode, seconds, nanoseconds] => {
                    let numbers = [device, inode, seconds, nanoseconds].map(str::parse);
                    if let [Ok(device), Ok(inode), Ok(seconds), Ok(nanoseconds)] = numbers {
                        let identity = Identity([device, inode, seconds, nanoseconds]);
                        held.locks.push(identity);
                    }
                }
                ["writing"] => held.is_writing = true,
                _ => {}
            }
        }
        Some(held)
    }
}

impl Marks {
    /// Reads what killed landings have left.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mark = |entry: fs::DirEntry| -> Result<Mark, Error> {
            let path = entry.path();
            let set = entry.metadata().and_then(|metadata| metadata.modified());
            let set = set.map_err(Error::io("look at", &path))?;
            let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            Ok(Mark {
                commit: entry.file_name().to_string_lossy().into_owned(),
                set,
                held: Held::from_text(&text),
            })
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

    /// Whether a landing of this commit was killed that may have written into a checkout.
    pub(crate) fn has(&self, commit: &CommitId) -> bool {
        let written = |mark: &Mark| mark.held.as_ref().is_none_or(|held| held.is_writing);
        self.left
            .iter()
            .any(|mark| mark.commit == commit.as_str() && written(mark))
    }

    /// The commits that killed landings were to land.
    pub(crate) fn commits(&self) -> Vec<String> {
        self.left.iter().map(|mark| mark.commit.clone()).collect()
    }

    /// What killed landings had prepared and no more: nothing of theirs is written anywhere.
    pub(crate) fn only_prepared(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let is_only = |mark: &&Mark| mark.held.as_ref().is_some_and(|held| !held.is_writing);
        let marks = self.left.iter().filter(is_only);
        marks.map(|mark| self.folder.join(&mark.commit))
    }

    /// Whether a git of a killed landing still ends.
    pub(crate) fn is_git_running(&self) -> bool {
        let gits = self.left.iter().filter_map(|mark| mark.held.as_ref()?.git);
        gits.into_iter()
            .any(|(pid, start_time)| process::is_running(pid, start_time))
    }

    pub(crate) fn set(&self, commit: &CommitId) -> Result<(), Error> {
        self.put(commit, "\n")
    }

    pub(crate) fn set_held(&self, commit: &CommitId, held: &Held) -> Result<(), Error> {
        self.put(commit, &held.to_text())
    }

    fn put(&self, commit: &CommitId, text: &str) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        // Replaced as a whole: half a mark would explain nothing of what a whole one did.
        let new = self.folder.with_extension("mark");
        disk::put(&new, text.as_bytes())?;
        File::open(&new)
            .and_then(|file| file.sync_all())
            .map_err(Error::io("flush", &new))?;
        let file = self.folder.join(commit.as_str());
        fs::rename(&new, &file).map_err(Error::io("create", file))?;
        disk::sync_folder(&self.folder)
    }

    pub(crate) fn clear(&self, commit: &CommitId) -> Result<(), Error> {
        disk::remove_blocking(&self.folder.join(commit.as_str()))
    }

    /// Whether a killed landing made this lock file.
    pub(crate) fn explain(&self, lock_file: &Path) -> Origin {
        let origins = self.left.iter().map(|mark| mark.explain(lock_file));
        let mut best = Origin::Strange;
        for origin in origins {
            match origin {
                Origin::Ours => return Origin::Ours,
                Origin::Likely => best = Origin::Likely,
                Origin::Strange => {}
            }
        }
        best
    }
}

impl Mark {
    fn explain(&self, lock_file: &Path) -> Origin {
        let Some(identity) = Identity::of(lock_file) else {
            return Origin::Strange;
        };
        let name = lock_file.file_name().unwrap_or_default();
        if let Some(held) = &self.held {
            if held.locks.contains(&identity) {
                return Origin::Ours;
            }
            // Once its lock files are known, none comes after.
            if !held.locks.is_empty() {
                return Origin::Strange;
            }
        }
        let Ok(made) = lock_file.metadata().and_then(|found| found.modified()) else {
            return Origin::Strange;
        };
        let content = fs::read(lock_file).unwrap_or_default();
        let content = content.trim_ascii_end();
        let is_in_time = self.set <= made && made <= self.set + REACH;
        // The locks of a branch hold what is to be written.
        let fits = name == "index.lock"
            || name == "HEAD.lock"
            || name == "tables.list.lock"
            || content.is_empty()
            || content == self.commit.as_bytes();
        if is_in_time && fits {
            Origin::Likely
        } else {
            Origin::Strange
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_read_as_it_was_written() {
        let held = Held {
            change_set: "run-1:change-set".to_owned(),
            git: Some((7, 99)),
            locks: vec![Identity([1, -2, 3, 4]), Identity([5, 6, 7, 8])],
            is_writing: true,
        };
        let text = held.to_text();
        assert_eq!(Held::from_text(&text), Some(held.clone()));
        assert_eq!(Held::from_text("\n"), None, "a landing in one go");
        let torn = text.split("lock 5").next().expect("a part").to_owned() + "lock 5 6";
        let read = Held::from_text(&torn).expect("the whole lines say something");
        assert_eq!(read.locks, held.locks[..1], "a torn line says nothing");
        assert!(!read.is_writing);
    }
}
