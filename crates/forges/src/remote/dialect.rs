//! What differs between forges.

use std::fmt::Debug;

use async_trait::async_trait;
use core_types::{BranchName, CommitId, IssueNumber, PullRequestState, Timestamp};
use perf_utils::governor::Limits;
use serde_json::{Value, json};

use super::client::{Client, segment};
use crate::Error;

/// A repository on a forge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug {
    owner: String,
    name: String,
}

impl Slug {
    /// The repository `name` of `owner`: a user, an organization, or a group within others
    /// (`a/b/c`), as GitLab alone has them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSlug`]: letters, digits and `. _ -` alone, and neither `.` nor `..`.
    pub fn new(owner: &str, name: &str) -> Result<Self, Error> {
        let is_valid = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !part.is_empty() && part.chars().all(plain) && !matches!(part, "." | "..")
        };
        if owner.split('/').all(is_valid) && is_valid(name) {
            return Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            });
        }
        Err(Error::InvalidSlug {
            slug: format!("{owner}/{name}"),
        })
    }

    /// The owner.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Where a call goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) client: &'a Client,
    pub(super) slug: &'a Slug,
}

/// An issue, or a pull request seen as one, with its marks still in its text.
#[derive(Debug, Clone)]
pub(super) struct RawIssue {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) labels: Vec<String>,
    pub(super) is_open: bool,
    pub(super) author: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) is_pull_request: bool,
    pub(super) n_comments: u64,
}

/// A comment.
#[derive(Debug, Clone)]
pub(super) struct RawComment {
    pub(super) id: u64,
    pub(super) body: String,
    pub(super) author: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// A pull request.
#[derive(Debug, Clone)]
pub(super) struct RawPullRequest {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) author: String,
    pub(super) head: BranchName,
    pub(super) base: BranchName,
    pub(super) head_commit: CommitId,
    pub(super) state: PullRequestState,
    pub(super) created: Timestamp,
    pub(super) is_draft: bool,
    /// `None` while the forge still looks.
    pub(super) is_mergeable: Option<bool>,
    /// Where the base is now; `None` where the forge does not say so beside it.
    pub(super) base_commit: Option<CommitId>,
}

/// What changes of an issue or pull request.
#[derive(Debug, Default)]
pub(super) struct Edit<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) is_open: Option<bool>,
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MergeStyle {
    /// The base moves to the head itself: what was tested, and nothing else.
    FastForward,
    /// The base holds the head already; the forge is to take note.
    Note,
}

/// How lists have pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    /// The parameter with how many items a page has.
    pub(super) size: &'static str,
    /// Whether a page that another one follows always says so.
    pub(super) says_next: bool,
}

/// What the account may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// It may read.
    pub can_read: bool,
    /// It may push, and change issues of others.
    pub can_write: bool,
    /// It may change the repository's settings.
    pub is_admin: bool,
    /// Pull requests may be merged by moving the base to their head.
    pub allows_fast_forward: bool,
}

/// What a check says of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It is under way.
    Pending,
    /// It has passed.
    Success,
    /// It has not passed.
    Failure,
    /// It could not be done.
    Error,
}

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, such as `automation/tests`; a later one of the same name takes its place.
    pub context: String,
    /// What it says.
    pub state: CheckState,
    /// A line for people; may be empty.
    pub description: String,
}

/// What a reviewer says of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be merged.
    Approved,
    /// It may not.
    ChangesRequested,
    /// Neither.
    Comment,
}

/// A review of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestReview {
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub verdict: Verdict,
    /// Markdown; may be empty.
    pub body: String,
    /// The commit it is about.
    pub commit: CommitId,
}

/// That somebody gave an issue a label, or took it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelChange {
    /// Who; empty for an account that is gone.
    pub author: String,
    /// Which label.
    pub label: String,
    /// Whether the issue has it since then.
    pub is_added: bool,
    /// When, by the forge's clock.
    pub at: Timestamp,
}

