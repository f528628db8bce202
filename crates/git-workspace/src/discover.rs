//! Finding repositories and what they stand at.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use core_types::{BranchName, CommitId};

use crate::{
    disk,
    error::Error,
    git::{Git, path_of},
    parse,
};

/// A repository of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The root of the checkout, or of the bare repository.
    pub root: PathBuf,
    /// The git directory that its checkouts share.
    pub git_folder: PathBuf,
    /// Whether it has no checkout of its own.
    pub is_bare: bool,
    /// What it stands at.
    pub head: Head,
    /// `sha1` or `sha256`.
    pub object_format: String,
}

/// What a checkout stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch.
    Branch(BranchName),
    /// A branch without a commit: nothing has been committed yet.
    Unborn(BranchName),
    /// A commit, on no branch.
    Detached(CommitId),
}

impl Found {
    /// The branch that work starts from unless another is named; `None` where
    /// none is checked out.
    #[must_use]
    pub fn default_branch(&self) -> Option<&BranchName> {
        match &self.head {
            Head::Branch(branch) | Head::Unborn(branch) => Some(branch),
            Head::Detached(_) => None,
        }
    }

    /// Whether the repository has a branch.
    ///
    /// # Errors
    ///
    /// [`Error::Launch`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn has_branch(&self, git: &Git, branch: &BranchName) -> Result<bool, Error> {
        let ask = git
            .command("rev-parse", &self.root)
            .args(["--quiet", "--verify"])
            .arg(format!("{}^{{commit}}", branch.full_ref()));
        Ok(ask.answer().await?.code == 0)
    }
}

/// The repository that `path` is in.
///
/// # Errors
///
/// [`Error::NotARepository`], [`Error::TooOld`], [`Error::Launch`].
///
/// # Cancel safety
///
/// Nothing is changed.
pub async fn discover(git: &Git, path: &Path) -> Result<Found, Error> {
    git.version().await?;
    let path = path
        .canonicalize()
        .map_err(Error::io("find the folder", path))?;
    if !path.is_dir() {
        return Err(Error::NotARepository { path });
    }
    let ask = |arguments: &[&str]| {
        git.command("rev-parse", &path)
            .arg("--path-format=absolute")
            .args(arguments)
    };
    let questions = [
        "--is-bare-repository",
        "--is-inside-work-tree",
        "--show-object-format",
        "--git-common-dir",
    ];
    let answer = ask(&questions).answer().await?;
    if answer.code == 128 {
        return Err(Error::NotARepository { path });
    }
    let answer = answer.success()?;
    let unreadable = || Error::Answer {
        command: "rev-parse",
    };
    // The path comes last: it may hold anything.
    let mut lines = answer.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().ok_or_else(unreadable);
    let (is_bare, is_checkout, object_format) = (line()? == b"true", line()? == b"true", line()?);
    let object_format = parse::lossy(object_format);
    let git_folder = path_of(without_newline(line()?));
    let root = if is_checkout {
        path_of(without_newline(&ask(&["--show-toplevel"]).run().await?))
    } else if is_bare {
        git_folder.clone()
    } else {
        // Inside `.git`.
        return Err(Error::NotARepository { path });
    };
    let head = head(git, &root).await?;
    Ok(Found {
        root,
        git_folder,
        is_bare,
        head,
        object_format,
    })
}

pub(crate) fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

async fn head(git: &Git, root: &Path) -> Result<Head, Error> {
    let symbolic = git.command("symbolic-ref", root).args(["--quiet", "HEAD"]);
    let commit = git
        .command("rev-parse", root)
        .args(["--quiet", "--verify", "HEAD^{commit}"]);
    let (symbolic, commit) = tokio::try_join!(symbolic.answer(), commit.answer())?;
    let unreadable = || Error::Answer {
        command: "symbolic-ref",
    };
    if symbolic.code == 0 {
        let name = parse::lossy(without_newline(&symbolic.stdout));
        let branch = name.strip_prefix("refs/heads/").ok_or_else(unreadable)?;
        let branch = BranchName::new(branch).map_err(|_| unreadable())?;
        return Ok(match commit.code {
            0 => Head::Branch(branch),
            _ => Head::Unborn(branch),
        });
    }
    let commit = parse::lossy(without_newline(&commit.success()?));
    Ok(Head::Detached(parse::commit_id("rev-parse", &commit)?))
}

/// The repositories at or below a folder, at most `depth` folders down, sorted.
///
/// Hidden folders, links and the inside of repositories are not looked at.
///
/// # Errors
///
/// [`Error::Io`] where `folder` cannot be listed; folders below it that cannot are passed over.
///
/// # Cancel safety
///
/// Nothing is changed.
pub async fn find_repositories(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, Error> {
    let root = folder.to_owned();
    disk::blocking(move || {
        // Unlike what is below it, it must be there.
        std::fs::read_dir(&root).map_err(Error::io("list", &root))?;
        let mut found = Vec::new();
        let mut folders = vec![(root, 0)];
        while let Some((folder, level)) = folders.pop() {
            if is_repository(&folder) {
                found.push(folder);
                continue;
            }
            if level == depth {
                continue;
            }
            for entry in disk::entries(&folder).unwrap_or_default() {
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if !is_hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push((entry.path(), level + 1));
                }
            }
        }
        found.sort();
        Ok(found)
    })
    .await
}

fn is_repository(folder: &Path) -> bool {
    let is_bare = || {
        folder.join("HEAD").is_file()
            && folder.join("objects").is_dir()
            && folder.join("refs").is_dir()
    };
    folder.join(".git").exists() || is_bare()
}

/// What these references hold; those that do not exist are left out.
pub(crate) async fn references(
    git: &Git,
    git_folder: &Path,
    names: impl IntoIterator<Item = &str>,
) -> Result<BTreeMap<String, CommitId>, Error> {
    let names: Vec<_> = names.into_iter().collect();
    let answer = git
        .at(git_folder, "for-each-ref")
        .args(["--format=%(objectname) %(refname)", "--"])
        .args(&names)
        .run()
        .await?;
    let mut held = BTreeMap::new();
    for line in parse::lossy(&answer).lines() {
        let Some((commit, name)) = line.split_once(' ') else {
            continue;
        };
        // A name is a prefix of others, too.
        if names.contains(&name) {
            held.insert(name.to_owned(), parse::commit_id("for-each-ref", commit)?);
        }
    }
    Ok(held)
}

/// Fails with the first of these commits that the repository does not hold.
pub(crate) async fn need_commits(
    git: &Git,
    git_folder: &Path,
    commits: &[&CommitId],
) -> Result<(), Error> {
    let asked: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
    let answer = git
        .at(git_folder, "cat-file")
        .arg("--batch-check=%(objecttype)")
        .stdin(asked)
        .run()
        .await?;
    for (commit, kind) in commits.iter().zip(parse::lossy(&answer).lines()) {
        if kind != "commit" {
            return Err(Error::NoCommit {
                path: git_folder.to_owned(),
                commit: commit.to_string(),
            });
        }
    }
    Ok(())
}
