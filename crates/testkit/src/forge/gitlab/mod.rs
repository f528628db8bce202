//! GitLab's API, below `/api/v4`.

mod commands;
mod merge_requests;
mod shown;

use core_types::{APART, Timestamp};
use serde_json::{Value, json};

use self::shown::{
    approvals, branch, is_draft, issue, member, merge_request, note, project, status, user,
};
use super::{
    exchange::{Reply, Request, base64, empty, number_of, reply},
    state::{Check, Comment, Item, Late, Repository, now, touch},
};

/// A list without a `per_page` gives so many.
const DEFAULT_PAGE: usize = 20;
/// And none gives more.
const LARGEST_PAGE: usize = 100;

fn refuse(status: u16, message: &str) -> Reply {
    reply(status, json!({"message": format!("{status} {message}")}))
}

/// What is wrong with a field.
fn invalid(field: &str, message: &str) -> Reply {
    reply(400, json!({"message": {field: [message]}}))
}

/// A parameter that must be there.
fn missing(field: &str) -> Reply {
    reply(400, json!({"error": format!("{field} is missing")}))
}

/// A parameter: it may come in the body or the query, and a list as one or between commas.
fn given(request: &Request<'_>, key: &str) -> Option<String> {
    let list = request.body.get(key).and_then(Value::as_array);
    let list = list.map(|it| it.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    let text = || request.text(key);
    let asked = || request.asked(key).map(str::to_owned);
    list.map(|it| it.join(",")).or_else(text).or_else(asked)
}

/// What needs no project.
pub(super) fn of_server(request: &Request<'_>) -> Option<Reply> {
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    let may = |scope: &str| request.scopes.iter().any(|it| it == scope);
    if !may("api") && (request.method != "GET" || !may("read_api")) {
        // A token may always tell of itself.
        if parts != ["personal_access_tokens", "self"] {
            return Some(reply(
                403,
                json!({
                    "error": "insufficient_scope", "scope": "api",
                    "error_description": "The request requires higher privileges than provided by the access token.",
                }),
            ));
        }
    }
    match (request.method, &parts[..]) {
        ("GET", ["user"]) => {
            let mut shown = user(request.login);
            shown["web_url"] = json!(format!("{}/{}", request.url, request.login));
            Some(reply(200, shown))
        }
        ("GET", ["personal_access_tokens", "self"]) => Some(reply(
            200,
            json!({
                "id": 1, "name": "runs", "revoked": false, "active": true, "user_id": 1,
                "scopes": request.scopes, "created_at": "2026-01-01T00:00:00.000Z",
                "last_used_at": null, "expires_at": "2027-01-01",
            }),
        )),
        _ => None,
    }
}

/// What is below `/projects/{id}`.
pub(super) fn of_repository(repository: &mut Repository, request: &Request<'_>) -> Reply {
    if !request.is_slow {
        repository.follow_heads();
    }
    repository.note_merges();
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    let [_, _, rest @ ..] = &parts[..] else {
        return refuse(404, "Not Found");
    };
    let number = number_of;
    let is_mutation = request.method != "GET";
    if is_mutation && !repository.may_write && matches!(rest, ["repository" | "statuses", ..]) {
        return refuse(403, "Forbidden");
    }
    match (request.method, rest) {
        ("GET", []) => reply(200, project(repository)),
        ("GET", ["members", "all"]) => {
            // A part of a name is enough.
            let asked = request.asked("query").unwrap_or_default();
            let all = repository.permissions.iter();
            let all = all.filter(|(login, _)| login.contains(asked));
            page(request, all.map(|(login, it)| member(login, it)).collect())
        }
        ("GET", ["issues"]) => {
            let all = listed(repository, request, |it| it.pull.is_none());
            let is_open = request.asked("state") == Some("opened");
            let asked = request.asked("labels").unwrap_or_default().split(',');
            let asked: Vec<_> = asked.filter(|it| !it.is_empty()).collect();
            let has = |it: &Item, label: &str| {
                let mut labels = it.labels.iter();
                labels.any(|id| repository.label_name(*id) == label)
            };
            let all = all.filter(|it| it.is_open || !is_open);
            let all = all.filter(|it| asked.iter().all(|label| has(it, label)));
            page(request, all.map(|it| issue(repository, it)).collect())
        }
        ("POST", ["issues"]) => create_issue(repository, request),
        ("GET", ["issues", iid]) => match repository.items.get(&number(iid)) {
            Some(found) => reply(200, issue(repository, &found.now)),
            None => refuse(404, "Not found"),
        },
        ("PUT", ["issues", iid]) => match edit(repository, request, number(iid)) {
            Ok(item) => reply(200, issue(repository, &item)),
            Err(refused) => refused,
        },
        ("GET", ["issues", iid, "resource_label_events"]) => {
            let index = number(iid);
            let all = repository.history(index, request.lag).map(|(id, it)| {
                json!({
                    "id": id + 1, "user": user(&it.author), "created_at": it.at.to_string(),
                    "resource_type": "Issue", "resource_id": index,
                    "label": {"id": it.label, "name": repository.label_name(it.label), "color": "#6e7781"},
                    "action": if it.is_added { "add" } else { "remove" },
                })
            });
            page(request, all.collect())
        }
        (_, ["issues", iid, "notes", rest @ ..]) => notes(repository, request, number(iid), rest),
        (_, ["merge_requests", iid, "notes", rest @ ..]) => {
            notes(repository, request, APART + number(iid), rest)
        }
        (_, ["merge_requests", rest @ ..]) => merge_requests::answer(repository, request, rest),
        ("POST", ["repository", "branches"]) => create_branch(repository, request),
        ("GET", ["repository", "branches", name]) => match repository.git.branch(name) {
            Some(commit) => reply(200, branch(name, &commit)),
            None => refuse(404, "Branch Not Found"),
        },
        ("DELETE", ["repository", "branches", name]) => {
            if repository.git.branch(name).is_none() {
                return refuse(404, "Branch Not Found");
            }
            let reference = format!("refs/heads/{name}");
            repository.git.git(&["update-ref", "-d", &reference]);
            empty(204)
        }
        ("GET", ["repository", "files", path]) => file(repository, request, path),
        ("GET", ["repository", "compare"]) => compare(repository, request),
        ("GET", ["repository", "commits", commit, "statuses"]) => {
            let mut last: Vec<&Check> = Vec::new();
            let of = repository.checks.iter().rev();
            for check in of.filter(|it| it.commit == *commit) {
                if last.iter().all(|it| it.context != check.context) {
                    last.push(check);
                }
            }
            page(request, last.iter().map(|it| status(it)).collect())
        }
        ("POST", ["statuses", commit]) => set_status(repository, request, commit),
        _ => refuse(404, "Not Found"),
    }
}

/// Of a kind, as late as lists are, in the order of their making.
fn listed<'a>(
    repository: &'a Repository,
    request: &Request<'_>,
    is_kind: fn(&Item) -> bool,
) -> impl Iterator<Item = &'a Item> + use<'a> {
    let after = request.asked("updated_after").and_then(Timestamp::parse);
    let mut all: Vec<_> = repository.items.values().collect();
    // Newest first, unless it is asked for otherwise.
    if request.asked("sort") != Some("asc") {
        all.reverse();
    }
    let lag = request.lag;
    let all = all.into_iter().filter_map(move |it| it.shown(lag));
    all.filter(move |it| is_kind(it) && after.is_none_or(|after| it.updated >= after))
}