/// The calls of one kind of forge. Each is one request, or the pages of one list; marks, order and
/// reconciliation are [`RemoteRepository`](super::RemoteRepository)'s.
#[async_trait]
pub(super) trait Dialect: Debug + Send + Sync {
    /// A label for metrics.
    fn kind(&self) -> &'static str;
    /// The path of the API below the forge's URL.
    fn api(&self) -> &'static str;
    /// The header of the token, and what stands before it there.
    fn authorization(&self) -> (&'static str, &'static str);
    /// Other headers of every request.
    fn headers(&self) -> &'static [(&'static str, &'static str)];
    /// The words, in small letters, that make a draft of a pull request at the beginning of its title, which is not
    /// merged then.
    fn draft_words(&self) -> &'static [&'static str] {
        &[]
    }
    /// What the forge publishes of its limits.
    fn limits(&self) -> Limits;
    /// Where people read an issue or pull request, after the repository's page.
    fn page(&self, number: IssueNumber) -> String {
        format!("issues/{number}")
    }
    /// How its lists have pages.
    fn pages(&self) -> Pages;

    async fn account(&self, client: &Client) -> Result<String, Error>;
    /// The scopes that a run needs and the token has not, as far as the forge tells them.
    async fn missing_scopes(&self, client: &Client) -> Result<Vec<&'static str>, Error>;
    async fn access(&self, at: At<'_>) -> Result<Access, Error>;
    async fn may_write(&self, at: At<'_>, user: &str) -> Result<bool, Error>;

    /// Issues and pull requests, changed since then.
    async fn all(&self, at: At<'_>, since: Option<Timestamp>) -> Result<Vec<RawIssue>, Error>;
    /// The same; pull requests at least where they are wanted.
    async fn changed(
        &self,
        at: At<'_>,
        since: Timestamp,
        with_pull_requests: bool,
    ) -> Result<Vec<RawIssue>, Error> {
        let _ = with_pull_requests;
        self.all(at, Some(since)).await
    }
    async fn issues(&self, at: At<'_>) -> Result<Vec<RawIssue>, Error>;
    /// Open issues, at least all of those with this label.
    async fn labelled(&self, at: At<'_>, label: &str) -> Result<Vec<RawIssue>, Error> {
        let _ = label;
        self.issues(at).await
    }
    /// What became of the labels of an issue, oldest first; empty where the forge does not tell, so that
    /// nobody has given one.
    async fn label_changes(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<LabelChange>, Error> {
        let _ = (at, number);
        Ok(Vec::new())
    }
    async fn issue(&self, at: At<'_>, number: IssueNumber) -> Result<RawIssue, Error>;
    async fn create_issue(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<RawIssue, Error>;
    async fn edit_issue(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawIssue, Error>;
    /// Adds and removes labels by their names.
    async fn change_labels(
        &self,
        at: At<'_>,
        number: IssueNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Error>;

    async fn comments(&self, at: At<'_>, number: IssueNumber) -> Result<Vec<RawComment>, Error>;
    /// `None` where there is none.
    async fn comment(&self, at: At<'_>, id: u64) -> Result<Option<RawComment>, Error>;
    async fn create_comment(
        &self,
        at: At<'_>,
        number: IssueNumber,
        body: &str,
    ) -> Result<RawComment, Error>;
    async fn edit_comment(&self, at: At<'_>, id: u64, body: &str) -> Result<RawComment, Error>;

    async fn pull_requests(&self, at: At<'_>) -> Result<Vec<RawPullRequest>, Error>;
    async fn pull_request(&self, at: At<'_>, number: IssueNumber) -> Result<RawPullRequest, Error>;
    /// The open one of this head and base.
    async fn open_pull_request(
        &self,
        at: At<'_>,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<RawPullRequest>, Error>;
    /// `Conflict` where one is open for these branches: [`Error::AlreadyOpen`] where it says which.
    async fn create_pull_request(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        branches: (&BranchName, &BranchName),
    ) -> Result<RawPullRequest, Error>;
    async fn edit_pull_request(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawPullRequest, Error>;
    /// Merges at this head or not at all. Why not, the state of the pull request tells.
    async fn merge(
        &self,
        at: At<'_>,
        number: IssueNumber,
        head: &CommitId,
        style: MergeStyle,
    ) -> Result<(), Error>;

    /// Whether the base has commits that the head has not.
    async fn is_behind(&self, at: At<'_>, head: &CommitId, base: &CommitId) -> Result<bool, Error>;

    /// The commit of a branch; `None` where there is no such branch.
    async fn branch(&self, at: At<'_>, name: &BranchName) -> Result<Option<CommitId>, Error>;
    async fn create_branch(
        &self,
        at: At<'_>,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), Error>;
    async fn delete_branch(&self, at: At<'_>, name: &BranchName) -> Result<(), Error>;
    /// A file's bytes at a commit or branch; `None` where there is none.
    async fn file(&self, at: At<'_>, path: &str, at: &str) -> Result<Option<Vec<u8>>, Error>;

    async fn checks(&self, at: At<'_>, commit: &CommitId) -> Result<Vec<Check>, Error>;
    async fn set_check(&self, at: At<'_>, commit: &CommitId, check: &Check) -> Result<(), Error>;
    async fn reviews(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<PullRequestReview>, Error>;
    async fn review(
        &self,
        at: At<'_>,
        number: IssueNumber,
        review: &PullRequestReview,
    ) -> Result<(), Error>;
}

impl At<'_> {
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{}{rest}", self.slug.owner(), self.slug.name())
    }

    pub(super) fn unexpected(&self, what: &'static str, found: &str) -> Error {
        Error::Unexpected {
            origin: self.client.origin().to_owned(),
            what,
            found: found.to_owned(),
        }
    }

    pub(super) fn time(&self, text: &str) -> Result<Timestamp, Error> {
        Timestamp::parse(text).ok_or_else(|| self.unexpected("a time", text))
    }

    pub(super) fn commit(&self, text: &str) -> Result<CommitId, Error> {
        CommitId::new(text).map_err(|_| self.unexpected("a commit", text))
    }
}

/// `None` for what is not there.
pub(super) fn found<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// The fields that an edit changes, as most have them.
pub(super) fn edited(edit: &Edit<'_>) -> Value {
    let mut fields = serde_json::Map::new();
    let texts = [("title", edit.title), ("body", edit.body)];
    for (key, text) in texts {
        fields.extend(text.map(|text| (key.to_owned(), json!(text))));
    }
    let state = edit
        .is_open
        .map(|open| if open { "open" } else { "closed" });
    fields.extend(state.map(|state| ("state".to_owned(), json!(state))));
    fields.into()
}

/// A branch in a path: its slashes stay.
pub(super) fn branch_path(name: &BranchName) -> String {
    let parts: Vec<_> = name.as_str().split('/').map(segment).collect();
    parts.join("/")
}
