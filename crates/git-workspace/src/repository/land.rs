//! Moving a target branch of the user's repository.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use core_types::{Blocked, CheckoutPolicy, CommitId, Landed, Landing};

use super::GitRepository;
use crate::{
    checkout::{
        Checkout, borrowed, checkouts, clear_torn, cut, git_folder, merge_line, needs_filter,
        tracked_changes, unfinished, untracked_in_the_way, without_filters,
    },
    discover::{need_commits, references},
    disk,
    error::Error,
    git::{Command, Durability},
    intent::Marks,
    parse::{self, RawChange, raw_changes},
};

/// How often and how long somebody else's lock file is waited for.
const LOCK_POLL: Duration = Duration::from_millis(100);
const LOCK_POLLS: usize = 10;

impl GitRepository {
    pub(super) async fn land_commit(&self, landing: &Landing) -> Result<Landed, Error> {
        let Landing {
            branch,
            expected,
            commit,
            ..
        } = landing;
        let alone = self.mirror.alone().await?;
        let marks = self.marks().await?;
        let full = branch.full_ref();
        let checkouts = checkouts(&self.git, &self.user).await?;
        let checkout = checkouts
            .iter()
            .find(|checkout| checkout.branch.as_ref() == Some(&full));
        let own_folder = match checkout {
            Some(checkout) => git_folder(&self.git, &checkout.folder).await?,
            None => self.user.git_folder.clone(),
        };
        self.clear_locks(&marks, &own_folder, &full).await?;

        let Some(now) = self.target(&full).await? else {
            let unknown = Error::Answer {
                command: "for-each-ref",
            };
            return Err(self.why_no_branch(branch).await.unwrap_or(unknown));
        };
        let user = &self.user.git_folder;
        if need_commits(&self.git, user, &[commit]).await.is_err() {
            need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
            self.send(&alone, commit, None).await?;
        }
        if self.contains(&now, commit).await? {
            self.clear_mark(marks, commit).await?;
            return Ok(Landed::Moved);
        }
        if now != *expected {
            return Ok(Landed::TargetMoved { now });
        }
        if !self.contains(commit, expected).await? {
            return Err(Error::NotFastForward {
                branch: branch.clone(),
                expected: expected.clone(),
                commit: commit.clone(),
            });
        }
        match checkout {
            None => {
                if let Some(blocked) = self.borrower(&checkouts, &full).await? {
                    return Ok(blocked);
                }
                let marks = self.set_mark(marks, commit).await?;
                let moved = self.move_branch(landing, user, &own_folder).await;
                self.clear_mark(marks, commit).await?;
                moved
            }
            Some(checkout) => {
                self.land_in_checkout(landing, checkout, &own_folder, marks)
                    .await
            }
        }
    }

    async fn land_in_checkout(
        &self,
        landing: &Landing,
        checkout: &Checkout,
        git_folder: &Path,
        marks: Marks,
    ) -> Result<Landed, Error> {
        let Landing {
            expected, commit, ..
        } = landing;
        let folder = &checkout.folder;
        let published = self.published_as(commit).await?;
        let line = merge_line(folder, &published);
        let display = folder.display().to_string();
        if *folder == self.user.git_folder {
            return Ok(Landed::Blocked {
                blocked: Blocked::CheckedOut { folder: display },
                hint: format!(
                    "in the checkout whose git directory this is, run: git merge --ff-only {published}"
                ),
            });
        }
        let dirty = |paths, first: String| Landed::Blocked {
            blocked: Blocked::Dirty {
                folder: display.clone(),
                paths: cut(paths),
            },
            hint: format!("{first}, then run: {line}"),
        };
        if let Some(what) = unfinished(git_folder) {
            return Ok(dirty(
                Vec::new(),
                format!("finish or abort the {what} in {display}"),
            ));
        }
        let changes = self.changes(expected, commit).await?;
        let is_update = landing.checkout == CheckoutPolicy::Update;
        let was_killed = is_update && marks.has(commit);
        let is_written = was_killed && self.is_index_at(folder, commit).await?;
        if !is_written {
            if was_killed {
                self.take_back(folder, &changes).await?;
            }
            let mut paths = tracked_changes(&self.git, folder).await?;
            paths.extend(untracked_in_the_way(folder, &changes));
            paths.sort();
            if !paths.is_empty() {
                return Ok(dirty(
                    paths,
                    format!("commit, stash or move away the changes in {display}"),
                ));
            }
            if !is_update || needs_filter(&self.git, folder, &changes).await? {
                return Ok(Landed::Blocked {
                    blocked: Blocked::CheckedOut { folder: display },
                    hint: line,
                });
            }
        }
        let marks = self.set_mark(marks, commit).await?;
        if !is_written {
            self.refresh(folder, git_folder, &landing.branch.full_ref())
                .await?;
            if let Err(error) = self
                .write_files(folder, git_folder, landing, [expected, commit])
                .await
            {
                return match error {
                    // git looks before it writes: something stands in the way that we did not see.
                    Error::Git { stderr, .. }
                        if stderr.contains("Cannot merge")
                            || stderr.contains("overwritten")
                            || stderr.contains("would lose") =>
                    {
                        self.clear_mark(marks, commit).await?;
                        Ok(dirty(
                            Vec::new(),
                            format!(
                                "git refuses ({}): mend {display}",
                                stderr.lines().next().unwrap_or_default()
                            ),
                        ))
                    }
                    // The lock comes before the first file.
                    error @ Error::Locked { .. } => {
                        self.clear_mark(marks, commit).await?;
                        Err(error)
                    }
                    // While this fails too, the mark tells the next landing to do it.
                    error => {
                        if self.take_back(folder, &changes).await.unwrap_or(false) {
                            self.clear_mark(marks, commit).await?;
                        }
                        Err(error)
                    }
                };
            }
        }
        let moved = self.move_branch(landing, folder, git_folder).await;
        if !matches!(moved, Ok(Landed::Moved)) {
            self.write_files(folder, git_folder, landing, [commit, expected])
                .await?;
        }
        self.clear_mark(marks, commit).await?;
        moved
    }