fn create_issue(repository: &mut Repository, request: &Request<'_>) -> Reply {
    let Some(title) = given(request, "title") else {
        return missing("title");
    };
    if title.trim().is_empty() {
        return invalid("title", "can't be blank");
    }
    let number = repository.add(title.trim(), "", request.login, None);
    let labels = given(request, "labels").unwrap_or_default();
    let ids = ids_of(repository, &labels);
    repository.relabel(number, request.login, ids);
    let item = repository.items.get_mut(&number).expect("just added");
    describe(&mut item.now, request);
    reply(201, issue(repository, &repository.items[&number].now))
}

/// Takes the description over, and does what it commands.
fn describe(item: &mut Item, request: &Request<'_>) {
    if let Some(description) = given(request, "description") {
        let (text, commands) = commands::taken(&description);
        item.body = text;
        obey(item, &commands);
    }
}

fn obey(item: &mut Item, commands: &[String]) {
    for command in commands {
        match &**command {
            "close" => item.is_open = false,
            "reopen" => item.is_open = true,
            _ => {}
        }
    }
}

/// Labels between commas; those that are missing are made.
fn ids_of(repository: &mut Repository, names: &str) -> Vec<i64> {
    let names = names.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names.map(|name| repository.label(name)).collect()
}

/// Changes an issue or merge request.
fn edit(repository: &mut Repository, request: &Request<'_>, number: u64) -> Result<Item, Reply> {
    let Some(before) = repository.items.get(&number).map(|it| it.now.clone()) else {
        return Err(refuse(404, "Not found"));
    };
    let is_allowed = repository.may_write || before.author == request.login;
    if !is_allowed {
        return Err(refuse(403, "Forbidden"));
    }
    if given(request, "title").is_some_and(|it| it.trim().is_empty()) {
        return Err(invalid("title", "can't be blank"));
    }
    let labels = |key: &str| given(request, key).unwrap_or_default();
    let whole = given(request, "labels").map(|it| ids_of(repository, &it));
    let add = ids_of(repository, &labels("add_labels"));
    let remove = ids_of(repository, &labels("remove_labels"));
    let mut wanted = whole.unwrap_or_else(|| before.labels.clone());
    wanted.extend(add);
    wanted.retain(|label| !remove.contains(label));
    repository.relabel(number, request.login, wanted);
    let event = given(request, "state_event");
    let is_merged = before.pull.as_ref().is_some_and(|it| it.is_merged);
    let item = repository.items.get_mut(&number).expect("looked at above");
    item.change(|it| {
        if let Some(title) = given(request, "title") {
            title.trim().clone_into(&mut it.title);
        }
        match event.as_deref() {
            // What is merged stays so, and nothing is said of it.
            Some("close") if !is_merged => it.is_open = false,
            Some("reopen") if !is_merged => it.is_open = true,
            _ => {}
        }
        describe(it, request);
        it.updated = now();
    });
    let changed = item.now.clone();
    if changed.is_open != before.is_open {
        let what = if changed.is_open {
            "reopened"
        } else {
            "closed"
        };
        add_note(repository, number, request.login, what, true);
    }
    Ok(repository.items[&number].now.clone())
}

