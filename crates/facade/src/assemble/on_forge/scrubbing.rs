use std::sync::Arc;

use async_trait::async_trait;
use core_types::{
    Comment, CommitId, GitProvider, Issue, IssueChange, IssueNumber, NewComment, NewIssue,
    NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
};
use learning::scrub;

/// A provider whose pull requests hold no secrets: what agents say of their work is in them, and anybody may read them.
#[derive(Debug)]
pub(super) struct Scrubbing(pub(super) Arc<dyn GitProvider>);

fn scrubbed(text: String) -> String {
    scrub(&text).text.into_owned()
}

#[async_trait]
impl GitProvider for Scrubbing {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        self.0.find(operation).await
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        self.0.create_issue(operation, issue).await
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        self.0.update_issue(operation, number, change).await
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        self.0.get_issue(number).await
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        self.0.list_issues().await
    }

    // What is approved stands in a comment byte for byte: whoever writes one scrubs what is around it.
    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        self.0.create_comment(operation, comment).await
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        self.0.update_comment(operation, comment, body).await
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        self.0.list_comments(issue).await
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        let new = NewPullRequest {
            title: scrubbed(pull_request.title),
            body: scrubbed(pull_request.body),
            ..pull_request
        };
        self.0.create_pull_request(operation, new).await
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let change = PullRequestChange {
            title: change.title.map(scrubbed),
            body: change.body.map(scrubbed),
            ..change
        };
        self.0.update_pull_request(operation, number, change).await
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let merging = self.0.merge_pull_request(operation, number, expected_head);
        merging.await
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        self.0.list_pull_requests().await
    }

    fn page(&self, number: IssueNumber) -> Option<String> {
        self.0.page(number)
    }
}
