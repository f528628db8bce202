//! Gitea's API.

mod pulls;
mod shown;

use serde_json::{Value, json};

use self::{
    pulls::{create_pull, create_review, merge},
    shown::{branch, comment, issue, label, pull, review, shown, shown_labels, status, user},
};
use super::{
    exchange::{Reply, Request, base64, empty, number_of, reply},
    state::{Check, Comment, Item, Late, Repository, is_in, now, touch},
};

/// A list without a `limit` gives so many.
const DEFAULT_PAGE: usize = 30;

/// And none gives more.
const LARGEST_PAGE: usize = 50;

fn refuse(status: u16, message: &str) -> Reply {
    reply(
        status,
        json!({"message": message, "url": "http://127.0.0.1/api/swagger"}),
    )
}

/// What needs no repository.
pub(super) fn of_server(request: &Request<'_>) -> Option<Reply> {
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    Some(match (request.method, &parts[..]) {
        ("GET", ["user"]) => reply(200, user(request.login)),
        ("GET", ["version"]) => reply(200, json!({"version": "1.23.0"})),
        ("GET", ["settings", "api"]) => reply(
            200,
            json!({"default_paging_num": DEFAULT_PAGE, "max_response_items": LARGEST_PAGE}),
        ),
        _ => return None,
    })
}

/// Whether somebody is in a team of these repositories.
pub(super) fn team_member<'a>(
    repositories: impl Iterator<Item = &'a Repository>,
    (id, login): (&str, &str),
) -> Reply {
    let index = usize::try_from(number_of(id)).unwrap_or(0).wrapping_sub(1);
    let mut teams = repositories.filter_map(|it| it.teams.get(index));
    match teams.any(|(_, members)| members.iter().any(|it| it == login)) {
        true => reply(200, user(login)),
        false => refuse(404, "no such member"),
    }
}

/// The labels of the organization that owns these repositories, if it is one.
pub(super) fn shared_labels<'a>(
    mut repositories: impl Iterator<Item = &'a Repository>,
    request: &Request<'_>,
) -> Reply {
    match repositories.find(|it| !it.shared_labels.is_empty()) {
        Some(found) => {
            let all = found.shared_labels.iter();
            page(request, all.map(|(id, name)| label(*id, name)).collect())
        }
        None => refuse(404, "no such organization"),
    }
}

