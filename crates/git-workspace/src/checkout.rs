//! The user's checkouts, looked at without changing anything.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    discover::{Found, without_newline},
    disk,
    error::Error,
    git::{Git, path_of, shell_quote},
    parse::{GITLINK, RawChange, lossy, records},
};

/// Paths named in a report at most.
const NAMED_PATHS: usize = 20;

/// A checkout, of the repository itself or linked to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    pub(crate) folder: PathBuf,
    /// The full name of its branch, if it is on one.
    pub(crate) branch: Option<String>,
}

/// All checkouts of a repository whose folders exist.
pub(crate) async fn checkouts(git: &Git, user: &Found) -> Result<Vec<Checkout>, Error> {
    let listed = git
        .at(&user.git_folder, "worktree")
        .args(["list", "--porcelain", "-z"])
        .run()
        .await?;
    let mut checkouts: Vec<Checkout> = Vec::new();
    for field in records(&listed) {
        if let Some(path) = field.strip_prefix(b"worktree ") {
            checkouts.push(Checkout {
                folder: path_of(path),
                branch: None,
            });
        } else if let (Some(branch), Some(last)) =
            (field.strip_prefix(b"branch "), checkouts.last_mut())
        {
            last.branch = Some(lossy(branch));
        } else if field == b"bare" || field.starts_with(b"prunable ") {
            checkouts.pop();
        }
    }
    for checkout in &mut checkouts {
        if checkout.folder == user.git_folder {
            checkout.folder = main_checkout(git, user).await?;
        }
    }
    Ok(checkouts)
}

/// The folder of the checkout whose git directory lies elsewhere; git itself
/// names that directory instead. It stays so where nothing tells the folder.
async fn main_checkout(git: &Git, user: &Found) -> Result<PathBuf, Error> {
    if git_folder(git, &user.root).await? == user.git_folder {
        return Ok(user.root.clone());
    }
    // Of a submodule the directory knows.
    let asked = git
        .command("rev-parse", &user.git_folder)
        .arg("--show-toplevel");
    let answer = asked.answer().await?;
    Ok(match answer.code {
        0 => path_of(without_newline(&answer.stdout)),
        _ => user.git_folder.clone(),
    })
}

/// The git directory of a checkout's own.
pub(crate) async fn git_folder(git: &Git, folder: &Path) -> Result<PathBuf, Error> {
    let asked = git.command("rev-parse", folder).arg("--absolute-git-dir");
    let answer = asked.run().await?;
    Ok(path_of(without_newline(&answer)))
}

/// What git does with a branch that a checkout has left for the time of it, in words.
pub(crate) fn borrowed(git_folder: &Path, full: &str) -> Option<&'static str> {
    let signs = [
        ("rebase-merge/head-name", "rebase"),
        ("rebase-apply/head-name", "rebase"),
        ("BISECT_START", "bisect"),
    ];
    let names_it = |file: &str| {
        let content = fs::read_to_string(git_folder.join(file)).unwrap_or_default();
        let name = content.trim_end();
        name == full || Some(name) == full.strip_prefix("refs/heads/")
    };
    let found = signs.iter().find(|(file, _)| names_it(file));
    found.map(|(_, what)| *what)
}

/// A line for each thing in the user's checkout that a run would not see.
pub(crate) async fn warnings(git: &Git, user: &Found) -> Result<Vec<String>, Error> {
    if user.is_bare {
        return Ok(Vec::new());
    }
    let changed = tracked_changes(git, &user.root).await?;
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let named = changed.iter().take(3).map(String::as_str);
    let mut named = named.collect::<Vec<_>>().join(", ");
    if changed.len() > 3 {
        named += ", …";
    }
    let (n, folder) = (changed.len(), user.root.display());
    let files = if n == 1 { "file" } else { "files" };
    Ok(vec![format!(
        "uncommitted changes to {n} {files} in {folder} are not included: {named}"
    )])
}

