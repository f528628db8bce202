use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use core_types::{
    Clock, Comment, CommitId, ErrorClass, GitProvider, Issue, IssueChange, IssueNumber, IssueState,
    NewComment, NewIssue, NewPullRequest, Operated, OperationId, PortError, PullRequest,
    PullRequestChange, PullRequestState,
};

use super::{FixedClock, lock};

/// One repository of a forge in memory.
#[derive(Debug)]
pub struct MemoryForge {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issues: BTreeMap<IssueNumber, Issue>,
    pull_requests: BTreeMap<IssueNumber, PullRequest>,
    /// In the order of their ids, each with the number it belongs to.
    comments: Vec<(IssueNumber, Comment)>,
    operations: HashMap<OperationId, Operated>,
}

impl MemoryForge {
    /// An empty repository that takes its times from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::default();
        Self { clock, state }
    }
}

impl Default for MemoryForge {
    fn default() -> Self {
        Self::new(Arc::new(FixedClock::default()))
    }
}

const AUTHOR: &str = "memory";

fn error(class: ErrorClass, operation: &'static str, why: &str) -> PortError {
    PortError::new(class, operation).because(why)
}

fn check_text(text: &str, operation: &'static str) -> Result<(), PortError> {
    if text.trim().is_empty() {
        return Err(error(ErrorClass::Validation, operation, "a text is empty"));
    }
    Ok(())
}

fn sorted(mut labels: Vec<String>) -> Vec<String> {
    labels.sort();
    labels.dedup();
    labels
}

impl State {
    fn next_number(&self) -> IssueNumber {
        // Nothing is ever removed, and both kinds share one sequence.
        (self.issues.len() + self.pull_requests.len()) as u64 + 1
    }

    /// What this operation left earlier, taken out of its kind by `pick`.
    fn earlier<T>(
        &self,
        operation: &OperationId,
        doing: &'static str,
        pick: fn(Operated) -> Option<T>,
    ) -> Result<Option<T>, PortError> {
        let Some(left) = self.operations.get(operation) else {
            return Ok(None);
        };
        let reused = || {
            error(
                ErrorClass::Conflict,
                doing,
                "the operation id belongs to another mutation",
            )
        };
        pick(left.clone()).map(Some).ok_or_else(reused)
    }
}

fn as_issue(left: Operated) -> Option<Issue> {
    match left {
        Operated::Issue(issue) => Some(issue),
        _ => None,
    }
}

fn as_comment(left: Operated) -> Option<Comment> {
    match left {
        Operated::Comment(comment) => Some(comment),
        _ => None,
    }
}

fn as_pull_request(left: Operated) -> Option<PullRequest> {
    match left {
        Operated::PullRequest(pull_request) => Some(pull_request),
        _ => None,
    }
}

