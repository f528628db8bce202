//! The port.

use std::collections::BTreeMap;

use async_trait::async_trait;
use core_types::{
    Comment, CommitId, GitProvider, Issue, IssueChange, IssueNumber, NewComment, NewIssue,
    NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
};
use tokio::time::Instant;

use super::{RemoteRepository, dialect::At, forge::Account};
use crate::Error;

impl RemoteRepository {
    /// From when on what was written here may be missing in a list that is asked for now.
    pub(super) fn since_settled(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.account.settle).unwrap_or(now)
    }
}

#[async_trait]
impl GitProvider for RemoteRepository {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        let found = self.find_settled(operation).await;
        found.map_err(|error| error.into_port_error("look for an operation"))
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        let made = self.do_create_issue(operation, issue).await;
        made.map_err(|error| error.into_port_error("create an issue"))
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        let changed = self.do_update_issue(operation, number, change).await;
        changed.map_err(|error| error.into_port_error("change an issue"))
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        let read = async { self.issue(self.raw_issue(number).await?).await };
        read.await
            .map_err(|error| error.into_port_error("read an issue"))
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        let list = async {
            let since = self.since_settled();
            let listed = self.account.dialect.issues(self.at()).await?;
            let recent = self.state().recent_issues(since);
            let mut all: BTreeMap<_, _> = listed.into_iter().map(|raw| (raw.number, raw)).collect();
            for number in recent {
                all.insert(number, self.raw_issue(number).await?);
            }
            let mut issues = Vec::new();
            for raw in all.into_values() {
                issues.push(self.issue(raw).await?);
            }
            Ok(issues)
        };
        list.await
            .map_err(|error: Error| error.into_port_error("list issues"))
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        let made = self.do_create_comment(operation, comment).await;
        made.map_err(|error| error.into_port_error("create a comment"))
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        let changed = self.do_update_comment(operation, comment, &body).await;
        changed.map_err(|error| error.into_port_error("change a comment"))
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        let list = async {
            let since = self.since_settled();
            let dialect = &self.account.dialect;
            let listed = dialect.comments(self.at(), issue).await;
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => return Err(self.unless_missing(error, issue).await),
            };
            let recent = self.state().recent_comments(issue, since);
            let mut all: BTreeMap<_, _> = listed.into_iter().map(|raw| (raw.id, raw)).collect();
            for (id, is_of_issue) in recent {
                let listed = all.get(&id);
                if !is_of_issue && listed.is_none() {
                    continue;
                }
                // The list shows what was written last: it is not late.
                let written = self.known_comment(id);
                if written.is_some_and(|it| listed.is_some_and(|raw| raw.body == it.body)) {
                    continue;
                }
                match dialect.comment(self.at(), id).await? {
                    Some(raw) => {
                        all.insert(id, raw);
                    }
                    // Somebody has deleted it since.
                    None => {
                        all.remove(&id);
                        self.state().lose_comment(id);
                    }
                }
            }
            for raw in all.values() {
                self.state().know(raw);
            }
            let mut comments = Vec::new();
            for raw in all.into_values() {
                comments.push(self.comment(raw).await?);
            }
            Ok(comments)
        };
        list.await
            .map_err(|error: Error| error.into_port_error("list comments"))
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        let made = self.do_create_pull_request(operation, pull_request).await;
        made.map_err(|error| error.into_port_error("open a pull request"))
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let changed = self.do_update_pull_request(operation, number, change).await;
        changed.map_err(|error| error.into_port_error("change a pull request"))
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let merged = self
            .do_merge_pull_request(operation, number, expected_head)
            .await;
        merged.map_err(|error| error.into_port_error("merge a pull request"))
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        let list = async {
            let since = self.since_settled();
            let listed = self.account.dialect.pull_requests(self.at()).await?;
            let recent = self.state().recent_pull_requests(since);
            let mut all: BTreeMap<_, _> = listed.into_iter().map(|raw| (raw.number, raw)).collect();
            for number in recent {
                all.insert(number, self.raw_pull_request(number).await?);
            }
            let mut pull_requests = Vec::new();
            for raw in all.into_values() {
                pull_requests.push(self.pull_request(raw).await?);
            }
            Ok(pull_requests)
        };
        list.await
            .map_err(|error: Error| error.into_port_error("list pull requests"))
    }

    fn page(&self, number: IssueNumber) -> Option<String> {
        let Account { pages, dialect, .. } = &*self.account;
        let At { slug, .. } = self.at();
        let page = dialect.page(number);
        Some(format!("{pages}/{}/{}/{page}", slug.owner(), slug.name()))
    }
}
