//! GitHub's API, below `/api/v3` as a server of one's own has it.

mod pulls;
mod shown;

pub(super) use self::shown::at;

use serde_json::{Value, json};

use self::{
    pulls::{create_pull, create_review, move_branch, pulls},
    shown::{
        account, api, comment, commit, full_repository, issue, minimal_repository, reference,
        review, shown_labels, simple_status, status, user, whole_pull,
    },
};
use super::{
    exchange::{Reply, Request, base64, empty, number_of, reply},
    state::{Check, Comment, Item, Late, Repository, is_in, now, touch},
};

fn refuse(status: u16, message: &str) -> Reply {
    reply(
        status,
        json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}),
    )
}

/// What a field lacks or has already.
fn invalid(message: &str) -> Reply {
    let error = json!({"resource": "Resource", "code": "custom", "message": message});
    reply(
        422,
        json!({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.github.com/rest"}),
    )
}

/// What needs no repository.
pub(super) fn of_server(request: &Request<'_>) -> Option<Reply> {
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    match (request.method, &parts[..]) {
        ("GET", ["user"]) => Some(reply(200, account(request.login))),
        _ => None,
    }
}

/// What is below `/repos/{owner}/{repo}`.
pub(super) fn of_repository(repository: &mut Repository, request: &Request<'_>) -> Reply {
    if !request.is_slow {
        repository.follow_heads();
    }
    repository.note_merges();
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    let [_, owner, name, rest @ ..] = &parts[..] else {
        return refuse(404, "Not Found");
    };
    let slug = format!("{owner}/{name}");
    let is_mutation = request.method != "GET";
    let is_own = match rest {
        ["pulls", index] => {
            let item = repository.items.get(&number_of(index));
            item.is_some_and(|it| it.now.author == request.login)
        }
        _ => matches!(rest, ["issues", ..]),
    };
    if is_mutation && !repository.may_write && !is_own {
        // It does not tell more to who may not write.
        return refuse(404, "Not Found");
    }
    match (request.method, rest) {
        ("GET", []) => reply(200, full_repository(repository, owner, name)),
        ("GET", ["collaborators", login, "permission"]) => {
            let permission = repository.permissions.get(*login);
            let permission = permission.map_or("none", String::as_str);
            let mut of = user(login);
            of["role_name"] = json!(permission);
            reply(
                200,
                json!({"permission": permission, "role_name": permission, "user": of}),
            )
        }
        ("GET", ["issues"]) => {
            let since = request
                .asked("since")
                .and_then(core_types::Timestamp::parse);
            let wanted = request.asked("state").unwrap_or("open");
            let all = repository.items.values().rev();
            let all = all.filter_map(|it| it.shown(request.lag));
            let all =
                all.filter(|it| is_in(it, wanted) && since.is_none_or(|since| it.updated >= since));
            let asked = request.asked("labels").unwrap_or_default().split(',');
            let asked: Vec<_> = asked.filter(|it| !it.is_empty()).collect();
            let has = |it: &Item, label: &str| {
                let mut labels = it.labels.iter();
                labels.any(|id| repository.label_name(*id).eq_ignore_ascii_case(label))
            };
            let all = all.filter(|it| asked.iter().all(|label| has(it, label)));
            page(
                request,
                all.map(|it| issue(repository, it, &slug)).collect(),
            )
        }
        ("POST", ["issues"]) => create_issue(repository, request, &slug),
        ("GET", ["issues", "comments", id]) => match repository.comments.get(&number_of(id)) {
            Some(found) => reply(200, comment(&found.now, &slug)),
            None => refuse(404, "Not Found"),
        },
        ("PATCH", ["issues", "comments", id]) => edit_comment(repository, request, id, &slug),
        ("GET", ["issues", index]) => match repository.items.get(&number_of(index)) {
            Some(found) => reply(200, issue(repository, &found.now, &slug)),
            None => refuse(404, "Not Found"),
        },
        ("PATCH", ["issues", index]) => match edit(repository, number_of(index), request) {
            Ok(item) => reply(200, issue(repository, &item, &slug)),
            Err(refused) => refused,
        },
        (_, ["issues", index, "labels", ..]) => labels(repository, request, number_of(index), rest),
        ("GET", ["issues", index, "events"]) => {
            let index = number_of(index);
            let all = repository.history(index, request.lag).map(|(id, it)| {
                json!({
                    "id": id + 1, "event": if it.is_added { "labeled" } else { "unlabeled" },
                    "actor": user(&it.author), "created_at": it.at.to_string(),
                    "label": {"name": repository.label_name(it.label), "color": "6e7781"},
                })
            });
            page(request, all.collect())
        }
        ("GET", ["issues", index, "comments"]) => {
            let index = number_of(index);
            if !repository.items.contains_key(&index) {
                return refuse(404, "Not Found");
            }
            let all = repository
                .comments
                .values()
                .filter(|it| it.now.issue == index);
            let all = all.filter_map(|it| it.shown(request.lag));
            page(request, all.map(|it| comment(it, &slug)).collect())
        }
        ("POST", ["issues", index, "comments"]) => {
            create_comment(repository, request, number_of(index), &slug)
        }
        ("GET", ["pulls"]) => pulls(repository, request, owner, &slug),
        ("POST", ["pulls"]) => create_pull(repository, request, &slug),
        ("GET", ["pulls", index, "reviews"]) => {
            let of = repository.reviews.iter().enumerate();
            let of = of.filter(|(_, it)| it.number == number_of(index));
            page(request, of.map(|(id, it)| review(id, it, &slug)).collect())
        }
        ("POST", ["pulls", index, "reviews"]) => {
            create_review(repository, request, number_of(index), &slug)
        }
        ("GET", ["pulls", index]) => match repository.items.get(&number_of(index)) {
            Some(found) if found.now.pull.is_some() => {
                // It looks anew whenever it was asked, and has no answer yet.
                let is_known = !request.is_busy;
                reply(200, whole_pull(repository, &found.now, &slug, is_known))
            }
            _ => refuse(404, "Not Found"),
        },
        ("PATCH", ["pulls", index]) => {
            let index = number_of(index);
            let is_pull = |it: &Late<Item>| it.now.pull.is_some();
            if !repository.items.get(&index).is_some_and(is_pull) {
                return refuse(404, "Not Found");
            }
            match edit(repository, index, request) {
                Ok(item) => reply(200, whole_pull(repository, &item, &slug, true)),
                Err(refused) => refused,
            }
        }
        ("GET", ["git", "ref", "heads", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            match repository.git.branch(&name) {
                Some(commit) => reply(200, reference(&name, &commit, &slug)),
                None => refuse(404, "Not Found"),
            }
        }
        ("POST", ["git", "refs"]) => {
            let reference_name = request.text("ref").unwrap_or_default();
            let Some(name) = reference_name.strip_prefix("refs/heads/") else {
                return invalid("Reference name must start with 'refs/'");
            };
            let commit = request.text("sha").unwrap_or_default();
            if repository.git.branch(name).is_some() {
                return refuse(422, "Reference already exists");
            }
            match repository.git.set_branch(name, &commit, None) {
                true => reply(201, reference(name, &commit, &slug)),
                false => refuse(422, "Object does not exist"),
            }
        }
        ("PATCH", ["git", "refs", "heads", name @ ..]) if !name.is_empty() => {
            move_branch(repository, request, &name.join("/"), &slug)
        }
        ("DELETE", ["git", "refs", "heads", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            if repository.git.branch(&name).is_none() {
                return refuse(422, "Reference does not exist");
            }
            let reference = format!("refs/heads/{name}");
            repository.git.git(&["update-ref", "-d", &reference]);
            empty(204)
        }
        ("GET", ["contents", path @ ..]) if !path.is_empty() => {
            contents(repository, request, &path.join("/"), &slug)
        }
        ("GET", ["compare", both]) => compare(repository, both, &slug),
        ("GET", ["commits", commit, "status"]) => combined(repository, owner, name, commit),
        ("POST", ["statuses", commit]) => {
            let text = |key| request.text(key).unwrap_or_default();
            let check = Check {
                commit: (*commit).to_owned(),
                context: text("context"),
                state: text("state"),
                description: text("description"),
            };
            let shown = status(&check, request.login, &slug);
            repository.checks.push(check);
            reply(201, shown)
        }
        _ => refuse(404, "Not Found"),
    }
}

fn create_issue(repository: &mut Repository, request: &Request<'_>, slug: &str) -> Reply {
    let title = request.text("title").unwrap_or_default();
    if title.trim().is_empty() {
        return invalid("title is missing");
    }
    let body = request.text("body").unwrap_or_default();
    let number = repository.add(&title, &body, request.login, None);
    let wanted = request.body["labels"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ids = ids_of(repository, &wanted);
    repository.relabel(number, request.login, ids);
    reply(201, issue(repository, &repository.items[&number].now, slug))
}

/// Labels by their names; those that are missing are made.
fn ids_of(repository: &mut Repository, names: &[Value]) -> Vec<i64> {
    let names = names.iter().filter_map(Value::as_str);
    names.map(|name| repository.label(name)).collect()
}

fn labels(repository: &mut Repository, request: &Request<'_>, index: u64, rest: &[&str]) -> Reply {
    if !repository.items.contains_key(&index) {
        return refuse(404, "Not Found");
    }
    let named = request.body["labels"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    match (request.method, rest) {
        ("GET", [_, _, "labels"]) => {}
        ("POST", [_, _, "labels"]) => {
            let mut ids = ids_of(repository, &named);
            ids.extend(&repository.items[&index].now.labels);
            repository.relabel(index, request.login, ids);
        }
        ("DELETE", [_, _, "labels", name]) => {
            let mut known = repository.labels.iter();
            let known = known.find(|(_, known)| known.eq_ignore_ascii_case(name));
            let id = known.map(|(id, _)| *id);
            let mut labels = repository.items[&index].now.labels.clone();
            let Some(id) = id.filter(|id| labels.contains(id)) else {
                return refuse(404, "Label does not exist");
            };
            labels.retain(|label| *label != id);
            repository.relabel(index, request.login, labels);
        }
        _ => return refuse(404, "Not Found"),
    }
    let item = &repository.items[&index].now;
    reply(200, shown_labels(repository, item))
}

fn edit(repository: &mut Repository, index: u64, request: &Request<'_>) -> Result<Item, Reply> {
    let Some(item) = repository.items.get_mut(&index) else {
        return Err(refuse(404, "Not Found"));
    };
    let state = request.text("state");
    let is_merged = item.now.pull.as_ref().is_some_and(|it| it.is_merged);
    if state.as_deref() == Some("open") && is_merged {
        return Err(invalid(
            "state cannot be changed: the pull request is merged",
        ));
    }
    item.change(|it| {
        it.title = request.text("title").unwrap_or_else(|| it.title.clone());
        it.body = request.text("body").unwrap_or_else(|| it.body.clone());
        it.is_open = state.as_deref().map_or(it.is_open, |state| state == "open");
        it.updated = now();
    });
    if let Some(names) = request.body["labels"].as_array() {
        let ids = ids_of(repository, names);
        repository.relabel(index, request.login, ids);
    }
    Ok(repository.items[&index].now.clone())
}

fn create_comment(
    repository: &mut Repository,
    request: &Request<'_>,
    index: u64,
    slug: &str,
) -> Reply {
    let body = request.text("body").unwrap_or_default();
    if body.is_empty() {
        return invalid("body is missing");
    }
    if !repository.items.contains_key(&index) {
        return refuse(404, "Not Found");
    }
    let id = repository.comments.len() as u64 + 1;
    let made = Comment {
        id,
        issue: index,
        body,
        author: request.login.to_owned(),
        created: now(),
        updated: now(),
        is_system: false,
    };
    let shown = comment(&made, slug);
    repository.comments.insert(id, Late::new(made));
    touch(repository, index);
    reply(201, shown)
}

fn edit_comment(repository: &mut Repository, request: &Request<'_>, id: &str, slug: &str) -> Reply {
    let Some(body) = request.text("body") else {
        return invalid("body is missing");
    };
    let Some(found) = repository.comments.get_mut(&number_of(id)) else {
        return refuse(404, "Not Found");
    };
    found.change(|it| (it.body, it.updated) = (body, now()));
    let (shown, index) = (comment(&found.now, slug), found.now.issue);
    touch(repository, index);
    reply(200, shown)
}

fn contents(repository: &Repository, request: &Request<'_>, path: &str, slug: &str) -> Reply {
    let at = request.asked("ref").unwrap_or("main");
    let blob = repository
        .git
        .git(&["rev-parse", "--verify", &format!("{at}:{path}")]);
    let Some(blob) = blob else {
        return refuse(404, "Not Found");
    };
    let bytes = repository
        .git
        .bytes(&["cat-file", "blob", &blob])
        .unwrap_or_default();
    let mut text = base64(&bytes);
    // It breaks the lines.
    let mut at_line = 60;
    while at_line < text.len() {
        text.insert(at_line, '\n');
        at_line += 61;
    }
    let url = api(slug, &format!("contents/{path}"));
    reply(
        200,
        json!({
            "type": "file", "encoding": "base64", "size": bytes.len(), "name": path.rsplit('/').next(),
            "path": path, "content": text, "sha": blob, "url": url, "git_url": url, "html_url": url,
            "download_url": null, "_links": {"git": url, "self": url, "html": url},
        }),
    )
}

fn compare(repository: &Repository, both: &str, slug: &str) -> Reply {
    let (from, to) = both.split_once("...").unwrap_or((both, ""));
    let count = |from: &str, to: &str| {
        let range = format!("{from}..{to}");
        let count = repository.git.git(&["rev-list", "--count", &range])?;
        count.parse::<u64>().ok()
    };
    let (Some(ahead), Some(behind)) = (count(from, to), count(to, from)) else {
        return refuse(404, "Not Found");
    };
    let url = api(slug, &format!("compare/{both}"));
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (0, _) => "behind",
        (_, 0) => "ahead",
        _ => "diverged",
    };
    let common = repository.git.merge_base(from, to).unwrap_or_default();
    reply(
        200,
        json!({
            "url": url, "html_url": url, "permalink_url": url, "diff_url": url, "patch_url": url,
            "base_commit": commit(from, slug), "merge_base_commit": commit(&common, slug),
            "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "commits": [],
        }),
    )
}

fn combined(repository: &Repository, owner: &str, name: &str, commit: &str) -> Reply {
    let mut last: Vec<&Check> = Vec::new();
    for check in repository
        .checks
        .iter()
        .rev()
        .filter(|it| it.commit == commit)
    {
        if last.iter().all(|it| it.context != check.context) {
            last.push(check);
        }
    }
    let slug = format!("{owner}/{name}");
    let url = api(&slug, &format!("commits/{commit}/status"));
    let statuses: Vec<_> = last.iter().map(|it| simple_status(it, &slug)).collect();
    reply(
        200,
        json!({
            "state": "success", "sha": commit, "total_count": statuses.len(), "statuses": statuses,
            "repository": minimal_repository(owner, name), "commit_url": url, "url": url,
        }),
    )
}

/// One page of a list.
fn page(request: &Request<'_>, all: Vec<Value>) -> Reply {
    let number = |key| {
        request
            .asked(key)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let page = number("page").unwrap_or(1).max(1);
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let total = all.len();
    let items: Vec<_> = all.into_iter().skip((page - 1) * size).take(size).collect();
    let link = |page, relation| request.link(page, relation);
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page * size < total {
        links.push(link(page + 1, "next"));
        links.push(link(total.div_ceil(size), "last"));
    }
    Reply {
        status: 200,
        body: Some(items.into()),
        link: (!links.is_empty()).then(|| links.join(", ")),
        total: None,
        next_page: None,
    }
}
