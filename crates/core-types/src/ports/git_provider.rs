use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    Comment, CommitId, Issue, IssueChange, IssueNumber, NewComment, NewIssue, NewPullRequest,
    Operated, OperationId, PortError, PullRequest, PullRequestChange,
};

/// One repository on a forge.
///
/// Every mutation carries an [`OperationId`] and leaves it where
/// [`GitProvider::find`] finds it again. Repeating a mutation under the same
/// id SHOULD return what the first one left; a forge that cannot do so MUST
/// still let `find` tell. Titles and bodies come back as they were given.
#[async_trait]
pub trait GitProvider: Debug + Send + Sync {
    /// What the mutation of this id left, or `None`.
    ///
    /// # Errors
    ///
    /// Any class; `UnknownOutcome` where the forge's lists cannot be trusted yet.
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError>;

    /// Creates an issue.
    ///
    /// # Errors
    ///
    /// `Validation` (empty title), `Unauthorized`, `UnknownOutcome`, others by class.
    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError>;

    /// Changes an issue.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`GitProvider::create_issue`].
    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError>;

    /// An issue.
    ///
    /// # Errors
    ///
    /// `NotFound`, others by class.
    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError>;

    /// All issues, open and closed, by number.
    ///
    /// # Errors
    ///
    /// By class.
    async fn list_issues(&self) -> Result<Vec<Issue>, PortError>;

    /// Comments on an issue or pull request.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`GitProvider::create_issue`].
    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError>;

    /// Replaces the text of a comment, known by its id.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`GitProvider::create_issue`].
    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError>;

    /// The comments of an issue or pull request, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound`, others by class.
    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError>;

    /// Opens a pull request.
    ///
    /// # Errors
    ///
    /// As [`GitProvider::create_issue`]; `Conflict` where one is open for the same head and base.
    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError>;

    /// Changes a pull request.
    ///
    /// # Errors
    ///
    /// `NotFound`, and as [`GitProvider::create_issue`].
    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError>;

    /// Merges an open pull request, if its head is exactly the given commit.
    ///
    /// Its base MUST then hold that commit. A merged one with that head is a success.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Conflict` where the head is another commit, it is closed, or
    /// its base has moved so that it cannot be merged as it is; and as
    /// [`GitProvider::create_issue`].
    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError>;

    /// All pull requests, by number.
    ///
    /// # Errors
    ///
    /// By class.
    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError>;

    /// The address at which people read an issue or a pull request; `None` where the forge has no pages.
    fn page(&self, number: IssueNumber) -> Option<String>;
}
