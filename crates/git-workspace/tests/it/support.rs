//! Repositories made by scripts with fixed dates.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use core_types::{
    BranchName, Capture, CheckoutPolicy, CommitId, Landing, Merge, Repository, Workspace,
};
use git_workspace::{Git, GitRepository, Options, Places};
use process::{Exit, Launch};

/// A temporary home with the user's repository `user` in it.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
}

impl Home {
    /// With a repository of three files on `main`.
    pub(crate) async fn new() -> Self {
        let home = Self::empty();
        home.sh(
            "git init -q -b main user && cd user
             mkdir -p src && echo one > a.txt && echo lib > src/lib.txt && printf '#!/bin/sh\\n' > run.sh
             chmod +x run.sh && git add -A && git commit -q -m first",
        )
        .await;
        home
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn user(&self) -> PathBuf {
        self.path("user")
    }

    pub(crate) fn places(&self) -> Places {
        Places {
            mirrors: self.path("mirrors"),
            workspaces: self.path("workspaces"),
        }
    }

    /// Runs a script in the home, as a user would.
    pub(crate) async fn sh(&self, script: &str) -> String {
        sh(self.folder.path(), script).await
    }

    pub(crate) async fn open(&self) -> GitRepository {
        self.open_at("user").await
    }

    pub(crate) async fn open_at(&self, source: &str) -> GitRepository {
        open(&self.path(source), &self.places()).await
    }
}

pub(crate) fn git() -> Arc<Git> {
    Arc::new(Git::new(Options::default()))
}

pub(crate) async fn open(source: &Path, places: &Places) -> GitRepository {
    let name = "app".parse().expect("a name");
    let opened = GitRepository::open(git(), name, source, places).await;
    opened.expect("the repository opens")
}

/// Runs a script with fixed dates; its output without the end of line.
pub(crate) async fn sh(folder: &Path, script: &str) -> String {
    let (code, output) = try_sh(folder, script).await;
    assert_eq!(code, Exit::Code(0), "`{script}` should succeed: {output}");
    output
}

pub(crate) async fn try_sh(folder: &Path, script: &str) -> (Exit, String) {
    let finished = Launch::new("sh")
        .args(["-ec", script])
        .folder(folder)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "user")
        .env("GIT_AUTHOR_EMAIL", "user@host")
        .env("GIT_COMMITTER_NAME", "user")
        .env("GIT_COMMITTER_EMAIL", "user@host")
        .env("GIT_AUTHOR_DATE", "@1700000000 +0000")
        .env("GIT_COMMITTER_DATE", "@1700000000 +0000")
        .stderr_to_stdout()
        .run()
        .await
        .expect("sh starts");
    let output = String::from_utf8_lossy(&finished.stdout.bytes).into_owned();
    (finished.exit, output.trim_end().to_owned())
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::new(name).expect("a branch name")
}

pub(crate) async fn base(repository: &GitRepository) -> CommitId {
    let fetched = repository.fetch(&branch("main")).await;
    fetched.expect("main can be fetched")
}

/// Leases `commit`, runs a script in the clone and commits what it left.
pub(crate) async fn change(
    repository: &GitRepository,
    commit: &CommitId,
    script: &str,
) -> CommitId {
    let clone = repository.lease(commit).await.expect("a lease");
    sh(clone.folder(), script).await;
    committed(clone.as_ref()).await
}

pub(crate) async fn committed(clone: &dyn Workspace) -> CommitId {
    match clone.commit(None, "change").await.expect("a capture") {
        Capture::Committed { commit, .. } => commit,
        other => panic!("expected a commit, got {other:?}"),
    }
}

pub(crate) async fn merged(
    repository: &GitRepository,
    ours: &CommitId,
    theirs: &CommitId,
) -> CommitId {
    match repository
        .merge(ours, theirs, "merge")
        .await
        .expect("a merge")
    {
        Merge::Merged { commit } | Merge::FastForward { commit } => commit,
        other @ Merge::Conflict { .. } => panic!("expected no conflict, got {other:?}"),
    }
}

pub(crate) fn landing(expected: &CommitId, commit: &CommitId, checkout: CheckoutPolicy) -> Landing {
    Landing {
        branch: branch("main"),
        expected: expected.clone(),
        commit: commit.clone(),
        pull_request: None,
        checkout,
    }
}

/// Everything in a folder but `.git` at its root: kind, rights and content of each path.
pub(crate) fn everything(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path == root.join(".git") {
                continue;
            }
            let metadata = path.symlink_metadata().expect("metadata");
            let mode = metadata.permissions().mode();
            let content = if metadata.is_symlink() {
                format!("-> {:?}", fs::read_link(&path).expect("a link"))
            } else if metadata.is_dir() {
                folders.push(path.clone());
                String::new()
            } else {
                format!("{:?}", fs::read(&path).expect("a file"))
            };
            let relative = path.strip_prefix(root).expect("below the root").to_owned();
            found.insert(relative, format!("{mode:o} {content}"));
        }
    }
    found
}

/// All that a landing must not touch: references but ours, stashes, and each checkout's state.
pub(crate) async fn user_state(home: &Home) -> String {
    let script = "cd user
        git for-each-ref --format='%(refname) %(objectname)' | grep -v refs/heads/automation/ || :
        git stash list
        git status --porcelain --ignored
        git config --list --local
        ls -A .git";
    home.sh(script).await
}
