//! The [`Repository`] port over the git program.

mod conflict;
mod index;
mod land;
pub(crate) mod locks;
mod marks;
mod merge;
mod overlay;
mod prepare;
mod publish;
mod read;
mod resolution;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use core_types::{
    BranchName, CommitId, ConflictHunk, ConflictedFile, Diff, Landed, Landing, Merge, OperationId,
    PortError, Prepared, RefName, RefUpdate, Repository, RepositoryName, Resolution, SettledFile,
    Standing, Workspace,
};

use crate::{
    checkout, clone,
    discover::{Found, Head, discover, need_commits, references},
    disk,
    error::Error,
    git::{Durability, Git},
    mirror::Mirror,
    parse::{self, file_changes, raw_changes},
    pool::Pool,
    workspace::LeasedClone,
};

/// Where the engine keeps what belongs to it. Any number of processes may share both folders.
#[derive(Debug, Clone)]
pub struct Places {
    /// Gets one bare repository for each name; created where it is missing.
    pub mirrors: PathBuf,
    /// Gets a pool of clones for each name; created where it is missing.
    pub workspaces: PathBuf,
}

/// A repository of the user on this machine, with our mirror of it. Clones are the same handle.
#[derive(Debug, Clone)]
pub struct GitRepository {
    name: RepositoryName,
    git: Arc<Git>,
    user: Found,
    mirror: Arc<Mirror>,
    pool: Pool,
    landings: PathBuf,
}

impl GitRepository {
    /// Opens the repository that `source` is in; its mirror is made at the first time.
    ///
    /// # Errors
    ///
    /// [`Error::NotARepository`], [`Error::TooOld`], and errors of the disk.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves a whole mirror or none.
    pub async fn open(
        git: Arc<Git>,
        name: RepositoryName,
        source: &Path,
        places: &Places,
    ) -> Result<Self, Error> {
        let user = discover(&git, source).await?;
        let mirrors = std::path::absolute(&places.mirrors)
            .map_err(Error::io("find the folder", &places.mirrors))?;
        let workspaces = std::path::absolute(&places.workspaces)
            .map_err(Error::io("find the folder", &places.workspaces))?;
        let mirror = Mirror::open(&git, &mirrors, &name, &user.object_format).await?;
        Ok(Self {
            mirror: Arc::new(mirror),
            pool: Pool::new(workspaces.join(name.as_str())),
            landings: mirrors.join(format!("{name}.landings")),
            git,
            user,
            name,
        })
    }

    /// The user's repository, as found when this was opened.
    #[must_use]
    pub fn user(&self) -> &Found {
        &self.user
    }

    /// The bare repository that is ours.
    #[must_use]
    pub fn mirror_folder(&self) -> &Path {
        self.mirror.folder()
    }

    async fn fetch_branch(&self, branch: &BranchName) -> Result<CommitId, Error> {
        let theirs = branch.full_ref();
        // Flat, since a branch `a` may be gone by the time there is an `a/b`.
        // Read again before the lock is given back, so that it may be shared.
        let ours = format!("refs/user/{}", branch.as_str().replace('/', "%"));
        let fetch = || {
            self.git
                .at(self.mirror.folder(), "fetch")
                .args([
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--update-shallow",
                ])
                .args(["--no-auto-maintenance", "--no-recurse-submodules"])
                .arg(self.git.upload_pack())
                .arg("--")
                .arg(&self.user.git_folder)
                .arg(format!("+{theirs}:{ours}"))
                .config("protocol.file.allow", "always")
                .durable(Durability::Objects)
        };
        let alone = self.mirror.alone().await?;
        if let Err(error) = self.mirror.run_alone(&alone, fetch).await {
            return Err(self.why_no_branch(branch).await.unwrap_or(error));
        }
        let mut held = references(&self.git, self.mirror.folder(), [ours.as_str()]).await?;
        held.remove(&ours).ok_or(Error::Answer { command: "fetch" })
    }

    /// What is wrong with the user's repository where a branch of it cannot be fetched, if it is the branch.
    async fn why_no_branch(&self, branch: &BranchName) -> Option<Error> {
        let path = self.user.root.clone();
        let Ok(now) = discover(&self.git, &path).await else {
            return Some(Error::NotARepository { path });
        };
        let listed = self
            .git
            .at(&now.git_folder, "for-each-ref")
            .args(["--format=%(refname:lstrip=2)", "--count=20", "refs/heads/"])
            .run()
            .await
            .ok()?;
        let known: Vec<_> = parse::lossy(&listed).lines().map(str::to_owned).collect();
        if known.is_empty() && matches!(now.head, Head::Unborn(_)) {
            return Some(Error::Empty { path });
        }
        let full = branch.full_ref();
        let held = references(&self.git, &now.git_folder, [full.as_str()])
            .await
            .ok()?;
        held.is_empty().then(|| Error::NoBranch {
            path,
            branch: branch.clone(),
            known,
        })
    }

