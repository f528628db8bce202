//! What GitHub shows of things, with all fields that its description demands.

use serde_json::{Value, json};

use crate::forge::state::{Check, Comment, Item, Repository, Review, state};

const HOST: &str = "https://api.github.com";

/// Its own addresses, as a server of one's own names them.
pub(in crate::forge) fn at(api: &str, shown: &mut Value) {
    match shown {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(HOST) {
                *text = format!("{api}{rest}");
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|it| at(api, it)),
        Value::Object(all) => all.values_mut().for_each(|it| at(api, it)),
        _ => {}
    }
}

pub(super) fn api(slug: &str, rest: &str) -> String {
    format!("{HOST}/repos/{slug}/{rest}")
}

/// Adds fields of the names whose values are all this URL.
pub(super) fn with_urls(mut value: Value, url: &str, names: &[&str]) -> Value {
    for name in names {
        value[format!("{name}_url")] = json!(url);
    }
    value
}

pub(super) fn user(login: &str) -> Value {
    let url = format!("{HOST}/users/{login}");
    let shown = json!({
        "login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "url": url, "type": "User",
        "site_admin": false,
    });
    with_urls(
        shown,
        &url,
        &[
            "avatar",
            "html",
            "followers",
            "following",
            "gists",
            "starred",
            "subscriptions",
            "organizations",
            "repos",
            "events",
            "received_events",
        ],
    )
}

pub(super) fn account(login: &str) -> Value {
    let mut shown = user(login);
    for name in [
        "bio", "blog", "company", "email", "hireable", "location", "name",
    ] {
        shown[name] = Value::Null;
    }
    for name in ["followers", "following", "public_gists", "public_repos"] {
        shown[name] = json!(0);
    }
    for name in ["created_at", "updated_at"] {
        shown[name] = json!("2026-01-01T00:00:00Z");
    }
    shown
}

pub(super) fn minimal_repository(owner: &str, name: &str) -> Value {
    let slug = format!("{owner}/{name}");
    let url = format!("{HOST}/repos/{slug}");
    let shown = json!({
        "id": 1, "node_id": "R_1", "name": name, "full_name": slug, "owner": user(owner), "private": true,
        "description": null, "fork": false, "url": url,
    });
    with_urls(
        shown,
        &url,
        &[
            "archive",
            "assignees",
            "blobs",
            "branches",
            "collaborators",
            "comments",
            "commits",
            "compare",
            "contents",
            "contributors",
            "deployments",
            "downloads",
            "events",
            "forks",
            "git_commits",
            "git_refs",
            "git_tags",
            "hooks",
            "html",
            "issue_comment",
            "issue_events",
            "issues",
            "keys",
            "labels",
            "languages",
            "merges",
            "milestones",
            "notifications",
            "pulls",
            "releases",
            "stargazers",
            "statuses",
            "subscribers",
            "subscription",
            "tags",
            "teams",
            "trees",
        ],
    )
}

/// A repository as it stands within others.
pub(super) fn repository_of(owner: &str, name: &str) -> Value {
    let url = format!("{HOST}/repos/{owner}/{name}");
    let mut shown = with_urls(
        minimal_repository(owner, name),
        &url,
        &["clone", "git", "ssh", "svn"],
    );
    for key in [
        "forks",
        "forks_count",
        "open_issues",
        "open_issues_count",
        "size",
        "stargazers_count",
        "watchers",
        "watchers_count",
    ] {
        shown[key] = json!(0);
    }
    for key in [
        "archived",
        "disabled",
        "has_pages",
        "has_projects",
        "has_wiki",
        "has_downloads",
    ] {
        shown[key] = json!(false);
    }
    for key in ["homepage", "language", "license", "mirror_url"] {
        shown[key] = Value::Null;
    }
    for key in ["created_at", "updated_at", "pushed_at"] {
        shown[key] = json!("2026-01-01T00:00:00Z");
    }
    shown["default_branch"] = json!("main");
    shown["has_issues"] = json!(true);
    shown
}

pub(super) fn full_repository(repository: &Repository, owner: &str, name: &str) -> Value {
    let mut shown = repository_of(owner, name);
    shown["has_discussions"] = json!(false);
    shown["network_count"] = json!(0);
    shown["subscribers_count"] = json!(0);
    shown["permissions"] = json!({
        "admin": repository.is_admin, "maintain": false, "push": repository.may_write, "triage": false, "pull": true,
    });
    shown
}

pub(super) fn label(id: i64, name: &str) -> Value {
    json!({
        "id": id, "node_id": "L_1", "url": HOST, "name": name, "description": null, "color": "ededed",
        "default": false,
    })
}

pub(super) fn shown_labels(repository: &Repository, item: &Item) -> Value {
    let known = repository.labels.iter();
    let of = known.filter(|(id, _)| item.labels.contains(id));
    of.map(|(id, name)| label(*id, name))
        .collect::<Vec<_>>()
        .into()
}