/// What is below `/repos/{owner}/{repo}`.
pub(super) fn of_repository(repository: &mut Repository, request: &Request<'_>) -> Reply {
    if !request.is_slow {
        repository.follow_heads();
    }
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    let [_, owner, name, rest @ ..] = &parts[..] else {
        return refuse(404, "no such page");
    };
    let is_mutation = request.method != "GET";
    if is_mutation && !repository.may_write && !matches!(rest, ["issues", ..]) {
        return refuse(403, "you may not write here");
    }
    let number = number_of;
    match (request.method, rest) {
        ("GET", []) => reply(200, shown(repository, owner, name)),
        ("GET", ["teams"]) if repository.teams.is_empty() => {
            refuse(405, "repo is not owned by an organization")
        }
        ("GET", ["teams"]) => {
            let all = repository.teams.iter().enumerate();
            let all = all.map(|(index, (code, _))| {
                json!({
                    "id": index + 1, "name": format!("team-{index}"), "permission": "read",
                    "units_map": {"repo.code": code, "repo.issues": "read"},
                })
            });
            reply(200, all.collect::<Vec<_>>().into())
        }
        ("GET", ["collaborators", login, "permission"])
            if !repository.is_admin && *login != request.login =>
        {
            let why = "Only admins can query all permissions, repo admins can query all repo permissions, \
                       collaborators can query only their own";
            refuse(403, why)
        }
        ("GET", ["collaborators", login, "permission"]) => {
            let permission = repository.permissions.get(*login);
            let permission = permission.map_or("none", String::as_str);
            let shown =
                json!({"permission": permission, "role_name": permission, "user": user(login)});
            reply(200, shown)
        }
        ("GET", ["labels"]) => {
            let all = repository.labels.iter().map(|(id, name)| label(*id, name));
            page(request, all.collect())
        }
        ("POST", ["labels"]) => {
            let Some(name) = request.text("name") else {
                return refuse(422, "[Name]: Required");
            };
            let id = repository.labels.len() as i64 + 1;
            repository.labels.push((id, name.clone()));
            reply(201, label(id, &name))
        }
        ("GET", ["issues"]) => issues(repository, request),
        ("POST", ["issues"]) => create_issue(repository, request),
        ("GET", ["issues", "comments", id]) => match repository.comments.get(&number(id)) {
            Some(found) => reply(200, comment(&found.now)),
            None => refuse(404, "comment does not exist"),
        },
        ("PATCH", ["issues", "comments", id]) => {
            let Some(body) = request.text("body") else {
                return refuse(422, "[Body]: Required");
            };
            match repository.comments.get_mut(&number(id)) {
                Some(found) => {
                    found.change(|it| (it.body, it.updated) = (body, now()));
                    let issue = found.now.issue;
                    touch(repository, issue);
                    reply(200, comment(&repository.comments[&number(id)].now))
                }
                None => refuse(404, "comment does not exist"),
            }
        }
        ("GET", ["issues", index]) => match repository.items.get(&number(index)) {
            Some(found) => reply(200, issue(repository, &found.now)),
            None => refuse(404, "issue does not exist"),
        },
        ("PATCH", ["issues", index]) => {
            let changed = edit(repository, number(index), request);
            match changed {
                Ok(item) => reply(201, issue(repository, &item)),
                Err(refused) => refused,
            }
        }
        (_, ["issues", index, "labels", ..]) => labels(repository, request, number(index), rest),
        ("GET", ["issues", index, "timeline"]) => {
            let index = number(index);
            let all = repository.comments.values().map(|it| &it.now);
            let all = all.filter(|it| it.issue == index).map(|it| {
                let mut shown = comment(it);
                shown["type"] = json!("comment");
                (it.created, shown)
            });
            let changes = repository.history(index, request.lag).map(|(id, it)| {
                let body = if it.is_added { "1" } else { "" };
                let name = repository.label_name(it.label);
                let shown = json!({
                    "id": id + 1_000_000, "type": "label", "body": body, "user": user(&it.author),
                    "label": label(it.label, name), "created_at": it.at.to_string(),
                });
                (it.at, shown)
            });
            let mut all: Vec<_> = all.chain(changes).collect();
            all.sort_by_key(|(at, _)| *at);
            let mut page = page(request, all.into_iter().map(|(_, shown)| shown).collect());
            // As the real one: how many are on the page, and nothing of a next one.
            page.total = page.body.as_ref().and_then(Value::as_array).map(Vec::len);
            page.link = None;
            page
        }
        ("GET", ["issues", index, "comments"]) => {
            let index = number(index);
            if !repository.items.contains_key(&index) {
                // As the real one does.
                return empty(500);
            }
            let all = repository.comments.values();
            let all = all.filter(|it| it.now.issue == index);
            let all = all.filter_map(|it| it.shown(request.lag)).map(comment);
            reply(200, all.collect::<Vec<_>>().into())
        }
        ("POST", ["issues", index, "comments"]) => {
            create_comment(repository, request, number(index))
        }
        ("GET", ["pulls"]) => {
            let state = request.asked("state").unwrap_or("open");
            let all = repository.items.values().rev();
            let all = all.filter_map(|it| it.shown(request.lag));
            let all = all.filter(|it| it.pull.is_some() && is_in(it, state));
            page(request, all.map(|it| pull(repository, it)).collect())
        }
        ("POST", ["pulls"]) => create_pull(repository, request),
        ("GET", ["pulls", index, "merge"]) => match repository.items.get(&number(index)) {
            Some(it) if it.now.pull.as_ref().is_some_and(|it| it.is_merged) => empty(204),
            _ => empty(404),
        },
        ("POST", ["pulls", index, "merge"]) => merge(repository, request, number(index)),
        ("GET", ["pulls", index, "reviews"]) => {
            let of = repository.reviews.iter().enumerate();
            let of = of.filter(|(_, it)| it.number == number(index));
            page(request, of.map(|(id, it)| review(id, it)).collect())
        }
        ("POST", ["pulls", index, "reviews"]) => create_review(repository, request, number(index)),
        ("GET", ["pulls", index]) => match repository.items.get(&number(index)) {
            Some(found) if found.now.pull.is_some() => reply(200, pull(repository, &found.now)),
            _ => refuse(404, "pull request does not exist"),
        },
        ("PATCH", ["pulls", index]) => {
            let index = number(index);
            let is_pull = |it: &Late<Item>| it.now.pull.is_some();
            if !repository.items.get(&index).is_some_and(is_pull) {
                return refuse(404, "pull request does not exist");
            }
            match edit(repository, index, request) {
                Ok(item) => reply(201, pull(repository, &item)),
                Err(refused) => refused,
            }
        }
        ("GET", ["pulls", base, head]) => {
            let is_it = |it: &&Late<Item>| {
                let of = it.now.pull.as_ref();
                it.now.is_open && of.is_some_and(|of| of.head == *head && of.base == *base)
            };
            match repository.items.values().find(is_it) {
                Some(found) => reply(200, pull(repository, &found.now)),
                None => refuse(404, "pull request does not exist"),
            }
        }
        ("POST", ["branches"]) => {
            let new = request.text("new_branch_name").unwrap_or_default();
            let old = request
                .text("old_ref_name")
                .unwrap_or_else(|| "main".to_owned());
            if repository.git.branch(&new).is_some() {
                return refuse(409, "The branch already exists.");
            }
            let commit = format!("{old}^{{commit}}");
            let commit = repository.git.git(&["rev-parse", "--verify", &commit]);
            match commit {
                Some(commit) if repository.git.set_branch(&new, &commit, None) => {
                    reply(201, branch(&new, &commit))
                }
                _ => refuse(404, "The old branch does not exist"),
            }
        }
        ("GET", ["branches", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            match repository.git.branch(&name) {
                Some(commit) => reply(200, branch(&name, &commit)),
                None => refuse(404, "branch does not exist"),
            }
        }
        ("DELETE", ["branches", name @ ..]) if !name.is_empty() => {
            let name = name.join("/");
            if repository.git.branch(&name).is_none() {
                return refuse(404, "branch does not exist");
            }
            let reference = format!("refs/heads/{name}");
            repository.git.git(&["update-ref", "-d", &reference]);
            empty(204)
        }
        ("GET", ["contents", path @ ..]) if !path.is_empty() => {
            let path = path.join("/");
            let at = request.asked("ref").unwrap_or("main");
            match repository
                .git
                .git(&["rev-parse", "--verify", &format!("{at}:{path}")])
            {
                Some(blob) => {
                    let bytes = repository.git.bytes(&["cat-file", "blob", &blob]);
                    let file = json!({
                        "name": path.rsplit('/').next(), "path": path, "sha": blob, "type": "file",
                        "encoding": "base64", "content": base64(&bytes.unwrap_or_default()),
                    });
                    reply(200, file)
                }
                None => refuse(404, "object does not exist"),
            }
        }
        ("GET", ["compare", both]) => {
            let (from, to) = both.split_once("...").unwrap_or((both, ""));
            match repository
                .git
                .git(&["rev-list", "--count", &format!("{from}..{to}")])
            {
                Some(count) => {
                    let count = count.parse::<u64>().unwrap_or(0);
                    reply(200, json!({"total_commits": count, "commits": []}))
                }
                None => refuse(404, "object does not exist"),
            }
        }
        ("GET", ["commits", commit, "status"]) => {
            let mut last: Vec<&Check> = Vec::new();
            for check in repository
                .checks
                .iter()
                .rev()
                .filter(|it| it.commit == *commit)
            {
                if last.iter().all(|it| it.context != check.context) {
                    last.push(check);
                }
            }
            let statuses: Vec<_> = last.iter().map(|it| status(it)).collect();
            reply(
                200,
                json!({"sha": commit, "total_count": statuses.len(), "statuses": statuses, "state": "success"}),
            )
        }
        ("POST", ["statuses", commit]) => {
            let text = |key| request.text(key).unwrap_or_default();
            let check = Check {
                commit: (*commit).to_owned(),
                context: text("context"),
                state: text("state"),
                description: text("description"),
            };
            let shown = status(&check);
            repository.checks.push(check);
            reply(201, shown)
        }
        _ => refuse(404, "no such page"),
    }
}

fn issues(repository: &Repository, request: &Request<'_>) -> Reply {
    let state = request.asked("state").unwrap_or("open");
    let kind = request.asked("type").unwrap_or_default();
    let since = request
        .asked("since")
        .and_then(core_types::Timestamp::parse);
    let all = repository.items.values().rev();
    let all = all.filter_map(|it| it.shown(request.lag)).filter(|it| {
        let is_kind = match kind {
            "issues" => it.pull.is_none(),
            "pulls" => it.pull.is_some(),
            _ => true,
        };
        let is_recent = since.is_none_or(|since| it.updated >= since);
        is_kind && is_in(it, state) && is_recent && has_labels(repository, it, request)
    });
    page(request, all.map(|it| issue(repository, it)).collect())
}

/// Whether it has the labels that are asked for; those that nobody knows are not asked for, as in the real one.
fn has_labels(repository: &Repository, item: &Item, request: &Request<'_>) -> bool {
    let asked = request.asked("labels").unwrap_or_default().split(',');
    let known = repository.labels.iter();
    let known = known.filter(|(_, name)| asked.clone().any(|it| it == name));
    known.into_iter().all(|(id, _)| item.labels.contains(id))
}

fn create_issue(repository: &mut Repository, request: &Request<'_>) -> Reply {
    let title = request.text("title").unwrap_or_default();
    if title.trim().is_empty() {
        return refuse(422, "[Title]: Required");
    }
    let body = request.text("body").unwrap_or_default();
    let number = repository.add(&title, &body, request.login, None);
    let wanted = request.body["labels"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let labels: Vec<i64> = wanted.iter().filter_map(Value::as_i64).collect();
    repository.relabel(number, request.login, labels);
    reply(201, issue(repository, &repository.items[&number].now))
}

fn create_comment(repository: &mut Repository, request: &Request<'_>, index: u64) -> Reply {
    let body = request.text("body").unwrap_or_default();
    if body.is_empty() {
        return refuse(422, "[Body]: Required");
    }
    if !repository.items.contains_key(&index) {
        // As the real one does.
        return empty(500);
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
    let shown = comment(&made);
    repository.comments.insert(id, Late::new(made));
    touch(repository, index);
    reply(201, shown)
}

fn edit(repository: &mut Repository, index: u64, request: &Request<'_>) -> Result<Item, Reply> {
    let Some(item) = repository.items.get_mut(&index) else {
        return Err(refuse(404, "issue does not exist"));
    };
    let state = request.text("state");
    let is_merged = item.now.pull.as_ref().is_some_and(|it| it.is_merged);
    if state.is_some() && is_merged {
        return Err(refuse(
            412,
            "cannot change state of this pull request, it was already merged",
        ));
    }
    item.change(|it| {
        it.title = request.text("title").unwrap_or_else(|| it.title.clone());
        it.body = request.text("body").unwrap_or_else(|| it.body.clone());
        it.is_open = state.as_deref().map_or(it.is_open, |state| state == "open");
        it.updated = now();
    });
    Ok(item.now.clone())
}

fn labels(repository: &mut Repository, request: &Request<'_>, index: u64, rest: &[&str]) -> Reply {
    if !repository.items.contains_key(&index) {
        return refuse(404, "issue does not exist");
    }
    let named = request.body["labels"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let id_of = |label: &Value| match label {
        Value::String(name) => {
            let found = repository.labels.iter().find(|(_, known)| known == name);
            found.map(|(id, _)| *id)
        }
        label => label.as_i64(),
    };
    let ids: Vec<i64> = named.iter().filter_map(id_of).collect();
    let mut labels = repository.items[&index].now.labels.clone();
    match (request.method, rest) {
        ("GET", [_, _, "labels"]) => {}
        ("POST", [_, _, "labels"]) => {
            labels.extend(ids);
            repository.relabel(index, request.login, labels);
        }
        ("PUT", [_, _, "labels"]) => repository.relabel(index, request.login, ids),
        ("DELETE", [_, _, "labels", id]) => {
            let id = id.parse().unwrap_or(0);
            if repository.label_name(id).is_empty() {
                return refuse(422, "label does not exist");
            }
            labels.retain(|label| *label != id);
            repository.relabel(index, request.login, labels);
            return empty(204);
        }
        _ => return refuse(404, "no such page"),
    }
    let item = &repository.items[&index].now;
    reply(200, shown_labels(repository, item))
}

/// One page of a list.
fn page(request: &Request<'_>, all: Vec<Value>) -> Reply {
    let number = |key| {
        request
            .asked(key)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let page = number("page").unwrap_or(1).max(1);
    let limit = number("limit")
        .unwrap_or(DEFAULT_PAGE)
        .clamp(1, LARGEST_PAGE);
    let total = all.len();
    let items: Vec<_> = all
        .into_iter()
        .skip((page - 1) * limit)
        .take(limit)
        .collect();
    let link = |page, relation| request.link(page, relation);
    let mut links = Vec::new();
    if page * limit < total {
        links.push(link(page + 1, "next"));
        links.push(link(total.div_ceil(limit), "last"));
    }
    if page > 1 {
        links.push(link(1, "first"));
        links.push(link(page - 1, "prev"));
    }
    Reply {
        status: 200,
        body: Some(items.into()),
        link: (!links.is_empty()).then(|| links.join(",")),
        total: Some(total),
        next_page: None,
    }
}