fn add_note(
    repository: &mut Repository,
    number: u64,
    author: &str,
    body: &str,
    is_system: bool,
) -> u64 {
    let id = repository.comments.len() as u64 + 1;
    let made = Comment {
        id,
        issue: number,
        body: body.to_owned(),
        author: author.to_owned(),
        created: now(),
        updated: now(),
        is_system,
    };
    repository.comments.insert(id, Late::new(made));
    touch(repository, number);
    id
}

/// The notes of an issue or merge request.
fn notes(repository: &mut Repository, request: &Request<'_>, number: u64, rest: &[&str]) -> Reply {
    if !repository.items.contains_key(&number) {
        return refuse(404, "Not found");
    }
    match (request.method, rest) {
        ("GET", []) => {
            let mut all: Vec<_> = repository.comments.values().collect();
            if request.asked("sort") != Some("asc") {
                all.reverse();
            }
            let all = all.into_iter().filter(|it| it.now.issue == number);
            let all = all.filter_map(|it| it.shown(request.lag));
            page(request, all.map(note).collect())
        }
        ("POST", []) => {
            let Some(body) = given(request, "body") else {
                return missing("body");
            };
            let (text, commands) = commands::taken(&body);
            if text.is_empty() {
                if commands.is_empty() {
                    return refuse(400, "Bad request - Note {:note=>[\"can't be blank\"]}");
                }
                let item = repository.items.get_mut(&number).expect("looked at above");
                item.change(|it| obey(it, &commands));
                let summary = format!("Applied: {}.", commands.join(", "));
                return reply(202, json!({"commands_changes": {}, "summary": [summary]}));
            }
            let id = add_note(repository, number, request.login, &text, false);
            let item = repository.items.get_mut(&number).expect("looked at above");
            obey(&mut item.now, &commands);
            reply(201, note(&repository.comments[&id].now))
        }
        (method, [id]) => {
            let found = repository.comments.get_mut(&number_of(id));
            let Some(found) = found.filter(|it| it.now.issue == number) else {
                return refuse(404, "Not found");
            };
            if method == "GET" {
                return reply(200, note(&found.now));
            }
            if method != "PUT" || found.now.is_system {
                return refuse(403, "Forbidden");
            }
            let (text, _) = commands::taken(&given(request, "body").unwrap_or_default());
            if text.is_empty() {
                return reply(400, json!({"error": "body is empty"}));
            }
            found.change(|it| (it.body, it.updated) = (text, now()));
            let shown = note(&found.now);
            touch(repository, number);
            reply(200, shown)
        }
        _ => refuse(404, "Not Found"),
    }
}

