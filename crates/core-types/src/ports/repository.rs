use std::{fmt::Debug, path::Path};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    BranchName, CommitId, ConflictHunk, ConflictedFile, IssueNumber, OperationId, PortError,
    PullRequest, PullRequestState, RefName, RepositoryName, Resolution, SettledFile, TreeId,
};

/// A clone that an agent or a test works in. Dropping it gives it back.
///
/// Whatever `.git` the folder holds belongs to the agent and is never used.
#[async_trait]
pub trait Workspace: Debug + Send + Sync {
    /// The root of the clone.
    fn folder(&self) -> &Path;

    /// The tree of what the folder holds now, ignored files apart.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`, `Internal`.
    async fn snapshot(&self) -> Result<TreeId, PortError>;

    /// Commits what the folder holds now on top of the commit it was leased
    /// at. With `since`, a tree of [`Workspace::snapshot`], only what changed
    /// after it is taken.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`, `Internal`.
    async fn commit(&self, since: Option<&TreeId>, message: &str) -> Result<Capture, PortError>;
}

/// What an agent left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "capture")]
pub enum Capture {
    /// Nothing changed.
    Unchanged,
    /// It is committed, on disk, and kept by no reference yet.
    Committed {
        /// The commit.
        commit: CommitId,
        /// The changed files, sorted by path.
        files: Vec<FileChange>,
    },
    /// It holds repositories of its own, whose files would be lost.
    Nested {
        /// Their folders relative to the clone, sorted.
        folders: Vec<String>,
    },
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The path relative to the repository; invalid UTF-8 is replaced.
    pub path: String,
    /// git's letter: `A`dded, `M`odified, `D`eleted, `T`ype changed.
    pub status: char,
}

/// The result of a merge without a working tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "merge")]
pub enum Merge {
    /// One side already held the other: no new commit was needed.
    FastForward {
        /// The commit that holds both.
        commit: CommitId,
    },
    /// A merge commit was made.
    Merged {
        /// The commit.
        commit: CommitId,
    },
    /// It needs somebody to decide.
    Conflict {
        /// The conflicting paths, sorted.
        paths: Vec<String>,
    },
}

/// A reference to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// Which.
    pub name: RefName,
    /// What it must hold before; `None` where it must not exist.
    pub expected: Option<CommitId>,
    /// What it holds after; `None` deletes it.
    pub new: Option<CommitId>,
}

/// What lies between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The changed files, sorted by path.
    pub files: Vec<FileChange>,
    /// A unified diff, cut at the asked limit.
    pub text: String,
    /// Whether it was cut.
    pub is_cut: bool,
}

/// Whether a checked-out target branch may be moved together with its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutPolicy {
    /// Leave it to the person.
    Leave,
    /// Fast-forward branch, index and files together.
    Update,
}

/// A target branch to be moved.
#[derive(Debug, Clone)]
pub struct Landing {
    /// The target branch.
    pub branch: BranchName,
    /// What it must point to before.
    pub expected: CommitId,
    /// The tested commit.
    pub commit: CommitId,
    /// The pull request that proposes it, where one does.
    pub pull_request: Option<IssueNumber>,
    /// What to do where it is checked out.
    pub checkout: CheckoutPolicy,
}

impl Landing {
    /// The pull request that proposes it: the one that is named, and else the first, since anybody may open another one
    /// for a commit that he can read. One that is open comes before one that is merged.
    #[must_use]
    pub fn proposed_in<'a>(&self, all: &'a [PullRequest]) -> Option<&'a PullRequest> {
        let is_it = |it: &PullRequest| {
            let is_named = self.pull_request.is_none_or(|named| named == it.number);
            is_named && it.base == self.branch && it.head_commit == self.commit
        };
        let of = |state| all.iter().find(|it| is_it(it) && it.state == state);
        of(PullRequestState::Open).or_else(|| of(PullRequestState::Merged))
    }
}

/// What came of a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "landed")]
pub enum Landed {
    /// The branch points to the commit, or already held it.
    Moved,
    /// The branch points elsewhere than expected.
    TargetMoved {
        /// Where it points now.
        now: CommitId,
    },
    /// A person must act.
    Blocked {
        /// Why.
        blocked: Blocked,
        /// The line to run, or what to mend.
        hint: String,
    },
}