/// The tracked paths that differ from the checkout's commit, sorted.
pub(crate) async fn tracked_changes(git: &Git, folder: &Path) -> Result<Vec<String>, Error> {
    let answer = git
        .command("status", folder)
        .configs(without_filters(git, folder).await?)
        .args(["--porcelain=v1", "-z", "--untracked-files=no"])
        .args(["--ignore-submodules=all", "--no-renames"])
        .run()
        .await?;
    // Two letters and a space before each path.
    let mut paths: Vec<_> = records(&answer)
        .filter_map(|record| record.get(3..).map(lossy))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Configuration that takes the programs from all filters that a repository
/// configures. git runs them even to compare a file that was written just now.
pub(crate) async fn without_filters(
    git: &Git,
    folder: &Path,
) -> Result<Vec<(OsString, OsString)>, Error> {
    let configured = git
        .command("config", folder)
        .args(["--name-only", "-z", "--get-regexp"])
        .arg(r"^filter\..*\.(clean|smudge|process|required)$")
        .answer()
        .await?;
    // 1 says that there is none.
    let keys = match configured.code {
        1 => Vec::new(),
        _ => configured.success()?,
    };
    let off = |key: &[u8]| {
        let value = if key.ends_with(b".required") {
            "false"
        } else {
            ""
        };
        (path_of(key).into(), value.into())
    };
    Ok(records(&keys).map(off).collect())
}

/// What git does not know of and would overwrite or remove by writing these changes, sorted.
///
/// git itself spares untracked files, but takes ignored ones for expendable;
/// here they are the user's. Of a folder, the first few are named.
pub(crate) fn untracked_in_the_way(folder: &Path, changes: &[RawChange]) -> Vec<String> {
    // In a checkout without changes of its own, what is at these paths is the commit's.
    let removed: BTreeSet<PathBuf> = changes
        .iter()
        .filter(|change| change.is_removal())
        .map(RawChange::path)
        .collect();
    let mut found = BTreeSet::new();
    for change in changes {
        // A submodule that becomes a file has another type.
        if !matches!(change.status, 'A' | 'T') {
            continue;
        }
        let path = change.path();
        let mut ancestors: Vec<_> = path.ancestors().skip(1).collect();
        // The root.
        ancestors.pop();
        let above = ancestors
            .into_iter()
            .rev()
            .find(|above| !is_folder(&folder.join(above)));
        if let Some(above) = above {
            // It is no folder, so that nothing is below it; through a link, git does not write.
            if folder.join(above).symlink_metadata().is_ok() && !removed.contains(above) {
                found.insert(above.to_owned());
            }
        } else if is_folder(&folder.join(&path)) {
            if change.mode != GITLINK {
                found.extend(files_below(folder, &path, &removed));
            }
        } else if change.status == 'A' && folder.join(&path).symlink_metadata().is_ok() {
            found.insert(path);
        }
    }
    found
        .iter()
        .map(|path| lossy(path.as_os_str().as_bytes()))
        .collect()
}

/// The first few files and links in a folder, without those that are removed
/// anyway, and folders that cannot be looked into.
fn files_below(root: &Path, folder: &Path, removed: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if found.len() >= NAMED_PATHS {
            break;
        }
        let Ok(entries) = disk::entries(&root.join(&folder)) else {
            found.push(folder);
            continue;
        };
        for entry in entries {
            let path = folder.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if !removed.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// Whether a folder itself is there, not only a link to one.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// At most as many paths as a report names.
pub(crate) fn cut(mut paths: Vec<String>) -> Vec<String> {
    paths.truncate(NAMED_PATHS);
    paths
}

/// What the user has begun in a checkout and not ended, in words.
pub(crate) fn unfinished(git_folder: &Path) -> Option<&'static str> {
    let signs = [
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
    ];
    let found = signs
        .iter()
        .find(|(file, _)| git_folder.join(file).exists());
    found.map(|(_, what)| *what)
}

/// Whether writing these changes needs a filter, which is the user's to run.
pub(crate) async fn needs_filter(
    git: &Git,
    folder: &Path,
    changes: &[RawChange],
) -> Result<bool, Error> {
    if changes
        .iter()
        .any(|change| change.path().ends_with(".gitattributes"))
    {
        return Ok(true);
    }
    let asked: Vec<u8> = changes
        .iter()
        .flat_map(|change| [&change.path, &b"\0"[..]].concat())
        .collect();
    let answer = git
        .command("check-attr", folder)
        .args(["--stdin", "-z", "filter"])
        .stdin(asked)
        .run()
        .await?;
    // Path, attribute, value.
    let values = records(&answer).skip(2).step_by(3);
    Ok(values
        .into_iter()
        .any(|value| value != b"unspecified" && value != b"unset"))
}

/// Takes back what a landing that was cut off has written into a checkout: files that
/// are the beginning of the new version, or of the old one where it was being
/// restored. Nothing is lost by it, since git holds both.
pub(crate) async fn clear_torn(
    git: &Git,
    folder: &Path,
    changes: &[RawChange],
) -> Result<(), Error> {
    let blob = async |object: &str| -> Result<Option<Vec<u8>>, Error> {
        if object.bytes().all(|byte| byte == b'0') {
            return Ok(None);
        }
        let read = git.command("cat-file", folder).args(["blob", object]);
        Ok(Some(read.run().await?))
    };
    for change in changes {
        let path = folder.join(change.path());
        let Some(content) = content(folder, &path) else {
            continue;
        };
        let (old, new) = (blob(&change.old).await?, blob(&change.new).await?);
        let begins = |version: &Option<Vec<u8>>| {
            version
                .as_ref()
                .is_some_and(|version| version.starts_with(&content))
        };
        if (begins(&new) || begins(&old)) && old.as_ref() != Some(&content) {
            fs::remove_file(&path).map_err(Error::io("remove", path))?;
        }
    }
    Ok(())
}

/// What git would record as the content of a file or link, if one is there and no link leads to it.
fn content(root: &Path, path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    let is_link = |path: &Path| {
        path.symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
    };
    let mut parents = path
        .ancestors()
        .skip(1)
        .take_while(|parent| *parent != root);
    if parents.any(is_link) {
        return None;
    }
    if is_link(path) {
        return Some(fs::read_link(path).ok()?.into_os_string().into_vec());
    }
    fs::read(path).ok()
}

/// The line with which a person fast-forwards a checkout.
pub(crate) fn merge_line(folder: &Path, what: &str) -> String {
    let folder: OsString = shell_quote(folder.as_os_str());
    format!("git -C {} merge --ff-only {what}", folder.to_string_lossy())
}