fn create_branch(repository: &Repository, request: &Request<'_>) -> Reply {
    let (Some(new), Some(old)) = (given(request, "branch"), given(request, "ref")) else {
        return missing("branch");
    };
    if repository.git.branch(&new).is_some() {
        return reply(400, json!({"message": "Branch already exists"}));
    }
    let commit = format!("{old}^{{commit}}");
    match repository.git.git(&["rev-parse", "--verify", &commit]) {
        Some(commit) if repository.git.set_branch(&new, &commit, None) => {
            reply(201, branch(&new, &commit))
        }
        _ => reply(
            400,
            json!({"message": "Invalid reference name: ".to_owned() + &old}),
        ),
    }
}

fn file(repository: &Repository, request: &Request<'_>, path: &str) -> Reply {
    let Some(at) = request.asked("ref") else {
        return missing("ref");
    };
    let git = &repository.git;
    let blob = git.git(&["rev-parse", "--verify", &format!("{at}:{path}")]);
    let commit = git.git(&["rev-parse", "--verify", at]);
    let (Some(blob), Some(commit)) = (blob, commit) else {
        return refuse(404, "File Not Found");
    };
    let bytes = git.bytes(&["cat-file", "blob", &blob]).unwrap_or_default();
    reply(
        200,
        json!({
            "file_name": path.rsplit('/').next(), "file_path": path, "size": bytes.len(),
            "encoding": "base64", "content": base64(&bytes), "ref": at, "blob_id": blob,
            "commit_id": commit, "last_commit_id": commit, "execute_filemode": false,
        }),
    )
}

fn compare(repository: &Repository, request: &Request<'_>) -> Reply {
    let (from, to) = (request.asked("from"), request.asked("to"));
    let (Some(from), Some(to)) = (from, to) else {
        return missing("from");
    };
    let range = format!("{from}..{to}");
    let Some(commits) = repository.git.git(&["rev-list", "--reverse", &range]) else {
        return refuse(404, "Not Found");
    };
    let commits: Vec<Value> = commits.lines().map(shown::commit).collect();
    reply(
        200,
        json!({
            "commit": commits.last(), "commits": commits, "diffs": [], "compare_timeout": false,
            "compare_same_ref": from == to,
        }),
    )
}

fn set_status(repository: &mut Repository, request: &Request<'_>, commit: &str) -> Reply {
    let text = |key| given(request, key).unwrap_or_default();
    let states = [
        "pending", "running", "success", "failed", "canceled", "skipped",
    ];
    if !states.contains(&&*text("state")) {
        return reply(400, json!({"error": "state does not have a valid value"}));
    }
    let check = Check {
        commit: commit.to_owned(),
        context: given(request, "name").unwrap_or_else(|| text("context")),
        state: text("state"),
        description: text("description"),
    };
    let of = |it: &&Check| it.commit == check.commit && it.context == check.context;
    let last = repository.checks.iter().rev().find(of);
    // As older servers do.
    if last.is_some_and(|it| it.state == "pending" && check.state == "pending") {
        let why = "Cannot transition status via :enqueue from :pending";
        return reply(400, json!({"message": why}));
    }
    let shown = status(&check);
    repository.checks.push(check);
    reply(201, shown)
}

/// One page of a list.
fn page(request: &Request<'_>, all: Vec<Value>) -> Reply {
    let number = |key| request.asked(key).and_then(|it| it.parse::<usize>().ok());
    let page = number("page").unwrap_or(1).max(1);
    let size = number("per_page").unwrap_or(DEFAULT_PAGE);
    let size = size.clamp(1, LARGEST_PAGE);
    let total = all.len();
    let items: Vec<_> = all.into_iter().skip((page - 1) * size).take(size).collect();
    let has_next = page * size < total;
    let link = |page, relation| request.link(page, relation);
    let mut links = vec![link(1, "first")];
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if has_next {
        links.push(link(page + 1, "next"));
    }
    Reply {
        status: 200,
        body: Some(items.into()),
        link: Some(links.join(", ")),
        // It may be missing, and nobody needs it.
        total: None,
        next_page: Some(if has_next {
            (page + 1).to_string()
        } else {
            String::new()
        }),
    }
}
