use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::playbook::{Action, Replacement, Text, WorkPath};
use crate::{
    RunError,
    exchange::{Opened, open_plain},
};

/// A larger file is no text that somebody works on.
const MOST_BYTES: u64 = 8 << 20;

/// Does an edit in `folder`. Waiting and failing are no edits: nothing is done.
pub(crate) fn apply(folder: &Path, action: &Action) -> Result<(), RunError> {
    match action {
        Action::Write(Text { path, text }) => write(
            folder,
            path,
            text,
            OpenOptions::new().create(true).truncate(true),
        ),
        Action::Append(Text { path, text }) => write(
            folder,
            path,
            text,
            OpenOptions::new().create(true).append(true),
        ),
        Action::Replace(replacement) => replace(folder, replacement),
        Action::Delete(path) => {
            let file = guard(folder, path)?;
            fs::remove_file(file).map_err(edit_error(path))
        }
        Action::Sleep(_) | Action::Fail { .. } => Ok(()),
    }
}

fn write(
    folder: &Path,
    path: &WorkPath,
    text: &str,
    options: &mut OpenOptions,
) -> Result<(), RunError> {
    let file = guard(folder, path)?;
    if let Some(above) = file.parent() {
        fs::create_dir_all(above).map_err(edit_error(path))?;
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&file);
    let mut file = match opened {
        // A pipe that nobody reads.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Err(not_plain(path));
        }
        opened => opened.map_err(edit_error(path))?,
    };
    if !file.metadata().map_err(edit_error(path))?.is_file() {
        return Err(not_plain(path));
    }
    file.write_all(text.as_bytes()).map_err(edit_error(path))
}

fn replace(folder: &Path, replacement: &Replacement) -> Result<(), RunError> {
    let Replacement { path, from, to } = replacement;
    let text = read(folder, path)?;
    if !text.contains(from) {
        return Err(RunError::TextNotFound {
            path: path.as_str().to_owned(),
            text: from.chars().take(80).collect(),
        });
    }
    let text = text.replace(from, to);
    write(folder, path, &text, OpenOptions::new().truncate(true))
}

/// The text of a plain file that is not too large; a pipe is not waited for.
pub(crate) fn read(folder: &Path, path: &WorkPath) -> Result<String, RunError> {
    let file = match open_plain(&guard(folder, path)?).map_err(edit_error(path))? {
        Opened::Plain(file) => file,
        Opened::Missing => return Err(edit_error(path)(rustix::io::Errno::NOENT.into())),
        Opened::Other => return Err(not_plain(path)),
    };
    let mut text = String::new();
    // One more tells whether there is more.
    let n_read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    let is_whole = |n_read: usize| n_read as u64 <= MOST_BYTES;
    match n_read {
        Ok(n_read) if is_whole(n_read) => Ok(text),
        // Cut within a letter, it is no text either.
        Err(error) if error.kind() != io::ErrorKind::InvalidData => Err(edit_error(path)(error)),
        Err(error) if is_whole(text.len()) => Err(edit_error(path)(error)),
        Ok(_) | Err(_) => Err(RunError::TooLarge {
            path: path.as_str().to_owned(),
            most_bytes: MOST_BYTES,
        }),
    }
}

/// The path in `folder`, with none of its existing parts a symbolic link: a
/// repository may hold links that lead out of the folder.
pub(crate) fn guard(folder: &Path, path: &WorkPath) -> Result<PathBuf, RunError> {
    let mut full = folder.to_owned();
    for part in path.as_path() {
        full.push(part);
        match fs::symlink_metadata(&full) {
            Ok(metadata) if metadata.is_symlink() => {
                let path = path.as_str().to_owned();
                return Err(RunError::ThroughLink { path });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(edit_error(path)(error)),
        }
    }
    Ok(full)
}

fn not_plain(path: &WorkPath) -> RunError {
    RunError::NotPlain {
        path: path.as_str().to_owned(),
    }
}

fn edit_error(path: &WorkPath) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::Edit {
        path: path.as_str().to_owned(),
        source,
    }
}