    async fn lease_clone(&self, commit: &CommitId) -> Result<LeasedClone, Error> {
        let pool = self.pool.clone();
        let mut slot = disk::blocking(move || pool.take()).await?;
        let mut reset = clone::reset(&self.git, &self.mirror, &slot, commit).await;
        if reset.is_err() && slot.is_used() {
            // Whatever is odd about the folder, another one is not.
            slot = disk::blocking(move || slot.renew().map(|()| slot)).await?;
            reset = clone::reset(&self.git, &self.mirror, &slot, commit).await;
        }
        if let Err(error) = reset {
            need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
            return Err(error);
        }
        slot.set_settled(true);
        let (git, mirror) = (Arc::clone(&self.git), Arc::clone(&self.mirror));
        Ok(LeasedClone::new(git, mirror, slot, commit.clone()))
    }

    async fn make_clone(&self, commit: &CommitId, folder: &Path) -> Result<(), Error> {
        need_commits(&self.git, self.mirror.folder(), &[commit]).await?;
        let folder = std::path::absolute(folder).map_err(Error::io("find the folder", folder))?;
        let made = folder.clone();
        disk::blocking(move || {
            if let Some(parent) = made.parent() {
                fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
            }
            fs::create_dir(&made).map_err(Error::io("create", made))
        })
        .await?;
        clone::make(&self.git, &self.mirror, &folder, commit).await
    }

    async fn move_refs(&self, updates: &[RefUpdate]) -> Result<(), Error> {
        let mut commands = String::new();
        for RefUpdate {
            name,
            expected,
            new,
        } in updates
        {
            commands += &match (expected, new) {
                (Some(expected), Some(new)) => format!("update {name} {new} {expected}\n"),
                (None, Some(new)) => format!("create {name} {new}\n"),
                (Some(expected), None) => format!("delete {name} {expected}\n"),
                (None, None) => format!("verify {name}\n"),
            };
        }
        let update = || {
            self.git
                .at(self.mirror.folder(), "update-ref")
                .args(["--no-deref", "--stdin"])
                .stdin(commands.as_str())
                .durable(Durability::Everything)
        };
        let alone = self.mirror.alone().await?;
        let Err(error) = self.mirror.run_alone(&alone, update).await else {
            return Ok(());
        };
        let names = updates.iter().map(|update| update.name.as_str());
        let mut held = references(&self.git, self.mirror.folder(), names).await?;
        for update in updates {
            let found = held.remove(update.name.as_str());
            if found != update.expected {
                return Err(Error::RefChanged {
                    name: update.name.clone(),
                    expected: update.expected.clone(),
                    found,
                });
            }
        }
        let new: Vec<_> = updates
            .iter()
            .filter_map(|update| update.new.as_ref())
            .collect();
        need_commits(&self.git, self.mirror.folder(), &new).await?;
        Err(error)
    }

    async fn difference(
        &self,
        from: &CommitId,
        to: &CommitId,
        limit_bytes: usize,
    ) -> Result<Diff, Error> {
        need_commits(&self.git, self.mirror.folder(), &[from, to]).await?;
        let diff = || {
            self.git.at(self.mirror.folder(), "diff-tree").args([
                "-r",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
            ])
        };
        let ends = [from.as_str(), to.as_str()];
        let (raw, text) = tokio::try_join!(
            diff().args(["--raw", "-z"]).args(ends).run(),
            diff()
                .arg("--patch")
                .args(ends)
                .first_bytes(limit_bytes)
                .answer(),
        )?;
        let files = file_changes(&raw_changes(&raw)?);
        // More than the limit may have been kept.
        let end = text.cut_at.unwrap_or(text.stdout.len()).min(limit_bytes);
        let is_cut = text.cut_at.is_some() || text.stdout.len() > end;
        let text = parse::lossy(&text.stdout[..end]);
        Ok(Diff {
            files,
            text,
            is_cut,
        })
    }
}

#[async_trait]
impl Repository for GitRepository {
    fn name(&self) -> &RepositoryName {
        &self.name
    }

    async fn fetch(&self, branch: &BranchName) -> Result<CommitId, PortError> {
        let fetched = self.fetch_branch(branch).await;
        fetched.map_err(|error| error.during(format!("fetch branch {branch} of {}", self.name)))
    }

