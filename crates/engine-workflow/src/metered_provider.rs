//! A forge whose calls are told of.

use std::{future::Future, sync::Arc, time::Instant};

use async_trait::async_trait;
use core_types::{
    Comment, CommitId, Event, EventSink, GitProvider, Issue, IssueChange, IssueNumber, NewComment,
    NewIssue, NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
};

/// A repository on a forge that reports each call as an [`Event::ForgeCalled`].
#[derive(Debug, Clone)]
pub struct MeteredProvider {
    provider: Arc<dyn GitProvider>,
    kind: String,
    events: Arc<dyn EventSink>,
}

impl MeteredProvider {
    /// Meters a repository on a forge of this kind, such as `local`.
    #[must_use]
    pub fn new(
        provider: Arc<dyn GitProvider>,
        kind: impl Into<String>,
        events: Arc<dyn EventSink>,
    ) -> Self {
        let kind = kind.into();
        Self {
            provider,
            kind,
            events,
        }
    }

    async fn told<T>(
        &self,
        method: &str,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        let began = Instant::now();
        let answer = call.await;
        let called = Event::ForgeCalled {
            provider: self.kind.clone(),
            method: method.to_owned(),
            passed: answer.is_ok(),
            duration: began.elapsed(),
        };
        self.events.emit(None, called);
        answer
    }
}

#[async_trait]
impl GitProvider for MeteredProvider {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        let call = self.provider.find(operation);
        self.told("find", call).await
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        let call = self.provider.create_issue(operation, issue);
        self.told("create_issue", call).await
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        let call = self.provider.update_issue(operation, number, change);
        self.told("update_issue", call).await
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        let call = self.provider.get_issue(number);
        self.told("get_issue", call).await
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        let call = self.provider.list_issues();
        self.told("list_issues", call).await
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        let call = self.provider.create_comment(operation, comment);
        self.told("create_comment", call).await
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        let call = self.provider.update_comment(operation, comment, body);
        self.told("update_comment", call).await
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        let call = self.provider.list_comments(issue);
        self.told("list_comments", call).await
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        let call = self.provider.create_pull_request(operation, pull_request);
        self.told("create_pull_request", call).await
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let call = self.provider.update_pull_request(operation, number, change);
        self.told("update_pull_request", call).await
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let call = self
            .provider
            .merge_pull_request(operation, number, expected_head);
        self.told("merge_pull_request", call).await
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        let call = self.provider.list_pull_requests();
        self.told("list_pull_requests", call).await
    }

    fn page(&self, number: IssueNumber) -> Option<String> {
        self.provider.page(number)
    }
}
