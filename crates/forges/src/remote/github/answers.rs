//! What GitHub answers, as far as it is read.

use core_types::{BranchName, IssueNumber, PullRequestState};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Error,
    remote::dialect::{At, RawComment, RawIssue, RawPullRequest},
};

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) permissions: Option<Permissions>,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    pub(super) admin: bool,
    pub(super) push: bool,
    pub(super) pull: bool,
}

#[derive(Deserialize)]
pub(super) struct Collaborator {
    pub(super) permission: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Label {
    Named { name: Option<String> },
    Name(String),
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) labels: Vec<Label>,
    pub(super) state: String,
    // Of an account that is gone there is none.
    pub(super) user: Option<User>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) pull_request: Option<Value>,
    pub(super) comments: u64,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) body: Option<String>,
    pub(super) user: Option<User>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

/// What happened to an issue.
#[derive(Deserialize)]
pub(super) struct Happened {
    pub(super) event: String,
    pub(super) label: Option<Label>,
    pub(super) actor: Option<User>,
    pub(super) created_at: String,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) user: Option<User>,
    pub(super) head: End,
    pub(super) base: End,
    pub(super) state: String,
    pub(super) merged_at: Option<String>,
    #[serde(default)]
    pub(super) draft: bool,
    // In lists there is none.
    pub(super) mergeable: Option<bool>,
    pub(super) created_at: String,
}

#[derive(Deserialize)]
pub(super) struct End {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct Compare {
    pub(super) ahead_by: u64,
}

#[derive(Deserialize)]
pub(super) struct Contents {
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CombinedStatus {
    pub(super) statuses: Vec<Status>,
}

#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) context: String,
    pub(super) state: String,
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Review {
    pub(super) user: Option<User>,
    pub(super) state: String,
    pub(super) body: String,
    pub(super) commit_id: Option<String>,
}

pub(super) fn login(user: Option<User>) -> String {
    user.map(|user| user.login).unwrap_or_default()
}

pub(super) fn label_name(label: Label) -> Option<String> {
    match label {
        Label::Named { name } => name,
        Label::Name(name) => Some(name),
    }
}

pub(super) fn raw_issue(at: At<'_>, it: Issue) -> Result<RawIssue, Error> {
    let mut labels: Vec<_> = it.labels.into_iter().filter_map(label_name).collect();
    labels.sort();
    Ok(RawIssue {
        number: it.number,
        title: it.title,
        body: it.body.unwrap_or_default(),
        labels,
        is_open: it.state == "open",
        author: login(it.user),
        created: at.time(&it.created_at)?,
        updated: at.time(&it.updated_at)?,
        is_pull_request: it.pull_request.is_some(),
        n_comments: it.comments,
    })
}

pub(super) fn raw_comment(at: At<'_>, it: Comment) -> Result<RawComment, Error> {
    Ok(RawComment {
        id: it.id,
        body: it.body.unwrap_or_default(),
        author: login(it.user),
        created: at.time(&it.created_at)?,
        updated: at.time(&it.updated_at)?,
    })
}

impl PullRequest {
    /// Whether its branches have names that ours could have: a fork may call its own what git allows.
    pub(super) fn is_nameable(&self) -> bool {
        [&self.head, &self.base]
            .iter()
            .all(|end| BranchName::new(&end.reference).is_ok())
    }
}

pub(super) fn raw_pull_request(at: At<'_>, it: PullRequest) -> Result<RawPullRequest, Error> {
    let branch = |end: &End| {
        BranchName::new(&end.reference).map_err(|_| at.unexpected("a branch", &end.reference))
    };
    let state = match (&it.merged_at, &*it.state) {
        (Some(_), _) => PullRequestState::Merged,
        (None, "open") => PullRequestState::Open,
        (None, _) => PullRequestState::Closed,
    };
    Ok(RawPullRequest {
        number: it.number,
        head: branch(&it.head)?,
        base: branch(&it.base)?,
        head_commit: at.commit(&it.head.sha)?,
        base_commit: Some(at.commit(&it.base.sha)?),
        title: it.title,
        body: it.body.unwrap_or_default(),
        author: login(it.user),
        state,
        created: at.time(&it.created_at)?,
        is_draft: it.draft,
        is_mergeable: it.mergeable,
    })
}
