//! What an earlier request has left of its conversation.
//!
//! The agent could write where it lies: no link is followed, no pipe waited for, and only so much is read.

use std::{
    ffi::{CStr, CString, OsStr},
    fs::{DirBuilder, File},
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::{Path, PathBuf},
};

use crate::exchange::replace_private;
use rustix::{
    fs::{Dir, FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

/// What an agent is told first that goes on with a conversation.
pub(crate) const RESUMED: &str = include_str!("../prompts/resumed.md");

/// The largest one that is gone on with; a longer one would cost more than it helps.
pub(crate) const LARGEST_BYTES: u64 = 16 << 20;

/// How many entries of folders are looked at.
const MOST_ENTRIES: usize = 1000;

/// Copies the file of a conversation into another folder, under the path that it had below the first, where one is
/// there whose name `is_it` knows. `folders` is the way to it from `from`: names, or `*` for any.
///
/// # Errors
///
/// Of the file system, in what is ours: what the agent has made otherwise than it is expected is no file.
pub(crate) fn copy_into(
    to: &Path,
    from: &Path,
    folders: &[&str],
    is_it: impl Fn(&str) -> bool,
) -> io::Result<Option<PathBuf>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Some(root) = there(rustix::fs::open(from, flags, Mode::empty()))? else {
        return Ok(None);
    };
    let mut left = MOST_ENTRIES;
    let Some((path, file)) = find(&root, Path::new(""), folders, &is_it, &mut left)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Ok(None);
    }
    let copy = to.join(path);
    if let Some(folder) = copy.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    replace_private(&copy, &bytes)?;
    Ok(Some(copy))
}

/// Looks below an open folder; what is found is a plain file.
fn find(
    folder: &OwnedFd,
    at: &Path,
    folders: &[&str],
    is_it: &impl Fn(&str) -> bool,
    left: &mut usize,
) -> io::Result<Option<(PathBuf, File)>> {
    let names = match folders.first() {
        Some(name) if *name != "*" => vec![CString::new(*name)?],
        _ => entries(folder, left)?,
    };
    for name in names {
        let path = at.join(OsStr::from_bytes(name.to_bytes()));
        let found = match folders.split_first() {
            Some((_, rest)) => match open(folder, &name, OFlags::DIRECTORY)? {
                Some(below) => find(&below, &path, rest, is_it, left)?,
                None => None,
            },
            None if name.to_str().is_ok_and(is_it) => plain(folder, &name)?.map(|it| (path, it)),
            None => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The names in a folder, the last by name first: of several the newest.
fn entries(folder: &OwnedFd, left: &mut usize) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_owned();
        if *left == 0 {
            break;
        }
        *left -= 1;
        if name.to_bytes() != b"." && name.to_bytes() != b".." {
            names.push(name);
        }
    }
    names.sort();
    names.reverse();
    Ok(names)
}

fn plain(folder: &OwnedFd, name: &CStr) -> io::Result<Option<File>> {
    let Some(file) = open(folder, name, OFlags::NONBLOCK)? else {
        return Ok(None);
    };
    let is_file = FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile;
    Ok(is_file.then(|| file.into()))
}

/// Opens an entry; a link is none.
fn open(folder: &impl AsFd, name: &CStr, flags: OFlags) -> io::Result<Option<OwnedFd>> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    there(openat(folder, name, flags, Mode::empty()))
}

fn there(opened: Result<OwnedFd, Errno>) -> io::Result<Option<OwnedFd>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::ACCESS | Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_file_is_copied_and_links_are_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        let find = |from: &Path| {
            copy_into(&to, from, &["sessions", "*"], |name| {
                name.ends_with("-1.jsonl")
            })
            .expect("it can be looked for")
        };
        assert_eq!(find(&from), None, "no folder");
        fs::create_dir_all(from.join("sessions/b")).expect("made");
        assert_eq!(find(&from), None, "no file");
        let secret = place.path().join("x-1.jsonl");
        replace_private(&secret, b"secret").expect("written");
        symlink(&secret, from.join("sessions/b/x-1.jsonl")).expect("linked");
        symlink(place.path(), from.join("sessions/a")).expect("linked");
        assert_eq!(find(&from), None, "links alone");
        fs::create_dir_all(from.join("sessions/c/y-1.jsonl")).expect("made");
        assert_eq!(find(&from), None, "a folder of that name");
        replace_private(&from.join("sessions/b/y-1.jsonl"), b"said").expect("written");
        let copy = to.join("sessions/b/y-1.jsonl");
        assert_eq!(find(&from), Some(copy.clone()));
        assert_eq!(fs::read(&copy).expect("readable"), b"said");
        let long = fs::File::create(from.join("sessions/b/z-1.jsonl")).expect("made");
        long.set_len(LARGEST_BYTES + 1).expect("grown");
        assert_eq!(find(&from), None, "too long");
    }
}
