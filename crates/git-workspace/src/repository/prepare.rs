//! Holding a target branch of the user's repository, to be moved or let go:
//! one repository's part of a landing over several.
//!
//! The branch is held by a git of ours that has prepared a transaction and
//! waits for the word (`git update-ref --stdin`). Its lock files are what keeps
//! others away, and what is left when it is killed with us; the mark says so.

use std::path::PathBuf;

use async_trait::async_trait;
use core_types::{
    CommitId, Landed, Landing, OperationId, PortError, Prepared, PreparedLanding, RepositoryName,
    Standing,
};
use process::Dialog;

use super::{
    GitRepository,
    land::{Site, Survey},
    locks::{LOCK_POLL, LOCK_POLLS},
};
use crate::{
    checkout::{checkouts, git_folder},
    discover::need_commits,
    error::Error,
    git::Durability,
    intent::{Held, Identity, Marks},
    mirror::Alone,
};

/// A branch that a git of ours holds.
#[derive(Debug)]
struct HeldBranch {
    repository: GitRepository,
    landing: Landing,
    /// Where index and files are to be written, too.
    checkout: Option<PathBuf>,
    git_folder: PathBuf,
    is_written: bool,
    held: Held,
    /// `None` when it has been told what to do.
    dialog: Option<Dialog>,
    /// Others of ours keep away for as long as this lives.
    _alone: Alone,
}

impl GitRepository {
    pub(super) async fn prepare_commit(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Prepared, Error> {
        let alone = self.mirror.alone().await?;
        let site = match self.survey(&alone, landing).await? {
            Survey::Open(site) => site,
            Survey::Over(Landed::Moved) => return Ok(Prepared::AlreadyLanded),
            Survey::Over(Landed::TargetMoved { now }) => return Ok(Prepared::TargetMoved { now }),
            Survey::Over(Landed::Blocked { blocked, hint }) => {
                return Ok(Prepared::Blocked { blocked, hint });
            }
        };
        let Site {
            mut marks,
            checkout,
            git_folder,
            is_written,
        } = site;
        let full = landing.branch.full_ref();
        let mut branch = HeldBranch {
            repository: self.clone(),
            landing: landing.clone(),
            checkout,
            git_folder,
            is_written,
            held: Held {
                change_set: change_set.to_string(),
                is_writing: is_written,
                ..Held::default()
            },
            dialog: None,
            _alone: alone,
        };
        let mut polls = 0;
        loop {
            let stderr = match branch.ask(&mut marks).await? {
                Ok(dialog) => {
                    branch.dialog = Some(dialog);
                    break;
                }
                Err(stderr) => stderr,
            };
            let now = self.target(&full).await?;
            let lock_files = self.lock_files(&branch.git_folder, &full);
            let locked = lock_files.into_iter().find(|file| file.exists());
            let error = match (now, locked) {
                (Some(now), _) if now != landing.expected => {
                    branch.let_go(marks).await?;
                    return Ok(Prepared::TargetMoved { now });
                }
                (_, Some(_)) if polls < LOCK_POLLS => {
                    polls += 1;
                    tokio::time::sleep(LOCK_POLL).await;
                    continue;
                }
                (_, Some(file)) => Error::Locked { file },
                (_, None) => Error::Git {
                    command: "update-ref",
                    exit: process::Exit::Code(128),
                    stderr,
                },
            };
            branch.let_go(marks).await?;
            return Err(error);
        }
        let lock_files = self.lock_files(&branch.git_folder, &full);
        // That of the index is not git's here: the transaction is about references.
        let ours = lock_files
            .iter()
            .filter(|file| !file.ends_with("index.lock"));
        branch.held.locks = ours.filter_map(|file| Identity::of(file)).collect();
        self.set_held(marks, &landing.commit, &branch.held).await?;
        Ok(Prepared::Ready(Box::new(branch)))
    }

    pub(super) async fn recover_commit(&self, landing: &Landing) -> Result<Standing, Error> {
        let Landing {
            branch,
            expected,
            commit,
            ..
        } = landing;
        let _alone = self.mirror.alone().await?;
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
        let is_there = need_commits(&self.git, user, &[commit]).await.is_ok();
        if is_there && self.contains(&now, commit).await? {
            return Ok(Standing::Landed);
        }
        if now == *expected {
            return Ok(Standing::Expected);
        }
        Ok(Standing::Elsewhere { now })
    }
}

impl HeldBranch {
    /// Starts a git and lets it prepare the transaction; the inner error is what it says against it.
    async fn ask(&mut self, marks: &mut Marks) -> Result<Result<Dialog, String>, Error> {
        let Landing {
            branch,
            expected,
            commit,
            ..
        } = &self.landing;
        let repository = &self.repository;
        let place = self
            .checkout
            .as_deref()
            .unwrap_or(&repository.user.git_folder);
        let git = repository
            .git
            .command("update-ref", place)
            .env("GIT_DIR", &self.git_folder)
            .args(["--stdin", "-m", "automation: land"])
            .durable(Durability::Everything);
        let mut dialog = git.converse().await?;
        // On record before it may make a lock file.
        self.held.git = Some((dialog.pid(), dialog.start_time()));
        let folder = repository.marks().await?;
        *marks = repository.set_held(folder, commit, &self.held).await?;
        let full = branch.full_ref();
        let transaction = format!("start\nupdate {full} {commit} {expected}\nprepare\n");
        // A git that ends at once says why in its answer.
        let said = dialog.say(&transaction).await;
        let mut stderr = String::new();
        while let Some(line) = dialog.line().await? {
            match line.as_str() {
                "prepare: ok" => return Ok(Ok(dialog)),
                "start: ok" => {}
                line => {
                    stderr += line;
                    stderr.push('\n');
                }
            }
        }
        dialog.end().await?;
        if stderr.is_empty() {
            said?;
        }
        Ok(Err(stderr.trim_end().to_owned()))
    }