    async fn warnings(&self) -> Result<Vec<String>, PortError> {
        let warnings = checkout::warnings(&self.git, &self.user).await;
        warnings.map_err(|error| error.during(format!("look at the checkout of {}", self.name)))
    }

    async fn lease(&self, commit: &CommitId) -> Result<Box<dyn Workspace>, PortError> {
        match self.lease_clone(commit).await {
            Ok(clone) => Ok(Box::new(clone)),
            Err(error) => Err(error.during(format!("make a clone of {}", self.name))),
        }
    }

    async fn clone_to(&self, commit: &CommitId, folder: &Path) -> Result<(), PortError> {
        let made = self.make_clone(commit, folder).await;
        made.map_err(|error| error.during(format!("make a clone of {}", self.name)))
    }

    async fn resolve(&self, name: &RefName) -> Result<Option<CommitId>, PortError> {
        let held = references(&self.git, self.mirror.folder(), [name.as_str()]).await;
        match held {
            Ok(mut held) => Ok(held.remove(name.as_str())),
            Err(error) => Err(error.during(format!("read {name} of {}", self.name))),
        }
    }

    async fn update_refs(&self, updates: &[RefUpdate]) -> Result<(), PortError> {
        let moved = self.move_refs(updates).await;
        moved.map_err(|error| error.during(format!("move references of {}", self.name)))
    }

    async fn merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<Merge, PortError> {
        let merged = self.merge_commits(ours, theirs, message).await;
        merged.map_err(|error| error.during(format!("merge in {}", self.name)))
    }

    async fn conflicts(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Vec<ConflictedFile>, PortError> {
        let found = self.find_conflicts(ours, theirs).await;
        found.map_err(|error| error.during(format!("look for conflicts in {}", self.name)))
    }

    async fn lease_merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Box<dyn Workspace>, PortError> {
        // Boxed: it carries the merge and the lease.
        match Box::pin(self.lease_marked(ours, theirs)).await {
            Ok(clone) => Ok(Box::new(clone)),
            Err(error) => Err(error.during(format!("make a clone of a merge of {}", self.name))),
        }
    }

    async fn settle(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        files: &[SettledFile],
        message: &str,
    ) -> Result<CommitId, PortError> {
        let settled = Box::pin(self.settle_merge(ours, theirs, files, message)).await;
        settled.map_err(|error| error.during(format!("settle a merge in {}", self.name)))
    }

    async fn remember(&self, resolutions: &[Resolution]) -> Result<(), PortError> {
        let kept = self.keep_resolutions(resolutions).await;
        kept.map_err(|error| error.during(format!("keep resolutions of {}", self.name)))
    }

    async fn recall(&self, hunks: &[ConflictHunk]) -> Result<Vec<Option<String>>, PortError> {
        let found = self.find_resolutions(hunks).await;
        found.map_err(|error| error.during(format!("look for resolutions in {}", self.name)))
    }

    async fn diff(
        &self,
        from: &CommitId,
        to: &CommitId,
        limit_bytes: usize,
    ) -> Result<Diff, PortError> {
        let diff = self.difference(from, to, limit_bytes).await;
        diff.map_err(|error| error.during(format!("compare commits of {}", self.name)))
    }

    async fn read(
        &self,
        commit: &CommitId,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, PortError> {
        let read = self.read_file(commit, path, limit_bytes).await;
        read.map_err(|error| error.during(format!("read {path} of {}", self.name)))
    }

    async fn overlay(
        &self,
        onto: &CommitId,
        from: &CommitId,
        paths: &[String],
        message: &str,
    ) -> Result<CommitId, PortError> {
        let made = self.overlay_commit(onto, from, paths, message).await;
        made.map_err(|error| error.during(format!("overlay files in {}", self.name)))
    }

    async fn publish(&self, branch: &BranchName, commit: &CommitId) -> Result<(), PortError> {
        let published = self.publish_branch(branch, commit).await;
        published.map_err(|error| error.during(format!("publish {branch} in {}", self.name)))
    }

    async fn land(&self, landing: &Landing) -> Result<Landed, PortError> {
        let landed = self.land_commit(landing).await;
        landed.map_err(|error| error.during(format!("land on {} of {}", landing.branch, self.name)))
    }

    async fn prepare_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Prepared, PortError> {
        let prepared = Box::pin(self.prepare_commit(landing, change_set)).await;
        prepared
            .map_err(|error| error.during(format!("prepare {} of {}", landing.branch, self.name)))
    }

    async fn recover_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Standing, PortError> {
        let recovered = self.recover_commit(landing).await;
        recovered.map_err(|error| {
            let (branch, name) = (&landing.branch, &self.name);
            error.during(format!("recover {branch} of {name} for {change_set}"))
        })
    }
}
