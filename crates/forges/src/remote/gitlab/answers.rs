//! What GitLab answers, as far as it is read.

use core_types::{BranchName, PullRequestState};
use serde::Deserialize;

use super::{
    numbers::{self, NoteId, Subject},
    texts,
};
use crate::{
    Error,
    remote::dialect::{At, Check, CheckState, RawComment, RawIssue, RawPullRequest},
};

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) username: String,
}

/// That a label was given or taken away.
#[derive(Deserialize)]
pub(super) struct LabelEvent {
    pub(super) user: Option<User>,
    pub(super) label: Option<Label>,
    pub(super) action: String,
    pub(super) created_at: String,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) scopes: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Project {
    permissions: Option<Permissions>,
    merge_method: Option<String>,
    squash_option: Option<String>,
}

#[derive(Deserialize)]
struct Permissions {
    project_access: Option<Level>,
    group_access: Option<Level>,
}

#[derive(Deserialize)]
struct Level {
    access_level: u64,
}

impl Project {
    /// The account's, by itself or by its group.
    pub(super) fn access_level(&self) -> u64 {
        let permissions = self.permissions.as_ref();
        let levels = permissions.map(|it| [&it.project_access, &it.group_access]);
        let levels = levels.into_iter().flatten().flatten();
        levels.map(|it| it.access_level).max().unwrap_or(0)
    }

    /// Whether a merge moves the base to the head itself.
    pub(super) fn merges_the_head_itself(&self) -> bool {
        self.merge_method.as_deref() == Some("ff")
            && self.squash_option.as_deref() != Some("always")
    }
}

#[derive(Deserialize)]
pub(super) struct Member {
    username: String,
    pub(super) access_level: u64,
    state: Option<String>,
}

impl Member {
    /// Names differ in more than their case.
    pub(super) fn is(&self, user: &str) -> bool {
        self.username.eq_ignore_ascii_case(user)
    }

    pub(super) fn is_active(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "active")
    }
}

#[derive(Deserialize)]
pub(super) struct Issue {
    iid: u64,
    title: String,
    description: Option<String>,
    labels: Vec<String>,
    state: String,
    // Of an account that is gone there may be none.
    author: Option<User>,
    created_at: String,
    updated_at: String,
    #[serde(default)]
    user_notes_count: u64,
}

#[derive(Deserialize)]
pub(super) struct Note {
    id: u64,
    pub(super) body: String,
    pub(super) author: Option<User>,
    created_at: String,
    updated_at: String,
    pub(super) system: bool,
}

#[derive(Deserialize)]
pub(super) struct MergeRequest {
    iid: u64,
    title: String,
    description: Option<String>,
    labels: Vec<String>,
    pub(super) author: Option<User>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    // `None` where there is nothing in it.
    pub(super) sha: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    detailed_merge_status: Option<String>,
    created_at: String,
    updated_at: String,
    #[serde(default)]
    user_notes_count: u64,
}

#[derive(Deserialize)]
pub(super) struct Approvals {
    #[serde(default)]
    pub(super) approved_by: Vec<Approval>,
}

#[derive(Deserialize)]
pub(super) struct Approval {
    pub(super) user: User,
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
    pub(super) commits: Vec<Commit>,
}

#[derive(Deserialize)]
pub(super) struct Contents {
    pub(super) content: String,
}

#[derive(Deserialize)]
pub(super) struct Status {
    name: String,
    status: String,
    description: Option<String>,
}

fn login(user: Option<User>) -> String {
    user.map(|user| user.username).unwrap_or_default()
}

impl Issue {
    pub(super) fn into_raw(self, at: At<'_>) -> Result<RawIssue, Error> {
        if !numbers::is_iid(self.iid) {
            return Err(at.unexpected("an issue's number", &self.iid.to_string()));
        }
        let mut labels = self.labels;
        labels.sort();
        Ok(RawIssue {
            number: self.iid,
            title: self.title,
            body: texts::read(&self.description.unwrap_or_default()),
            labels,
            is_open: self.state == "opened",
            author: login(self.author),
            created: at.time(&self.created_at)?,
            updated: at.time(&self.updated_at)?,
            is_pull_request: false,
            n_comments: self.user_notes_count,
        })
    }
}

impl Note {
    pub(super) fn into_raw(self, at: At<'_>, subject: Subject) -> Result<RawComment, Error> {
        let id = NoteId {
            subject,
            note: self.id,
        };
        let number = id.number();
        Ok(RawComment {
            id: number.ok_or_else(|| at.unexpected("a note's id", &self.id.to_string()))?,
            body: texts::read(&self.body),
            author: login(self.author),
            created: at.time(&self.created_at)?,
            updated: at.time(&self.updated_at)?,
        })
    }
}

impl MergeRequest {
    pub(super) fn is_from_a_fork(&self) -> bool {
        self.source_project_id != self.target_project_id
    }

    fn number(&self, at: At<'_>) -> Result<u64, Error> {
        let number = numbers::of_merge_request(self.iid);
        number.ok_or_else(|| at.unexpected("a merge request's number", &self.iid.to_string()))
    }

    pub(super) fn into_raw_issue(self, at: At<'_>) -> Result<RawIssue, Error> {
        let number = self.number(at)?;
        let mut labels = self.labels;
        labels.sort();
        Ok(RawIssue {
            number,
            title: self.title,
            body: texts::read(&self.description.unwrap_or_default()),
            labels,
            is_open: matches!(&*self.state, "opened" | "locked"),
            author: login(self.author),
            created: at.time(&self.created_at)?,
            updated: at.time(&self.updated_at)?,
            is_pull_request: true,
            n_comments: self.user_notes_count,
        })
    }

    /// Whether its branches have names that ours could have: a fork may call its own what git allows.
    pub(super) fn is_nameable(&self) -> bool {
        [&self.source_branch, &self.target_branch]
            .iter()
            .all(|name| BranchName::new(name.as_str()).is_ok())
    }

    pub(super) fn into_raw(self, at: At<'_>) -> Result<RawPullRequest, Error> {
        let branch =
            |name: &str| BranchName::new(name).map_err(|_| at.unexpected("a branch", name));
        Ok(RawPullRequest {
            number: self.number(at)?,
            head: branch(&self.source_branch)?,
            base: branch(&self.target_branch)?,
            head_commit: at.commit(self.sha.as_deref().unwrap_or_default())?,
            base_commit: None,
            title: self.title,
            body: texts::read(&self.description.unwrap_or_default()),
            author: login(self.author),
            state: match &*self.state {
                "merged" => PullRequestState::Merged,
                // It is locked while it is merged.
                "opened" | "locked" => PullRequestState::Open,
                _ => PullRequestState::Closed,
            },
            created: at.time(&self.created_at)?,
            is_draft: self.draft,
            is_mergeable: match self.detailed_merge_status.as_deref() {
                Some("mergeable") => Some(true),
                None | Some("checking" | "unchecked" | "preparing" | "approvals_syncing") => None,
                Some(_) => Some(false),
            },
        })
    }
}

impl Status {
    pub(super) fn into_check(self) -> Check {
        Check {
            context: self.name,
            state: match &*self.status {
                // What was skipped stands in nobody's way.
                "success" | "skipped" => CheckState::Success,
                "failed" => CheckState::Failure,
                "canceled" | "canceling" => CheckState::Error,
                _ => CheckState::Pending,
            },
            description: self.description.unwrap_or_default(),
        }
    }
}
