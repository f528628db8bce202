//! Moving a target branch of the user's repository.

use std::path::{Path, PathBuf};

use core_types::{Blocked, CheckoutPolicy, CommitId, Landed, Landing};

use super::{GitRepository, index::IndexHold};
use crate::{
    checkout::{
        Checkout, borrowed, checkouts, clear_torn, cut, git_folder, merge_line, needs_filter,
        tracked_changes, unfinished, untracked_in_the_way, without_filters,
    },
    discover::{need_commits, references},
    error::Error,
    git::{Command, Durability},
    intent::Marks,
    mirror::Alone,
    parse::{self, RawChange, raw_changes},
};

/// What a landing finds before it writes anything.
#[derive(Debug)]
pub(super) enum Survey {
    /// There is nothing to do, or nothing that may be done.
    Over(Landed),
    /// The branch may be moved.
    Open(Site),
}

/// A branch that may be moved.
#[derive(Debug)]
pub(super) struct Site {
    /// What killed landings have left.
    pub(super) marks: Marks,
    /// The folder of the checkout that is on the branch.
    pub(super) checkout: Option<PathBuf>,
    /// The git directory of the checkout, else of the repository.
    pub(super) git_folder: PathBuf,
    /// Whether index and files of the checkout are at the commit already: a landing was killed after it wrote them.
    pub(super) is_written: bool,
}

impl GitRepository {
    pub(super) async fn land_commit(&self, landing: &Landing) -> Result<Landed, Error> {
        let Landing {
            expected, commit, ..
        } = landing;
        let alone = self.mirror.alone().await?;
        let site = match self.survey(&alone, landing).await? {
            Survey::Over(landed) => return Ok(landed),
            Survey::Open(site) => site,
        };
        let Site {
            marks,
            checkout,
            git_folder,
            is_written,
        } = site;
        let marks = self.set_mark(marks, commit).await?;
        if let Some(folder) = checkout.as_ref().filter(|_| !is_written) {
            let written = self.write_checkout(landing, folder, &git_folder, None);
            match written.await {
                Ok(None) => {}
                Ok(Some(blocked)) => {
                    self.clear_mark(marks, commit).await?;
                    return Ok(blocked);
                }
                // The lock comes before the first file.
                Err(error @ Error::Locked { .. }) => {
                    self.clear_mark(marks, commit).await?;
                    return Err(error);
                }
                // While this fails too, the mark tells the next landing to do it.
                Err(error) => {
                    let changes = self.changes(expected, commit).await?;
                    if self.take_back(folder, &changes).await.unwrap_or(false) {
                        self.clear_mark(marks, commit).await?;
                    }
                    return Err(error);
                }
            }
        }
        let place = checkout.as_ref().unwrap_or(&self.user.git_folder);
        let moved = self.move_branch(landing, place, &git_folder).await;
        if let Some(folder) = &checkout
            && !matches!(moved, Ok(Landed::Moved))
        {
            self.write_files(folder, &git_folder, None, [commit, expected])
                .await?;
        }
        self.clear_mark(marks, commit).await?;
        moved
    }

    /// Looks at all that decides whether the branch may be moved, and clears what killed landings left.
    pub(super) async fn survey(&self, alone: &Alone, landing: &Landing) -> Result<Survey, Error> {
        let Landing {
            branch,
            expected,
            commit,
            ..
        } = landing;
        let marks = self.marks().await?;
        let full = branch.full_ref();
        let checkouts = checkouts(&self.git, &self.user).await?;
        let checkout = checkouts
            .iter()
            .find(|checkout| checkout.branch.as_ref() == Some(&full));
        let git_folder = match checkout {
            Some(checkout) => git_folder(&self.git, &checkout.folder).await?,
            None => self.user.git_folder.clone(),
        };
        self.clear_locks(&marks, &git_folder, &full).await?;

        let Some(now) = self.target(&full).await? else {
            let unknown = Error::Answer {
                command: "for-each-ref",
            };
            return Err(self.why_no_branch(branch).await.unwrap_or(unknown));
        };
        let user = &self.user.git_folder;
        if need_commits(&self.git, user, &[commit]).await.is_err() {
            need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
            self.send(alone, commit, None).await?;
        }
        if self.contains(&now, commit).await? {
            self.clear_mark(marks, commit).await?;
            return Ok(Survey::Over(Landed::Moved));
        }
        if now != *expected {
            return Ok(Survey::Over(Landed::TargetMoved { now }));
        }
        if !self.contains(commit, expected).await? {
            return Err(Error::NotFastForward {
                branch: branch.clone(),
                expected: expected.clone(),
                commit: commit.clone(),
            });
        }
        let is_written = match checkout {
            None => {
                if let Some(blocked) = self.borrower(&checkouts, &full).await? {
                    return Ok(Survey::Over(blocked));
                }
                false
            }
            Some(checkout) => {
                let looked = self.look_at_checkout(landing, checkout, &git_folder, &marks);
                match looked.await? {
                    Ok(is_written) => is_written,
                    Err(blocked) => return Ok(Survey::Over(blocked)),
                }
            }
        };
        Ok(Survey::Open(Site {
            marks,
            checkout: checkout.map(|checkout| checkout.folder.clone()),
            git_folder,
            is_written,
        }))
    }