    /// Why a branch that no checkout is on must stay: one of them will come back to it.
    async fn borrower(&self, checkouts: &[Checkout], full: &str) -> Result<Option<Landed>, Error> {
        for checkout in checkouts
            .iter()
            .filter(|checkout| checkout.branch.is_none())
        {
            let own_folder = git_folder(&self.git, &checkout.folder).await?;
            if let Some(what) = borrowed(&own_folder, full) {
                let folder = checkout.folder.display().to_string();
                return Ok(Some(Landed::Blocked {
                    hint: format!("finish or abort the {what} in {folder}"),
                    blocked: Blocked::Dirty {
                        folder,
                        paths: Vec::new(),
                    },
                }));
            }
        }
        Ok(None)
    }

    /// Moves the branch by a transaction of its own, `place` being the checkout, or the git directory without one.
    async fn move_branch(
        &self,
        landing: &Landing,
        place: &Path,
        git_folder: &Path,
    ) -> Result<Landed, Error> {
        let full = landing.branch.full_ref();
        let update = || {
            self.git
                .command("update-ref", place)
                .env("GIT_DIR", git_folder)
                .args(["--stdin", "-m", "automation: land"])
                .stdin(format!(
                    "update {full} {} {}\n",
                    landing.commit, landing.expected
                ))
                .durable(Durability::Everything)
        };
        let error = match self.patiently(git_folder, &full, update).await {
            Ok(()) => return Ok(Landed::Moved),
            Err(error) => error,
        };
        match self.target(&full).await? {
            Some(now) if now == landing.commit => Ok(Landed::Moved),
            Some(now) if now != landing.expected => Ok(Landed::TargetMoved { now }),
            _ => Err(error),
        }
    }

    /// Moves index and files of a clean checkout from one commit to another; git refuses where they are not clean.
    async fn write_files(
        &self,
        folder: &Path,
        git_folder: &Path,
        landing: &Landing,
        [from, to]: [&CommitId; 2],
    ) -> Result<(), Error> {
        let filters = without_filters(&self.git, folder).await?;
        let read_tree = || {
            self.git
                .command("read-tree", folder)
                .configs(filters.iter().cloned())
                .args([
                    "-m",
                    "-u",
                    "--no-recurse-submodules",
                    from.as_str(),
                    to.as_str(),
                ])
                .durable(Durability::Everything)
        };
        self.patiently(git_folder, &landing.branch.full_ref(), read_tree)
            .await
    }

    /// Tells git's index which files are unchanged although they were touched.
    async fn refresh(&self, folder: &Path, git_folder: &Path, full: &str) -> Result<(), Error> {
        // 1 says that some files are changed, or that the index is locked: both are met later.
        let refreshed = self
            .git
            .command("update-index", folder)
            .configs(without_filters(&self.git, folder).await?)
            .args(["-q", "--refresh"])
            .answer()
            .await?;
        match refreshed.code {
            0 | 1 => Ok(()),
            _ if lock_files(&self.user.git_folder, git_folder, full)
                .iter()
                .any(|file| file.exists()) =>
            {
                Ok(())
            }
            _ => Err(refreshed.into_error()),
        }
    }

    /// Takes back what a landing that was cut off did to a checkout's files; whether nothing else is changed there.
    async fn take_back(&self, folder: &Path, changes: &[RawChange]) -> Result<bool, Error> {
        clear_torn(&self.git, folder, changes).await?;
        self.restore_missing(folder, changes).await?;
        Ok(tracked_changes(&self.git, folder).await?.is_empty())
    }

