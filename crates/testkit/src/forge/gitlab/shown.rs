//! What GitLab shows of things.

use core_types::{APART, Timestamp};
use serde_json::{Value, json};

use crate::forge::state::{Check, Comment, Item, Repository};

/// Its times have milliseconds.
fn time(at: Timestamp) -> String {
    at.to_string().replace('Z', ".000Z")
}

pub(super) fn user(login: &str) -> Value {
    json!({
        "id": 1, "username": login, "name": login, "state": "active", "avatar_url": null,
    })
}

pub(super) fn is_draft(title: &str) -> bool {
    title.starts_with("Draft:")
}

/// Read, write and admin as levels.
fn level(permission: &str) -> u64 {
    match permission {
        "admin" => 40,
        "write" => 30,
        "read" => 20,
        _ => 0,
    }
}

pub(super) fn member(login: &str, permission: &str) -> Value {
    let mut shown = user(login);
    shown["access_level"] = json!(level(permission));
    shown["expires_at"] = Value::Null;
    shown
}

pub(super) fn project(repository: &Repository) -> Value {
    let parts: Vec<_> = repository.web.split('/').skip(3).collect();
    let level = match (repository.may_write, repository.is_admin) {
        (true, true) => 40,
        (true, false) => 30,
        (false, _) => 20,
    };
    json!({
        "id": repository.id, "name": parts.last(), "path_with_namespace": parts.join("/"),
        "default_branch": "main", "visibility": "private",
        "web_url": repository.web,
        "merge_method": if repository.allows_fast_forward { "ff" } else { "merge" },
        "squash_option": "default_off",
        "permissions": {
            "project_access": {"access_level": level, "notification_level": 3},
            "group_access": null,
        },
    })
}

fn labels(repository: &Repository, item: &Item) -> Vec<String> {
    let known = repository.labels.iter();
    let of = known.filter(|(id, _)| item.labels.contains(id));
    let mut names: Vec<_> = of.map(|(_, name)| name.clone()).collect();
    names.sort();
    names
}

pub(super) fn issue(repository: &Repository, item: &Item) -> Value {
    let closed = (!item.is_open).then(|| time(item.updated));
    json!({
        "id": 1000 + item.number, "iid": item.number, "project_id": repository.id, "title": item.title,
        "description": item.body, "state": if item.is_open { "opened" } else { "closed" },
        "labels": labels(repository, item), "author": user(&item.author), "assignees": [],
        "created_at": time(item.created), "updated_at": time(item.updated), "closed_at": closed,
        "user_notes_count": item.n_comments, "confidential": false,
        "web_url": format!("{}/-/issues/{}", repository.web, item.number),
    })
}

pub(super) fn note(it: &Comment) -> Value {
    let is_of_pull = it.issue > APART;
    json!({
        "id": it.id, "body": it.body, "author": user(&it.author), "system": it.is_system,
        "created_at": time(it.created), "updated_at": time(it.updated), "resolvable": false,
        "noteable_type": if is_of_pull { "MergeRequest" } else { "Issue" },
        "noteable_iid": if is_of_pull { it.issue - APART } else { it.issue },
        "internal": false,
    })
}

/// `is_known`: whether it has looked what a merge would do.
pub(super) fn merge_request(repository: &Repository, item: &Item, is_known: bool) -> Value {
    let of = item.pull.as_ref().expect("only asked of merge requests");
    let iid = item.number - APART;
    let git = &repository.git;
    let status = if !item.is_open {
        "not_open"
    } else if is_draft(&item.title) {
        "draft_status"
    } else if !is_known {
        "checking"
    } else {
        let base = git.branch(&of.base).unwrap_or_default();
        match git.is_ancestor(&base, &of.head_commit) {
            true => "mergeable",
            false => "need_rebase",
        }
    };
    let state = match (of.is_merged, item.is_open) {
        (true, _) => "merged",
        (false, true) => "opened",
        (false, false) => "closed",
    };
    let merged = of.is_merged.then(|| time(item.updated));
    json!({
        "id": 2000 + iid, "iid": iid, "project_id": repository.id, "title": item.title, "state": state,
        "description": item.body, "labels": labels(repository, item), "author": user(&item.author),
        "source_branch": of.head, "target_branch": of.base, "source_project_id": repository.id,
        "target_project_id": repository.id, "sha": of.head_commit, "draft": is_draft(&item.title),
        "detailed_merge_status": status, "has_conflicts": false, "merge_commit_sha": null,
        "merged_at": merged, "created_at": time(item.created), "updated_at": time(item.updated),
        "user_notes_count": item.n_comments, "squash": false,
        "web_url": format!("{}/-/merge_requests/{iid}", repository.web),
    })
}

pub(super) fn approvals(repository: &Repository, number: u64) -> Value {
    let of = repository.reviews.iter().filter(|it| it.number == number);
    let approved: Vec<_> = of
        .map(|it| json!({"user": user(&it.author), "approved_at": "2026-01-01T00:00:00.000Z"}))
        .collect();
    json!({
        "approved": true, "user_has_approved": false, "user_can_approve": false,
        "approved_by": approved,
    })
}

pub(super) fn commit(sha: &str) -> Value {
    json!({
        "id": sha, "short_id": sha.get(..8), "title": "", "message": "", "parent_ids": [],
        "created_at": "2026-01-01T00:00:00.000Z",
    })
}

pub(super) fn branch(name: &str, sha: &str) -> Value {
    json!({
        "name": name, "commit": commit(sha), "merged": false, "protected": false, "default": false,
        "developers_can_push": false, "developers_can_merge": false, "can_push": true,
    })
}

pub(super) fn status(it: &Check) -> Value {
    json!({
        "id": 1, "sha": it.commit, "ref": "main", "status": it.state, "name": it.context,
        "description": it.description, "target_url": null, "author": user("robot"),
        "created_at": "2026-01-01T00:00:00.000Z", "finished_at": null, "allow_failure": false,
    })
}