/// Why a target branch was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "blocked")]
#[non_exhaustive]
pub enum Blocked {
    /// It is checked out and clean: ready for a fast-forward by the person.
    CheckedOut {
        /// The folder of the checkout.
        folder: String,
    },
    /// It is checked out, and the landing would touch uncommitted work.
    Dirty {
        /// The folder of the checkout.
        folder: String,
        /// The paths, sorted, at most 20.
        paths: Vec<String>,
    },
    /// Moving it failed when others had moved already.
    Failed {
        /// Why, in one line.
        reason: String,
    },
}

/// The first half of a landing over several repositories.
#[derive(Debug)]
pub enum Prepared {
    /// Nobody can move the target branch until it is committed or aborted.
    Ready(Box<dyn PreparedLanding>),
    /// The branch already holds the commit.
    AlreadyLanded,
    /// The branch points elsewhere than expected.
    TargetMoved {
        /// Where it points now.
        now: CommitId,
    },
    /// A person must act.
    Blocked {
        /// Why.
        blocked: Blocked,
        /// The line to run, or what to mend.
        hint: String,
    },
}

/// A target branch that is held, to be moved or to be let go.
///
/// Dropped, it is let go. A process that is killed leaves nothing moved; what
/// it leaves locked, [`Repository::recover_landing`] and the next landing clear.
#[async_trait]
pub trait PreparedLanding: Debug + Send + Sync {
    /// Moves the branch, with index and files where it is checked out.
    ///
    /// [`Landed::Blocked`] only where a person has changed a checkout since it was prepared.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`, `Internal`: whether it moved, [`Repository::land`] finds out.
    ///
    /// # Cancel safety
    ///
    /// Whether a dropped call has moved the branch, [`Repository::land`] finds out and ends it.
    async fn commit(self: Box<Self>) -> Result<Landed, PortError>;

    /// Lets the branch go as it was.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`, `Internal`; nothing has moved.
    async fn abort(self: Box<Self>) -> Result<(), PortError>;
}

/// Where a target branch stands towards a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// It holds the commit.
    Landed,
    /// It points to what was expected.
    Expected,
    /// It points elsewhere.
    Elsewhere {
        /// Where.
        now: CommitId,
    },
}

/// A git repository of the user, with a mirror of our own beside it.
///
/// Nothing of the user's checkouts, stashes and other branches is ever
/// touched. Objects are on disk before a reference to them is moved, and
/// references before the call returns. No hook, filter or file-system monitor
/// that a repository configures ever runs.
#[async_trait]
pub trait Repository: Debug + Send + Sync {
    /// Its name in the run.
    fn name(&self) -> &RepositoryName;

    /// Brings the newest commit of a branch of the user's repository into the mirror.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such branch), `Validation` (no repository), `ResourceExhausted`.
    async fn fetch(&self, branch: &BranchName) -> Result<CommitId, PortError>;

    /// A line for each thing in the user's checkout that a run would not see,
    /// such as uncommitted changes; may be empty.
    ///
    /// # Errors
    ///
    /// As [`Repository::fetch`].
    async fn warnings(&self) -> Result<Vec<String>, PortError>;

    /// A clone at a commit of the mirror, without any other file.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit), `ResourceExhausted`.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves nothing that the next lease would see.
    async fn lease(&self, commit: &CommitId) -> Result<Box<dyn Workspace>, PortError>;

    /// A clone at a commit in the given folder, which must not exist; folders
    /// above it are made. The caller removes it.
    ///
    /// # Errors
    ///
    /// As [`Repository::lease`].
    async fn clone_to(&self, commit: &CommitId, folder: &Path) -> Result<(), PortError>;

    /// What a reference of the mirror holds.
    ///
    /// # Errors
    ///
    /// `Internal`.
    async fn resolve(&self, name: &RefName) -> Result<Option<CommitId>, PortError>;

