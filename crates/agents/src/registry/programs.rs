use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Agent programs that are looked for on a new machine. It is only their
/// names: how each is driven belongs to its own kind.
pub const KNOWN_PROGRAMS: &[&str] = &["claude", "codex", "opencode", "aider"];

/// Finds programs in the folders of a `PATH`: each name that is there, in the
/// order of `names`, with the file that would run. Relative folders are passed
/// over, since what they hold depends on where one stands.
#[must_use]
pub fn find_programs(path_var: &OsStr, names: &[&str]) -> Vec<(String, PathBuf)> {
    let folders: Vec<PathBuf> = std::env::split_paths(path_var)
        .filter(|folder| folder.is_absolute())
        .collect();
    let find = |name: &&str| {
        let mut files = folders.iter().map(|folder| folder.join(name));
        let file = files.find(|file| is_program(file))?;
        Some(((*name).to_owned(), file))
    };
    names.iter().filter_map(find).collect()
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
