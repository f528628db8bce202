//! Holding a target branch of the user's repository, to be moved or let go:
//! one repository's part of a landing over several.
//!
//! The branch is held by a git of ours that has prepared a transaction and
//! waits for the word (`git update-ref --stdin`), and the index of a checkout by a
//! lock file of ours: whatever a git of the user's holds is met here, before
//! anything is decided. These lock files are what keeps others away, and what
//! is left when we are killed; the mark says so.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use core_types::{
    CommitId, Landed, Landing, OperationId, PortError, Prepared, PreparedLanding, RepositoryName,
    Standing,
};
use process::Dialog;

use super::{
    GitRepository,
    index::IndexHold,
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
    /// The index of the checkout.
    index: Option<IndexHold>,
    is_written: bool,
    held: Held,
    /// `None` when it has been told what to do.
    dialog: Option<Dialog>,
    /// Others of ours keep away for as long as this lives.
    _alone: Arc<Alone>,
}

impl GitRepository {
    pub(super) async fn prepare_commit(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Prepared, Error> {
        let alone = Arc::new(self.mirror.alone().await?);
        let mut polls = 0;
        loop {
            // Whoever held something may have changed what this depends on.
            let site = match self.survey(&alone, landing).await? {
                Survey::Open(site) => site,
                Survey::Over(Landed::Moved) => return Ok(Prepared::AlreadyLanded),
                Survey::Over(Landed::TargetMoved { now }) => {
                    return Ok(Prepared::TargetMoved { now });
                }
                Survey::Over(Landed::Blocked { blocked, hint }) => {
                    return Ok(Prepared::Blocked { blocked, hint });
                }
            };
            let (marks, branch) =
                HeldBranch::new(self, landing, change_set, site, Arc::clone(&alone));
            let file = match branch.hold(marks).await? {
                Hold::Held(branch) => return Ok(Prepared::Ready(branch)),
                Hold::TargetMoved { now } => return Ok(Prepared::TargetMoved { now }),
                Hold::Locked { file } => file,
            };
            if polls == LOCK_POLLS {
                return Err(Error::Locked { file });
            }
            polls += 1;
            tokio::time::sleep(LOCK_POLL).await;
        }
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

/// What came of one try to hold a branch; where it is not held, nothing is.
enum Hold {
    Held(Box<HeldBranch>),
    TargetMoved {
        now: CommitId,
    },
    /// Another git holds something of it.
    Locked {
        file: PathBuf,
    },
}

impl HeldBranch {
    /// A branch of which nothing is held yet.
    fn new(
        repository: &GitRepository,
        landing: &Landing,
        change_set: &OperationId,
        site: Site,
        alone: Arc<Alone>,
    ) -> (Marks, Self) {
        let Site {
            marks,
            checkout,
            git_folder,
            is_written,
        } = site;
        let branch = Self {
            repository: repository.clone(),
            landing: landing.clone(),
            index: checkout
                .is_some()
                .then(|| IndexHold::new(&git_folder, &landing.commit)),
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
        (marks, branch)
    }

    /// Holds the reference and, of a checkout, the index.
    async fn hold(mut self, mut marks: Marks) -> Result<Hold, Error> {
        let repository = self.repository.clone();
        // The branch is not held while a git of the user's has the index: it may need it to end.
        if let Some(file) = self.index.as_ref().map(IndexHold::lock)
            && file.exists()
        {
            return Ok(Hold::Locked { file });
        }
        let full = self.landing.branch.full_ref();
        match self.ask(&mut marks).await? {
            Ok(dialog) => self.dialog = Some(dialog),
            Err(stderr) => {
                self.let_go(marks).await?;
                let now = repository.target(&full).await?;
                let lock_files = repository.lock_files(&self.git_folder, &full);
                let locked = lock_files.into_iter().find(|file| file.exists());
                return match (now, locked) {
                    (Some(now), _) if now != self.landing.expected => Ok(Hold::TargetMoved { now }),
                    (_, Some(file)) => Ok(Hold::Locked { file }),
                    (_, None) => Err(Error::Git {
                        command: "update-ref",
                        exit: process::Exit::Code(128),
                        stderr,
                    }),
                };
            }
        }
        let lock_files = repository.lock_files(&self.git_folder, &full);
        // That of the index is not git's here: the transaction is about references.
        let ours = lock_files
            .iter()
            .filter(|file| !file.ends_with("index.lock"));
        self.held.locks = ours.filter_map(|file| Identity::of(file)).collect();
        if let Some(index) = &self.index {
            self.held.locks.extend(index.make().await?);
        }
        let commit = self.landing.commit.clone();
        repository.set_held(marks, &commit, &self.held).await?;
        if let Some(index) = self.index.clone()
            && !index.take().await?
        {
            self.abort_held().await?;
            return Ok(Hold::Locked { file: index.lock() });
        }
        Ok(Hold::Held(Box::new(self)))
    }

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
            let index = self.index.as_ref();
            let written = repository.write_checkout(&landing, &folder, &self.git_folder, index);
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
        self.remove_locks();
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
        let landing = self.landing.clone();
        let mut written = Ok(());
        if let Some(folder) = self.checkout.clone().filter(|_| self.is_written) {
            let back = [&landing.commit, &landing.expected];
            let index = self.index.as_ref();
            let write = self
                .repository
                .write_files(&folder, &self.git_folder, index, back);
            written = write.await;
        }
        self.remove_locks();
        said.and(ended.map(drop))?;
        written?;
        self.forget(&landing.commit).await
    }

    /// Removes the very lock files that were made for us, where git has not done so itself.
    fn remove_locks(&self) {
        if let Some(index) = &self.index {
            // As with the locks.
            drop(index.clear());
        }
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
        // It gets SIGKILL and waits for nothing but the word: it moves nothing any more.
        drop(self.dialog.take());
        self.remove_locks();
    }
}