    /// Moves references of the mirror, all or none.
    ///
    /// # Errors
    ///
    /// `Conflict` where one does not hold what was expected.
    async fn update_refs(&self, updates: &[RefUpdate]) -> Result<(), PortError>;

    /// Merges `theirs` into `ours` without a working tree. The same input gives the same commit.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit), `ResourceExhausted`.
    async fn merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<Merge, PortError>;

    /// What merging `theirs` into `ours` cannot settle, sorted by path; empty
    /// where nothing is in the way.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit), `Validation` (no common ancestor), `ResourceExhausted`.
    async fn conflicts(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Vec<ConflictedFile>, PortError>;

    /// A clone that holds the merge of `theirs` into `ours`: the files of
    /// [`Repository::conflicts`] with markers as [`ConflictTexts`](crate::ConflictTexts)
    /// has them, all others merged. Its `commit` makes a merge commit whose parents are
    /// `ours` and `theirs`; the files that it names are those that were changed in the folder.
    ///
    /// # Errors
    ///
    /// As [`Repository::conflicts`].
    ///
    /// # Cancel safety
    ///
    /// As [`Repository::lease`].
    async fn lease_merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Box<dyn Workspace>, PortError>;

    /// The merge commit of `theirs` into `ours` in which these files have these
    /// texts. The same input gives the same commit.
    ///
    /// # Errors
    ///
    /// As [`Repository::conflicts`]; `Validation` for a path that the merge does not hold.
    async fn settle(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        files: &[SettledFile],
        message: &str,
    ) -> Result<CommitId, PortError>;

    /// Keeps how hunks were settled, for every later run on this repository.
    /// A hunk that is known already gets the new text.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted`.
    async fn remember(&self, resolutions: &[Resolution]) -> Result<(), PortError>;

    /// How each hunk was settled before, whichever side was ours; `None` where
    /// it is not known.
    ///
    /// # Errors
    ///
    /// `Internal`.
    async fn recall(&self, hunks: &[ConflictHunk]) -> Result<Vec<Option<String>>, PortError>;

    /// What lies between two commits; the text is cut at `limit_bytes`.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit).
    async fn diff(
        &self,
        from: &CommitId,
        to: &CommitId,
        limit_bytes: usize,
    ) -> Result<Diff, PortError>;

    /// The first `limit_bytes` of a file as a commit holds it; a link gives
    /// the path that it names. `None` where there is no file of that path.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit).
    async fn read(
        &self,
        commit: &CommitId,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, PortError>;

    /// A commit on top of `onto` that takes the given paths, and nothing else,
    /// from `from`: written as they are there, and deleted where they are
    /// missing. The same input gives the same commit; it is on disk, and kept
    /// by no reference yet.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such commit), `ResourceExhausted`.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves nothing that a later one would see.
    async fn overlay(
        &self,
        onto: &CommitId,
        from: &CommitId,
        paths: &[String],
        message: &str,
    ) -> Result<CommitId, PortError>;

    /// Sets a branch of the user's repository that belongs to us (`automation/…`) to a commit.
    ///
    /// # Errors
    ///
    /// `Validation` for a branch that is not ours, `ResourceExhausted`.
    async fn publish(&self, branch: &BranchName, commit: &CommitId) -> Result<(), PortError>;

    /// Moves a target branch of the user's repository to exactly a commit.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such branch), `ResourceExhausted`. What a person must
    /// settle is a [`Landed`], not an error.
    async fn land(&self, landing: &Landing) -> Result<Landed, PortError>;

    /// Holds a target branch for a change set, to be moved or let go later.
    ///
    /// Nothing is moved, and nobody else can move the branch meanwhile. Who
    /// prepares several repositories does it in the order of their names, so
    /// that no two wait for each other.
    ///
    /// # Errors
    ///
    /// As [`Repository::land`]; `Transient` where another git holds the branch.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves at most what [`Repository::recover_landing`] clears.
    async fn prepare_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Prepared, PortError>;

    /// Clears what a killed process has left of a prepared landing, and says
    /// where the target branch stands. What is not surely ours is left.
    ///
    /// # Errors
    ///
    /// As [`Repository::land`].
    async fn recover_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Standing, PortError>;
}
