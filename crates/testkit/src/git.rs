//! Real git repositories made by script: fixed dates, fixed people, and no
//! configuration but their own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use core_types::CommitId;

/// A repository with a working tree. The same script gives the same commit ids on every machine.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let repository = testkit::git::Fixture::new(folder.path().join("a"));
/// let first = repository.file("src/a.txt", "one\n").commit("first");
/// repository.git(&["switch", "--quiet", "--create", "feature"]);
/// assert_eq!(repository.head(), first);
/// assert_eq!(repository.status(), "");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Fixture {
    dir: PathBuf,
    commits: AtomicU64,
}

impl Fixture {
    /// Makes an empty repository with the branch `main` in a folder, which is created.
    ///
    /// # Panics
    ///
    /// When git fails, here and in all methods.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let fixture = Self::at(dir);
        std::fs::create_dir_all(&fixture.dir).expect("the folder can be made");
        fixture.git(&["init", "--quiet", "--initial-branch=main"]);
        fixture
    }

    /// Takes an existing repository, for example a clone.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let commits = AtomicU64::new(0);
        Self { dir, commits }
    }

    /// The working tree's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file, whose parents are created. The path is relative to the working tree.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fixture's files are input of a test, not state"
    )]
    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.dir.join(path);
        let parent = path.parent().expect("a path in a folder has a parent");
        std::fs::create_dir_all(parent).expect("the file's folder can be made");
        std::fs::write(path, text).expect("the file can be written");
        self
    }

    /// Writes a file that can be executed.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    #[cfg(unix)]
    pub fn script(&self, path: &str, text: &str) -> &Self {
        use std::os::unix::fs::PermissionsExt;
        self.file(path, text);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.dir.join(path), mode).expect("the mode can be set");
        self
    }

    /// Reads a file of the working tree; `None` where it is missing.
    ///
    /// # Panics
    ///
    /// When it is there and is no text.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let path = self.dir.join(path);
        path.exists()
            .then(|| std::fs::read_to_string(path).expect("the file is a text"))
    }

    /// Commits all files as they are, also when nothing has changed. Each
    /// commit of a fixture is dated a minute after the one before.
    ///
    /// # Panics
    ///
    /// When git fails.
    pub fn commit(&self, message: &str) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// The commit that is checked out.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn head(&self) -> CommitId {
        self.resolve("HEAD")
    }

    /// The commit that a name stands for.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn resolve(&self, name: &str) -> CommitId {
        let name = format!("{name}^{{commit}}");
        let id = self.git(&["rev-parse", "--verify", "--end-of-options", &name]);
        id.parse().expect("git prints whole object ids")
    }

    /// What `git status --porcelain` says; empty for a clean working tree.
    ///
    /// # Panics
    ///
    /// When git fails.
    #[must_use]
    pub fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    /// Runs git in the working tree and returns what it printed, without the last line break.
    ///
    /// # Panics
    ///
    /// When it exits with an error; the message holds what it said.
    #[expect(
        clippy::disallowed_methods,
        reason = "fixtures must not depend on the crate whose tests they serve"
    )]
    pub fn git(&self, arguments: &[&str]) -> String {
        let date = if arguments.first() == Some(&"commit") {
            1_767_225_600 + 60 * self.commits.fetch_add(1, Ordering::SeqCst)
        } else {
            1_767_225_600
        };
        let date = format!("{date} +0000");
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.dir)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .expect("git can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?} failed: {said}");
        let printed = String::from_utf8_lossy(&output.stdout);
        printed.strip_suffix('\n').unwrap_or(&printed).to_owned()
    }
}
