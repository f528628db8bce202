use std::collections::{BTreeMap, HashMap};

use core_types::{
    BranchName, Comment, Issue, IssueNumber, IssueState, Operated, OperationId, PullRequest,
    PullRequestState, RepositoryName, Timestamp,
};
use journal::{Fold, FoldError, Record};

use super::record::{CHANGE, Change, ChangeRecord};
use crate::Error;

/// All repositories of a forge: the fold of its journal.
#[derive(Debug, Default)]
pub(super) struct ForgeState {
    repositories: HashMap<RepositoryName, RepositoryState>,
}

/// One repository of a forge.
#[derive(Debug, Default)]
pub(super) struct RepositoryState {
    pub(super) issues: BTreeMap<IssueNumber, Issue>,
    pub(super) pull_requests: BTreeMap<IssueNumber, PullRequest>,
    /// By the issue or pull request they belong to, oldest first.
    pub(super) comments: HashMap<IssueNumber, Vec<Comment>>,
    n_comments: u64,
    /// What each mutation left, as it was then.
    pub(super) operations: HashMap<OperationId, Operated>,
}

impl Fold for ForgeState {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        // Kinds that a later version adds are none of ours.
        if record.kind != CHANGE {
            return Ok(());
        }
        let record = ChangeRecord::from_bytes(&record.payload)?;
        let repository = self.repositories.entry(record.repository).or_default();
        let left = repository.outcome(record.change.clone(), record.at)?;
        repository.take(record.operation, &record.change, left);
        Ok(())
    }
}

impl ForgeState {
    /// The repository, if anything was ever written to it.
    pub(super) fn repository(&self, name: &RepositoryName) -> Option<&RepositoryState> {
        self.repositories.get(name)
    }
}

impl RepositoryState {
    /// The number of the next issue or pull request. Nothing is ever removed.
    pub(super) fn next_number(&self) -> IssueNumber {
        (self.issues.len() + self.pull_requests.len()) as u64 + 1
    }

    pub(super) fn next_comment(&self) -> u64 {
        self.n_comments + 1
    }

    pub(super) fn issue(&self, number: IssueNumber) -> Result<&Issue, Error> {
        self.issues.get(&number).ok_or(Error::NoIssue { number })
    }

    pub(super) fn pull_request(&self, number: IssueNumber) -> Result<&PullRequest, Error> {
        let found = self.pull_requests.get(&number);
        found.ok_or(Error::NoPullRequest { number })
    }

    fn comment(&self, id: u64) -> Result<&Comment, Error> {
        let mut comments = self.comments.values().flatten();
        let found = comments.find(|comment| comment.id == id);
        found.ok_or(Error::NoComment { id })
    }

    /// An open pull request for these branches, other than `except`.
    pub(super) fn refuse_open(
        &self,
        head: &BranchName,
        base: &BranchName,
        except: IssueNumber,
    ) -> Result<(), Error> {
        let same = |other: &&PullRequest| {
            other.state == PullRequestState::Open
                && (&other.head, &other.base) == (head, base)
                && other.number != except
        };
        match self.pull_requests.values().find(same) {
            Some(other) => Err(Error::AlreadyOpen {
                number: other.number,
                head: head.clone(),
                base: base.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Whether comments may be made on this number.
    pub(super) fn check_subject(&self, number: IssueNumber) -> Result<(), Error> {
        if self.issues.contains_key(&number) || self.pull_requests.contains_key(&number) {
            return Ok(());
        }
        Err(Error::NoSubject { number })
    }

    /// What a change would leave; the state stays as it is.
    pub(super) fn outcome(&self, change: Change, at: Timestamp) -> Result<Operated, Error> {
        match change {
            Change::CreateIssue {
                number,
                title,
                body,
                labels,
                author,
            } => Ok(Operated::Issue(Issue {
                number,
                title,
                body,
                labels,
                state: IssueState::Open,
                author,
                created: at,
            })),
            Change::UpdateIssue {
                number,
                title,
                body,
                labels,
                state,
            } => {
                let mut issue = self.issue(number)?.clone();
                issue.title = title.unwrap_or(issue.title);
                issue.body = body.unwrap_or(issue.body);
                issue.labels = labels.unwrap_or(issue.labels);
                issue.state = state.map_or(issue.state, IssueState::from);
                Ok(Operated::Issue(issue))
            }
            Change::CreateComment {
                id,
                issue,
                body,
                author,
            } => {
                self.check_subject(issue)?;
                Ok(Operated::Comment(Comment {
                    id,
                    body,
                    author,
                    created: at,
                    updated: at,
                }))
            }
            Change::UpdateComment { id, body } => {
                let mut comment = self.comment(id)?.clone();
                (comment.body, comment.updated) = (body, at);
                Ok(Operated::Comment(comment))
            }
            Change::CreatePullRequest {
                number,
                title,
                body,
                head,
                base,
                head_commit,
            } => Ok(Operated::PullRequest(PullRequest {
                number,
                title,
                body,
                head,
                base,
                head_commit,
                state: PullRequestState::Open,
                created: at,
            })),
            Change::UpdatePullRequest {
                number,
                title,
                body,
                head_commit,
                state,
            } => {
                let mut pull_request = self.pull_request(number)?.clone();
                pull_request.title = title.unwrap_or(pull_request.title);
                pull_request.body = body.unwrap_or(pull_request.body);
                pull_request.head_commit = head_commit.unwrap_or(pull_request.head_commit);
                pull_request.state = state.map_or(pull_request.state, PullRequestState::from);
                Ok(Operated::PullRequest(pull_request))
            }
        }
    }

    /// Takes what a change left into the state.
    fn take(&mut self, operation: OperationId, change: &Change, left: Operated) {
        match (&left, change) {
            (Operated::Issue(issue), _) => {
                self.issues.insert(issue.number, issue.clone());
            }
            (Operated::PullRequest(pull_request), _) => {
                self.pull_requests
                    .insert(pull_request.number, pull_request.clone());
            }
            (Operated::Comment(comment), Change::CreateComment { issue, .. }) => {
                self.n_comments += 1;
                let comments = self.comments.entry(*issue).or_default();
                comments.push(comment.clone());
            }
            (Operated::Comment(comment), Change::UpdateComment { id, .. }) => {
                let mut comments = self.comments.values_mut().flatten();
                if let Some(found) = comments.find(|found| found.id == *id) {
                    *found = comment.clone();
                }
            }
            // No other change leaves a comment, and nothing else is ever left.
            _ => {}
        }
        self.operations.insert(operation, left);
    }
}