#[async_trait]
impl GitProvider for MemoryForge {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        Ok(lock(&self.state).operations.get(operation).cloned())
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        let doing = "create an issue";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_issue)? {
            return Ok(earlier);
        }
        check_text(&issue.title, doing)?;
        let issue = Issue {
            number: state.next_number(),
            title: issue.title,
            body: issue.body,
            labels: sorted(issue.labels),
            state: IssueState::Open,
            author: AUTHOR.to_owned(),
            created: self.clock.now(),
        };
        state.issues.insert(issue.number, issue.clone());
        let left = Operated::Issue(issue.clone());
        state.operations.insert(operation.clone(), left);
        Ok(issue)
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        let doing = "change an issue";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_issue)? {
            return Ok(earlier);
        }
        if let Some(title) = &change.title {
            check_text(title, doing)?;
        }
        let Some(issue) = state.issues.get_mut(&number) else {
            return Err(error(ErrorClass::NotFound, doing, "no such issue"));
        };
        issue.title = change.title.unwrap_or_else(|| issue.title.clone());
        issue.body = change.body.unwrap_or_else(|| issue.body.clone());
        issue.labels = change.labels.map_or_else(|| issue.labels.clone(), sorted);
        issue.state = change.state.unwrap_or(issue.state);
        let issue = issue.clone();
        let left = Operated::Issue(issue.clone());
        state.operations.insert(operation.clone(), left);
        Ok(issue)
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        let found = lock(&self.state).issues.get(&number).cloned();
        found.ok_or_else(|| error(ErrorClass::NotFound, "read an issue", "no such issue"))
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        Ok(lock(&self.state).issues.values().cloned().collect())
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        let doing = "create a comment";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_comment)? {
            return Ok(earlier);
        }
        check_text(&comment.body, doing)?;
        let number = comment.issue;
        if !state.issues.contains_key(&number) && !state.pull_requests.contains_key(&number) {
            return Err(error(ErrorClass::NotFound, doing, "no such issue"));
        }
        let comment = Comment {
            id: state.comments.len() as u64 + 1,
            body: comment.body,
            author: AUTHOR.to_owned(),
            created: self.clock.now(),
            updated: core_types::Timestamp(0),
        };
        state.comments.push((number, comment.clone()));
        let left = Operated::Comment(comment.clone());
        state.operations.insert(operation.clone(), left);
        Ok(comment)
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        let doing = "change a comment";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_comment)? {
            return Ok(earlier);
        }
        check_text(&body, doing)?;
        let found = state.comments.iter_mut().find(|(_, it)| it.id == comment);
        let Some((_, found)) = found else {
            return Err(error(ErrorClass::NotFound, doing, "no such comment"));
        };
        found.body = body;
        let found = found.clone();
        let left = Operated::Comment(found.clone());
        state.operations.insert(operation.clone(), left);
        Ok(found)
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        let state = lock(&self.state);
        if !state.issues.contains_key(&issue) && !state.pull_requests.contains_key(&issue) {
            return Err(error(
                ErrorClass::NotFound,
                "list comments",
                "no such issue",
            ));
        }
        let of_issue = state.comments.iter().filter(|(number, _)| *number == issue);
        Ok(of_issue.map(|(_, comment)| comment.clone()).collect())
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        let doing = "open a pull request";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_pull_request)? {
            return Ok(earlier);
        }
        check_text(&pull_request.title, doing)?;
        let same = |other: &PullRequest| {
            other.state == PullRequestState::Open
                && other.head == pull_request.head
                && other.base == pull_request.base
        };
        if state.pull_requests.values().any(same) {
            let why = "one is open for the same head and base";
            return Err(error(ErrorClass::Conflict, doing, why));
        }
        let pull_request = PullRequest {
            number: state.next_number(),
            title: pull_request.title,
            body: pull_request.body,
            head: pull_request.head,
            base: pull_request.base,
            head_commit: pull_request.head_commit,
            state: PullRequestState::Open,
            created: self.clock.now(),
        };
        state
            .pull_requests
            .insert(pull_request.number, pull_request.clone());
        let left = Operated::PullRequest(pull_request.clone());
        state.operations.insert(operation.clone(), left);
        Ok(pull_request)
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let doing = "change a pull request";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_pull_request)? {
            return Ok(earlier);
        }
        if let Some(title) = &change.title {
            check_text(title, doing)?;
        }
        let Some(found) = state.pull_requests.get_mut(&number) else {
            return Err(error(ErrorClass::NotFound, doing, "no such pull request"));
        };
        found.title = change.title.unwrap_or_else(|| found.title.clone());
        found.body = change.body.unwrap_or_else(|| found.body.clone());
        found.head_commit = change
            .head_commit
            .unwrap_or_else(|| found.head_commit.clone());
        found.state = change.state.unwrap_or(found.state);
        let found = found.clone();
        let left = Operated::PullRequest(found.clone());
        state.operations.insert(operation.clone(), left);
        Ok(found)
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let doing = "merge a pull request";
        let mut state = lock(&self.state);
        if let Some(earlier) = state.earlier(operation, doing, as_pull_request)? {
            return Ok(earlier);
        }
        let Some(found) = state.pull_requests.get_mut(&number) else {
            return Err(error(ErrorClass::NotFound, doing, "no such pull request"));
        };
        if found.head_commit != *expected_head {
            let why = "its head is another commit";
            return Err(error(ErrorClass::Conflict, doing, why));
        }
        if found.state == PullRequestState::Closed {
            return Err(error(ErrorClass::Conflict, doing, "it is closed"));
        }
        found.state = PullRequestState::Merged;
        let found = found.clone();
        let left = Operated::PullRequest(found.clone());
        state.operations.insert(operation.clone(), left);
        Ok(found)
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        Ok(lock(&self.state).pull_requests.values().cloned().collect())
    }

    fn page(&self, _: IssueNumber) -> Option<String> {
        None
    }
}