    /// Ends it where git holds nothing.
    async fn let_go(&mut self, marks: Marks) -> Result<(), Error> {
        self.dialog = None;
        let commit = self.landing.commit.clone();
        self.repository.clear_mark(marks, &commit).await
    }

    async fn commit_held(&mut self) -> Result<Landed, Error> {
        let repository = self.repository.clone();
        let landing = self.landing.clone();
        let commit = &landing.commit;
        let marks = repository.marks().await?;
        if let Some(folder) = self.checkout.clone().filter(|_| !self.is_written) {
            self.held.is_writing = true;
            repository.set_held(marks, commit, &self.held).await?;
            let written = repository.write_checkout(&landing, &folder, &self.git_folder);
            if let Some(blocked) = written.await? {
                self.abort_held().await?;
                return Ok(blocked);
            }
        }
        let mut dialog = self.dialog.take().ok_or(Error::Answer {
            command: "update-ref",
        })?;
        let said = dialog.say("commit\n").await;
        let mut stderr = String::new();
        let mut is_done = false;
        while let Some(line) = dialog.line().await? {
            is_done |= line == "commit: ok";
            if !line.ends_with(": ok") {
                stderr += &line;
            }
            if is_done {
                break;
            }
        }
        let exit = dialog.end().await?;
        let is_done = is_done && exit.is_success();
        if !is_done {
            let now = repository.target(&landing.branch.full_ref()).await?;
            if now.as_ref() != Some(commit) {
                said?;
                return Err(Error::Git {
                    command: "update-ref",
                    exit,
                    stderr,
                });
            }
        }
        self.forget(commit).await?;
        Ok(Landed::Moved)
    }

    async fn abort_held(&mut self) -> Result<(), Error> {
        let Some(mut dialog) = self.dialog.take() else {
            return Ok(());
        };
        // One that ends at the end of its input lets go, too, and so does one that is ended.
        let said = dialog.say("abort\n").await;
        let ended = dialog.end().await;
        self.remove_locks();
        said.and(ended.map(drop))?;
        let landing = self.landing.clone();
        if let Some(folder) = self.checkout.clone().filter(|_| self.is_written) {
            let back = [&landing.commit, &landing.expected];
            self.repository
                .write_files(&folder, &self.git_folder, back)
                .await?;
        }
        self.forget(&landing.commit).await
    }

    /// Removes the very lock files that git made for us, where it has not done so itself.
    fn remove_locks(&self) {
        let full = self.landing.branch.full_ref();
        for file in self.repository.lock_files(&self.git_folder, &full) {
            let is_ours = Identity::of(&file).is_some_and(|it| self.held.locks.contains(&it));
            if is_ours {
                // What cannot be removed now, the mark explains to the next landing.
                drop(std::fs::remove_file(&file));
            }
        }
    }

    async fn forget(&self, commit: &CommitId) -> Result<(), Error> {
        let marks = self.repository.marks().await?;
        self.repository.clear_mark(marks, commit).await
    }

    fn during(&self, error: Error, doing: &'static str) -> PortError {
        let name: &RepositoryName = &self.repository.name;
        error.during(format!("{doing} {} of {name}", self.landing.branch))
    }
}

#[async_trait]
impl PreparedLanding for HeldBranch {
    async fn commit(mut self: Box<Self>) -> Result<Landed, PortError> {
        let committed = Box::pin(self.commit_held()).await;
        committed.map_err(|error| self.during(error, "move"))
    }

    async fn abort(mut self: Box<Self>) -> Result<(), PortError> {
        let aborted = self.abort_held().await;
        aborted.map_err(|error| self.during(error, "let go"))
    }
}

/// Nobody is to find the branch locked by a landing that was only dropped.
impl Drop for HeldBranch {
    fn drop(&mut self) {
        if let Some(dialog) = self.dialog.take() {
            // It gets SIGKILL and waits for nothing but the word: it moves nothing any more.
            drop(dialog);
            self.remove_locks();
        }
    }
}