    /// Whether index and files of a checkout are at the commit already, or why it must be left.
    async fn look_at_checkout(
        &self,
        landing: &Landing,
        checkout: &Checkout,
        git_folder: &Path,
        marks: &Marks,
    ) -> Result<Result<bool, Landed>, Error> {
        let Landing {
            expected, commit, ..
        } = landing;
        let folder = &checkout.folder;
        let display = folder.display();
        if *folder == self.user.git_folder {
            let published = self.published_as(commit).await?;
            return Ok(Err(Landed::Blocked {
                blocked: Blocked::CheckedOut {
                    folder: display.to_string(),
                },
                hint: format!(
                    "in the checkout whose git directory this is, run: git merge --ff-only {published}"
                ),
            }));
        }
        if let Some(what) = unfinished(git_folder) {
            let first = format!("finish or abort the {what} in {display}");
            return Ok(Err(self.dirty(landing, folder, Vec::new(), first).await?));
        }
        let changes = self.changes(expected, commit).await?;
        let is_update = landing.checkout == CheckoutPolicy::Update;
        let was_killed = is_update && marks.has(commit);
        if was_killed && self.is_index_at(folder, commit).await? {
            return Ok(Ok(true));
        }
        if was_killed {
            self.take_back(folder, &changes).await?;
        }
        let mut paths = tracked_changes(&self.git, folder).await?;
        paths.extend(untracked_in_the_way(folder, &changes));
        paths.sort();
        if !paths.is_empty() {
            let first = format!("commit, stash or move away the changes in {display}");
            return Ok(Err(self.dirty(landing, folder, paths, first).await?));
        }
        if !is_update || needs_filter(&self.git, folder, &changes).await? {
            return Ok(Err(Landed::Blocked {
                blocked: Blocked::CheckedOut {
                    folder: display.to_string(),
                },
                hint: merge_line(folder, &self.published_as(commit).await?),
            }));
        }
        Ok(Ok(false))
    }

    /// A checkout that must be left; `first` is what a person does before the line that lands.
    async fn dirty(
        &self,
        landing: &Landing,
        folder: &Path,
        paths: Vec<String>,
        first: String,
    ) -> Result<Landed, Error> {
        let line = merge_line(folder, &self.published_as(&landing.commit).await?);
        Ok(Landed::Blocked {
            blocked: Blocked::Dirty {
                folder: folder.display().to_string(),
                paths: cut(paths),
            },
            hint: format!("{first}, then run: {line}"),
        })
    }

    /// Moves index and files of a checkout to the commit; gives what a person must do where git refuses.
    pub(super) async fn write_checkout(
        &self,
        landing: &Landing,
        folder: &Path,
        git_folder: &Path,
        held: Option<&IndexHold>,
    ) -> Result<Option<Landed>, Error> {
        let Landing {
            expected, commit, ..
        } = landing;
        let written = self.write_files(folder, git_folder, held, [expected, commit]);
        match written.await {
            Ok(()) => Ok(None),
            // git looks before it writes: something stands in the way that we did not see.
            Err(Error::Git { stderr, .. })
                if stderr.contains("Cannot merge")
                    || stderr.contains("overwritten")
                    || stderr.contains("would lose")
                    || stderr.contains("not uptodate") =>
            {
                let said = stderr.lines().next().unwrap_or_default();
                let first = format!("git refuses ({said}): mend {}", folder.display());
                let refused = self.dirty(landing, folder, Vec::new(), first);
                Ok(Some(refused.await?))
            }
            Err(error) => Err(error),
        }
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
        let lock_files = self.lock_files(git_folder, &full);
        let error = match self.patiently(&lock_files, update).await {
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
    /// The index that is `held`, nobody else writes.
    pub(super) async fn write_files(
        &self,
        folder: &Path,
        git_folder: &Path,
        held: Option<&IndexHold>,
        [from, to]: [&CommitId; 2],
    ) -> Result<(), Error> {
        let filters = without_filters(&self.git, folder).await?;
        let copy = match held {
            Some(held) => Some(held.copy().await?),
            None => None,
        };
        let command = |name| {
            let command = self.git.command(name, folder);
            let command = command.configs(filters.iter().cloned());
            match &copy {
                Some(copy) => command.index(copy),
                None => command,
            }
        };
        self.refresh(command("update-index"), git_folder).await?;
        let read_tree = || {
            command("read-tree")
                .args([
                    "-m",
                    "-u",
                    "--no-recurse-submodules",
                    from.as_str(),
                    to.as_str(),
                ])
                .durable(Durability::Everything)
        };
        if let Some(held) = held {
            read_tree().run().await?;
            return held.replace().await;
        }
        // The branch itself may be held, by ourselves.
        self.patiently(&[git_folder.join("index.lock")], read_tree)
            .await
    }

    /// Tells git's index which files are unchanged although they were touched.
    async fn refresh(&self, update_index: Command, git_folder: &Path) -> Result<(), Error> {
        // 1 says that some files are changed, or that the index is locked: both are met later.
        let refreshed = update_index.args(["-q", "--refresh"]).answer().await?;
        match refreshed.code {
            0 | 1 => Ok(()),
            _ if git_folder.join("index.lock").exists() => Ok(()),
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

    pub(super) async fn target(&self, full: &str) -> Result<Option<CommitId>, Error> {
        let mut held = references(&self.git, &self.user.git_folder, [full]).await?;
        Ok(held.remove(full))
    }

    pub(super) async fn contains(&self, newer: &CommitId, older: &CommitId) -> Result<bool, Error> {
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
}