pub(super) fn issue(repository: &Repository, item: &Item, slug: &str) -> Value {
    let url = api(slug, &format!("issues/{}", item.number));
    let closed = (!item.is_open).then(|| item.updated.to_string());
    let shown = json!({
        "id": item.number, "node_id": "I_1", "url": url, "number": item.number, "title": item.title,
        "body": item.body, "labels": shown_labels(repository, item), "state": state(item), "locked": false,
        "user": user(&item.author), "assignee": null, "assignees": [], "milestone": null,
        "comments": item.n_comments, "created_at": item.created.to_string(),
        "updated_at": item.updated.to_string(), "closed_at": closed,
    });
    let mut shown = with_urls(
        shown,
        &url,
        &["repository", "labels", "comments", "events", "html"],
    );
    if item.pull.is_some() {
        let url = api(slug, &format!("pulls/{}", item.number));
        shown["pull_request"] = with_urls(json!({"url": url}), &url, &["html", "diff", "patch"]);
    }
    shown
}

pub(super) fn comment(it: &Comment, slug: &str) -> Value {
    let url = api(slug, &format!("issues/comments/{}", it.id));
    json!({
        "id": it.id, "node_id": "IC_1", "url": url, "html_url": url, "issue_url": url, "body": it.body,
        "user": user(&it.author), "created_at": it.created.to_string(),
        "updated_at": it.updated.to_string(), "author_association": "COLLABORATOR",
    })
}

pub(super) fn pull(repository: &Repository, item: &Item, slug: &str) -> Value {
    let of = item.pull.as_ref().expect("only asked of pull requests");
    let (owner, name) = slug.split_once('/').unwrap_or((slug, ""));
    let base = repository.git.branch(&of.base).unwrap_or_default();
    let url = api(slug, &format!("pulls/{}", item.number));
    let end = |branch: &str, commit: &str| {
        json!({
            "label": format!("{owner}:{branch}"), "ref": branch, "sha": commit, "user": user(owner),
            "repo": repository_of(owner, name),
        })
    };
    let closed = (!item.is_open).then(|| item.updated.to_string());
    let link = json!({"href": url});
    let names = [
        "comments",
        "commits",
        "statuses",
        "html",
        "issue",
        "review_comments",
        "review_comment",
        "self",
    ];
    let links: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), link.clone()))
        .collect();
    let shown = json!({
        "id": item.number, "node_id": "PR_1", "url": url, "number": item.number, "title": item.title,
        "body": item.body, "labels": shown_labels(repository, item), "state": state(item), "locked": false,
        "user": user(&item.author), "assignee": null, "milestone": null, "auto_merge": null,
        "author_association": "COLLABORATOR", "head": end(&of.head, &of.head_commit),
        "base": end(&of.base, &base), "draft": false, "_links": links,
        "merge_commit_sha": null, "created_at": item.created.to_string(),
        "updated_at": item.updated.to_string(), "closed_at": closed,
        "merged_at": closed.filter(|_| of.is_merged),
    });
    with_urls(
        shown,
        &url,
        &[
            "comments",
            "commits",
            "diff",
            "html",
            "issue",
            "patch",
            "review_comment",
            "review_comments",
            "statuses",
        ],
    )
}

pub(super) fn whole_pull(
    repository: &Repository,
    item: &Item,
    slug: &str,
    is_known: bool,
) -> Value {
    let mut shown = pull(repository, item, slug);
    let is_merged = item.pull.as_ref().is_some_and(|it| it.is_merged);
    for key in [
        "additions",
        "changed_files",
        "commits",
        "deletions",
        "review_comments",
    ] {
        shown[key] = json!(1);
    }
    shown["comments"] = json!(item.n_comments);
    shown["merged"] = json!(is_merged);
    shown["mergeable"] = if is_known {
        json!(item.is_open)
    } else {
        Value::Null
    };
    shown["mergeable_state"] = json!(if is_known { "clean" } else { "unknown" });
    shown["merged_by"] = if is_merged {
        user("robot")
    } else {
        Value::Null
    };
    shown["maintainer_can_modify"] = json!(false);
    shown
}

pub(super) fn reference(name: &str, commit: &str, slug: &str) -> Value {
    let url = api(slug, &format!("git/refs/heads/{name}"));
    json!({
        "ref": format!("refs/heads/{name}"), "node_id": "REF_1", "url": url,
        "object": {"type": "commit", "sha": commit, "url": url},
    })
}

pub(super) fn commit(sha: &str, slug: &str) -> Value {
    let url = api(slug, &format!("commits/{sha}"));
    json!({
        "url": url, "sha": sha, "node_id": "C_1", "html_url": url, "comments_url": url,
        "commit": {
            "url": url, "author": null, "committer": null, "message": "", "comment_count": 0,
            "tree": {"sha": sha, "url": url},
        },
        "author": null, "committer": null, "parents": [],
    })
}

pub(super) fn simple_status(it: &Check, slug: &str) -> Value {
    let url = api(slug, &format!("statuses/{}", it.commit));
    json!({
        "url": url, "avatar_url": null, "id": 1, "node_id": "SC_1", "state": it.state,
        "description": it.description, "target_url": null, "context": it.context,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

pub(super) fn status(it: &Check, login: &str, slug: &str) -> Value {
    let mut shown = simple_status(it, slug);
    shown["creator"] = user(login);
    shown
}

pub(super) fn review(id: usize, it: &Review, slug: &str) -> Value {
    let url = api(slug, &format!("pulls/{}/reviews/{id}", it.number));
    json!({
        "id": id, "node_id": "PRR_1", "user": user(&it.author), "body": it.body, "state": it.state,
        "commit_id": it.commit, "html_url": url, "pull_request_url": url,
        "_links": {"html": {"href": url}, "pull_request": {"href": url}},
        "author_association": "COLLABORATOR",
    })
}