    /// Writes again, as they were, the files that a killed landing had removed.
    async fn restore_missing(&self, folder: &Path, changes: &[RawChange]) -> Result<(), Error> {
        let mut paths = Vec::new();
        for change in changes.iter().filter(|change| change.status != 'A') {
            if folder.join(change.path()).symlink_metadata().is_err() {
                paths.extend_from_slice(&change.path);
                paths.push(0);
            }
        }
        if !paths.is_empty() {
            self.git
                .command("checkout-index", folder)
                .configs(without_filters(&self.git, folder).await?)
                .args(["-q", "-u", "-z", "--stdin"])
                .stdin(paths)
                .run()
                .await?;
        }
        Ok(())
    }

    async fn is_index_at(&self, folder: &Path, commit: &CommitId) -> Result<bool, Error> {
        let compared = self
            .git
            .command("diff-index", folder)
            .args(["--cached", "--quiet", commit.as_str(), "--"])
            .answer()
            .await?;
        Ok(compared.code == 0)
    }

    async fn changes(&self, from: &CommitId, to: &CommitId) -> Result<Vec<RawChange>, Error> {
        let output = self
            .git
            .at(&self.user.git_folder, "diff-tree")
            .args([
                "-r",
                "--raw",
                "-z",
                "--no-renames",
                from.as_str(),
                to.as_str(),
            ])
            .run()
            .await?;
        raw_changes(&output)
    }

    async fn target(&self, full: &str) -> Result<Option<CommitId>, Error> {
        let mut held = references(&self.git, &self.user.git_folder, [full]).await?;
        Ok(held.remove(full))
    }

    async fn contains(&self, newer: &CommitId, older: &CommitId) -> Result<bool, Error> {
        let asked = self
            .git
            .at(&self.user.git_folder, "merge-base")
            .args(["--is-ancestor", older.as_str(), newer.as_str()])
            .answer()
            .await?;
        match asked.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(asked.into_error()),
        }
    }

    /// The branch under which a person finds a commit, or else the commit.
    async fn published_as(&self, commit: &CommitId) -> Result<String, Error> {
        let listed = self
            .git
            .at(&self.user.git_folder, "for-each-ref")
            .args(["--format=%(refname:lstrip=2)", "--count=1"])
            .arg(format!("--points-at={commit}"))
            .arg("refs/heads/automation/")
            .run()
            .await?;
        let listed = parse::lossy(&listed);
        let branch = listed.lines().next().map(str::to_owned);
        Ok(branch.unwrap_or_else(|| commit.to_string()))
    }

    /// Runs a command in the user's repository, and again while another git there holds a lock.
    async fn patiently(
        &self,
        git_folder: &Path,
        full: &str,
        command: impl Fn() -> Command,
    ) -> Result<(), Error> {
        let lock_files = lock_files(&self.user.git_folder, git_folder, full);
        let mut polls = 0;
        loop {
            let Err(error) = command().run().await else {
                return Ok(());
            };
            // A command that began and was cut off leaves lock files of its own.
            let is_locked = matches!(&error, Error::Git { stderr, .. } if stderr.contains(".lock': File exists"));
            let Some(file) = lock_files.iter().find(|file| is_locked && file.exists()) else {
                return Err(error);
            };
            if polls == LOCK_POLLS {
                let file = file.clone();
                return Err(Error::Locked { file });
            }
            polls += 1;
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    /// Removes the lock files that a killed landing left; those that go by themselves are waited for.
    async fn clear_locks(&self, marks: &Marks, git_folder: &Path, full: &str) -> Result<(), Error> {
        let files = lock_files(&self.user.git_folder, git_folder, full);
        for _ in 0..LOCK_POLLS {
            if !files.iter().any(|file| marks.explain(file)) {
                return Ok(());
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        for file in files.into_iter().filter(|file| marks.explain(file)) {
            disk::remove(file).await?;
        }
        Ok(())
    }

    async fn marks(&self) -> Result<Marks, Error> {
        let folder = self.landings.clone();
        disk::blocking(move || Marks::read(&folder)).await
    }

    async fn set_mark(&self, marks: Marks, commit: &CommitId) -> Result<Marks, Error> {
        let commit = commit.clone();
        disk::blocking(move || marks.set(&commit).map(|()| marks)).await
    }

    async fn clear_mark(&self, marks: Marks, commit: &CommitId) -> Result<(), Error> {
        let commit = commit.clone();
        disk::blocking(move || marks.clear(&commit)).await
    }
}

/// The lock files that moving a branch, with or without its checkout, makes.
fn lock_files(common: &Path, git_folder: &Path, full: &str) -> Vec<PathBuf> {
    let mut files = vec![
        common.join(format!("{full}.lock")),
        common.join("HEAD.lock"),
        git_folder.join("HEAD.lock"),
        git_folder.join("index.lock"),
    ];
    files.dedup();
    files
}
