//! What Gitea shows of things.

use serde_json::{Value, json};

use crate::forge::state::{Check, Comment, Item, Repository, Review, is_draft, state};

pub(super) fn user(login: &str) -> Value {
    json!({"id": 1, "login": login, "full_name": "", "email": format!("{login}@example.org")})
}

pub(super) fn label(id: i64, name: &str) -> Value {
    json!({"id": id, "name": name, "color": "6e7781", "description": ""})
}

pub(super) fn shown_labels(repository: &Repository, item: &Item) -> Value {
    let known = repository.labels.iter();
    let of = known.filter(|(id, _)| item.labels.contains(id));
    of.map(|(id, name)| label(*id, name))
        .collect::<Vec<_>>()
        .into()
}

pub(super) fn shown(repository: &Repository, owner: &str, name: &str) -> Value {
    json!({
        "id": 1, "name": name, "full_name": format!("{owner}/{name}"), "owner": user(owner),
        "default_branch": "main", "private": true,
        "allow_fast_forward_only_merge": repository.allows_fast_forward,
        "permissions": {"admin": repository.is_admin, "push": repository.may_write, "pull": true},
    })
}

pub(super) fn issue(repository: &Repository, item: &Item) -> Value {
    let mut shown = json!({
        "id": item.number, "number": item.number, "title": item.title, "body": item.body,
        "labels": shown_labels(repository, item), "state": state(item), "user": user(&item.author),
        "created_at": item.created.to_string(), "updated_at": item.updated.to_string(),
        "comments": item.n_comments,
    });
    if let Some(pull) = &item.pull {
        shown["pull_request"] = json!({"merged": pull.is_merged, "draft": is_draft(&item.title)});
    }
    shown
}

pub(super) fn comment(it: &Comment) -> Value {
    json!({
        "id": it.id, "body": it.body, "user": user(&it.author),
        "created_at": it.created.to_string(), "updated_at": it.updated.to_string(),
    })
}

pub(super) fn pull(repository: &Repository, item: &Item) -> Value {
    let of = item.pull.as_ref().expect("only asked of pull requests");
    let git = &repository.git;
    let base = git.branch(&of.base).unwrap_or_default();
    let common = git.merge_base(&base, &of.head_commit).unwrap_or_default();
    // A branch that is gone is shown by the reference that keeps its commits.
    let reference = match git.branch(&of.head) {
        Some(_) => of.head.clone(),
        None => format!("refs/pull/{}/head", item.number),
    };
    json!({
        "id": item.number, "number": item.number, "title": item.title, "body": item.body,
        "labels": shown_labels(repository, item), "state": state(item), "user": user(&item.author),
        "head": {"label": of.head, "ref": reference, "sha": of.head_commit, "repo_id": 1},
        "base": {"label": of.base, "ref": of.base, "sha": base, "repo_id": 1},
        "merge_base": common, "merged": of.is_merged, "draft": is_draft(&item.title),
        "mergeable": item.is_open, "comments": item.n_comments,
        "created_at": item.created.to_string(), "updated_at": item.updated.to_string(),
    })
}

pub(super) fn branch(name: &str, commit: &str) -> Value {
    json!({"name": name, "commit": {"id": commit}, "protected": false, "user_can_push": true})
}

pub(super) fn status(it: &Check) -> Value {
    json!({"context": it.context, "status": it.state, "description": it.description})
}

pub(super) fn review(id: usize, it: &Review) -> Value {
    json!({
        "id": id, "user": user(&it.author), "state": it.state, "body": it.body,
        "commit_id": it.commit,
    })
}
