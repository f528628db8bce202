//! What a forge holds: issues, comments, pull requests.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BranchName, CommitId, Timestamp};

/// The number of an issue or pull request within its repository, from 1.
///
/// A forge that numbers pull requests apart from issues (GitLab) has its pull requests from
/// [`APART`] on: `!12` is `APART + 12`, so that no two of a repository have one number.
pub type IssueNumber = u64;

/// Pull requests above it are numbered apart from issues; see [`IssueNumber`].
pub const APART: IssueNumber = 1_000_000_000;

/// An issue or pull request as its forge writes it: `#12`, or `!12` where pull requests are
/// numbered apart.
///
/// ```
/// use core_types::{APART, Reference};
///
/// assert_eq!(Reference(12).to_string(), "#12");
/// assert_eq!(Reference(APART + 12).to_string(), "!12");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference(pub IssueNumber);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(APART) {
            Some(number) if number > 0 => write!(f, "!{number}"),
            _ => write!(f, "#{}", self.0),
        }
    }
}

/// Whether an issue is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueState {
    /// Work is wanted.
    Open,
    /// Work has ended.
    Closed,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number; 0 for an issue that no forge holds, such as a file.
    pub number: IssueNumber,
    /// One line.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    /// Labels, sorted, without duplicates.
    pub labels: Vec<String>,
    /// Whether it is open.
    pub state: IssueState,
    /// Who wrote it, as the forge names them; may be empty.
    pub author: String,
    /// When it was written.
    pub created: Timestamp,
}

/// An issue to be created.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewIssue {
    /// One line, not empty.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    /// Labels in any order.
    pub labels: Vec<String>,
}

/// A change of an issue; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IssueChange {
    /// The new title.
    pub title: Option<String>,
    /// The new body.
    pub body: Option<String>,
    /// The new labels, replacing all.
    pub labels: Option<Vec<String>>,
    /// The new state.
    pub state: Option<IssueState>,
}

/// A comment on an issue or pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Unique within the repository.
    pub id: u64,
    /// Markdown.
    pub body: String,
    /// Who wrote it, as the forge names them; may be empty.
    pub author: String,
    /// When it was written.
    pub created: Timestamp,
    /// When it was last changed, by whomever; zero where that is not known.
    #[serde(default)]
    pub updated: Timestamp,
}

/// A comment to be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// The issue or pull request it belongs to.
    pub issue: IssueNumber,
    /// Markdown, not empty.
    pub body: String,
}

/// Whether a pull request is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullRequestState {
    /// It waits for review or merge.
    Open,
    /// It was closed without a merge.
    Closed,
    /// Its head is in its base.
    Merged,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number; issues and pull requests share one sequence.
    pub number: IssueNumber,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch that holds the change.
    pub head: BranchName,
    /// The branch it is to be merged into.
    pub base: BranchName,
    /// The commit that was proposed.
    pub head_commit: CommitId,
    /// Whether it is open.
    pub state: PullRequestState,
    /// When it was opened.
    pub created: Timestamp,
}

/// A pull request to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPullRequest {
    /// One line, not empty.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch that holds the change.
    pub head: BranchName,
    /// The branch it is to be merged into.
    pub base: BranchName,
    /// The commit at `head`.
    pub head_commit: CommitId,
}

/// A change of a pull request; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PullRequestChange {
    /// The new title.
    pub title: Option<String>,
    /// The new body.
    pub body: Option<String>,
    /// The new commit at its head.
    pub head_commit: Option<CommitId>,
    /// The new state.
    pub state: Option<PullRequestState>,
}

/// What an earlier mutation left, found again by its operation id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "object")]
#[non_exhaustive]
pub enum Operated {
    /// It created or changed this issue.
    Issue(Issue),
    /// It created or changed this comment.
    Comment(Comment),
    /// It created or changed this pull request.
    PullRequest(PullRequest),
}
