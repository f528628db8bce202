//! What Gitea answers, as far as it is read.

use std::collections::BTreeMap;

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
    pub(super) permissions: Option<Permission>,
    // Older servers do not know it, and do not offer it.
    #[serde(default)]
    pub(super) allow_fast_forward_only_merge: bool,
}

#[derive(Deserialize)]
pub(super) struct Permission {
    pub(super) admin: bool,
    pub(super) push: bool,
    pub(super) pull: bool,
}

#[derive(Deserialize)]
pub(super) struct Collaborator {
    pub(super) permission: String,
}

/// A team of an organization, with what it may do in the repository that it was asked of.
#[derive(Deserialize)]
pub(super) struct Team {
    pub(super) id: i64,
    /// Of all that it may use the least, but for administrators.
    #[serde(default)]
    pub(super) permission: String,
    // Older servers do not know it.
    #[serde(default)]
    pub(super) units_map: BTreeMap<String, String>,
}

impl Team {
    pub(super) fn may_push(&self) -> bool {
        let code = self.units_map.get("repo.code");
        let is_whole = matches!(&*self.permission, "admin" | "owner");
        let code = code.map_or("", String::as_str);
        is_whole
            || matches!(code, "write" | "admin" | "owner")
            || (self.units_map.is_empty() && self.permission == "write")
    }
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) id: i64,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    // Go writes an empty list as null at times.
    pub(super) labels: Option<Vec<Label>>,
    pub(super) state: String,
    pub(super) user: Option<User>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) pull_request: Option<Value>,
    #[serde(default)]
    pub(super) comments: u64,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) body: String,
    pub(super) user: Option<User>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

/// What happened to an issue, comments included.
#[derive(Deserialize)]
pub(super) struct Happened {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Of a change of labels `1` where it was added.
    #[serde(default)]
    pub(super) body: String,
    pub(super) label: Option<Label>,
    pub(super) user: Option<User>,
    pub(super) created_at: String,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: IssueNumber,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: String,
    pub(super) user: Option<User>,
    pub(super) head: End,
    pub(super) base: End,
    pub(super) state: String,
    #[serde(default)]
    pub(super) merged: bool,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) mergeable: Option<bool>,
    pub(super) created_at: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct End {
    pub(super) label: String,
    #[serde(rename = "ref")]
    pub(super) reference: String,
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) commit: Commit,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct Compare {
    #[serde(default)]
    pub(super) total_commits: u64,
}

#[derive(Deserialize)]
pub(super) struct Contents {
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CombinedStatus {
    pub(super) statuses: Option<Vec<Status>>,
}

#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) context: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) description: String,
}

#[derive(Deserialize)]
pub(super) struct Review {
    pub(super) user: Option<User>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) body: String,
    pub(super) commit_id: String,
}

pub(super) fn login(user: Option<User>) -> String {
    user.map(|user| user.login).unwrap_or_default()
}

impl At<'_> {
    pub(super) fn issue(&self, it: Issue) -> Result<RawIssue, Error> {
        let mut labels: Vec<_> = it.labels.unwrap_or_default();
        labels.sort_by(|a, b| a.name.cmp(&b.name));
        labels.dedup_by(|a, b| a.name == b.name);
        Ok(RawIssue {
            number: it.number,
            title: it.title,
            body: it.body,
            labels: labels.into_iter().map(|label| label.name).collect(),
            is_open: it.state == "open",
            author: login(it.user),
            created: self.time(&it.created_at)?,
            updated: self.time(&it.updated_at)?,
            is_pull_request: it.pull_request.is_some(),
            n_comments: it.comments,
        })
    }

    pub(super) fn comment(&self, it: Comment) -> Result<RawComment, Error> {
        Ok(RawComment {
            id: it.id,
            body: it.body,
            author: login(it.user),
            created: self.time(&it.created_at)?,
            updated: self.time(&it.updated_at)?,
        })
    }

    pub(super) fn pull_request(&self, it: PullRequest) -> Result<RawPullRequest, Error> {
        let branch = |end: &End| {
            let named = end.branch();
            named.ok_or_else(|| self.unexpected("a branch", &end.label))
        };
        let state = match (it.merged, &*it.state) {
            (true, _) => PullRequestState::Merged,
            (false, "open") => PullRequestState::Open,
            (false, _) => PullRequestState::Closed,
        };
        let created = it.created_at.as_deref().map(|text| self.time(text));
        Ok(RawPullRequest {
            number: it.number,
            title: it.title,
            body: it.body,
            author: login(it.user),
            head: branch(&it.head)?,
            base: branch(&it.base)?,
            head_commit: self.commit(&it.head.sha)?,
            state,
            created: created.transpose()?.unwrap_or_default(),
            is_draft: it.draft,
            is_mergeable: it.mergeable,
            // It has none where its base is gone.
            base_commit: match &*it.base.sha {
                "" => None,
                sha => Some(self.commit(sha)?),
            },
        })
    }
}

impl End {
    /// The label keeps the branch's name after the branch is gone.
    fn branch(&self) -> Option<BranchName> {
        let named = BranchName::new(&self.label);
        named.or_else(|_| BranchName::new(&self.reference)).ok()
    }
}

impl PullRequest {
    /// Whether its branches have names that ours could have: a fork may call its own what git allows.
    pub(super) fn is_nameable(&self) -> bool {
        self.head.branch().is_some() && self.base.branch().is_some()
    }
}
