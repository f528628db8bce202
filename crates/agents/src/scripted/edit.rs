use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::playbook::{Action, Replacement, Text, WorkPath};
use crate::RunError;

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
    options
        .write(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(edit_error(path))
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

/// The text of a file.
pub(crate) fn read(folder: &Path, path: &WorkPath) -> Result<String, RunError> {
    let file = guard(folder, path)?;
    let mut text = String::new();
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&file)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(edit_error(path))?;
    Ok(text)
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

fn edit_error(path: &WorkPath) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::Edit {
        path: path.as_str().to_owned(),
        source,
    }
}
