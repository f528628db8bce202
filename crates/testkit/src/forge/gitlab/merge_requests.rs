//! Merge requests.

use core_types::APART;
use serde_json::json;

use super::{
    approvals, describe, edit, given, invalid, is_draft, listed, merge_request, missing, page,
    refuse,
};
use crate::forge::{
    exchange::{Reply, Request, number_of, reply},
    state::{Item, Late, Pull, Repository, Review, now},
};

/// What is below `/projects/{id}/merge_requests`, but notes.
pub(super) fn answer(repository: &mut Repository, request: &Request<'_>, rest: &[&str]) -> Reply {
    let [iid, rest @ ..] = rest else {
        return match request.method {
            "GET" => list(repository, request),
            "POST" => create(repository, request),
            _ => refuse(404, "Not Found"),
        };
    };
    let number = APART + number_of(iid);
    let Some(item) = repository.items.get(&number).map(|it| it.now.clone()) else {
        return refuse(404, "Not found");
    };
    match (request.method, rest) {
        ("GET", []) => reply(200, merge_request(repository, &item, !request.is_busy)),
        ("PUT", []) => match edit(repository, request, number) {
            Ok(item) => reply(200, merge_request(repository, &item, true)),
            Err(refused) => refused,
        },
        ("PUT", ["merge"]) => merge(repository, request, &item),
        ("GET", ["approvals"]) => reply(200, approvals(repository, number)),
        ("POST", ["approve"]) => approve(repository, request, &item),
        _ => refuse(404, "Not Found"),
    }
}

fn state(item: &Item) -> &'static str {
    let is_merged = item.pull.as_ref().is_some_and(|it| it.is_merged);
    match (is_merged, item.is_open) {
        (true, _) => "merged",
        (false, true) => "opened",
        (false, false) => "closed",
    }
}

fn list(repository: &Repository, request: &Request<'_>) -> Reply {
    let wanted = request.asked("state").unwrap_or("all");
    let is_asked = |key: &str, found: &str| request.asked(key).is_none_or(|it| it == found);
    let all = listed(repository, request, |it| it.pull.is_some());
    let all = all.filter(|it| {
        let Some(of) = &it.pull else { return false };
        (wanted == "all" || wanted == state(it))
            && is_asked("source_branch", &of.head)
            && is_asked("target_branch", &of.base)
    });
    let shown = all.map(|it| merge_request(repository, it, true)).collect();
    page(request, shown)
}

fn create(repository: &mut Repository, request: &Request<'_>) -> Reply {
    let given = ["title", "source_branch", "target_branch"].map(|key| given(request, key));
    let [Some(title), Some(head), Some(base)] = given else {
        return missing("title, source_branch or target_branch");
    };
    if !repository.may_write {
        return refuse(403, "Forbidden");
    }
    if title.trim().is_empty() {
        return invalid("title", "can't be blank");
    }
    if head == base {
        let why = "You can't use same project/branch for source and target";
        return reply(422, json!({"message": [why]}));
    }
    let (Some(head_commit), Some(_)) = (repository.git.branch(&head), repository.git.branch(&base))
    else {
        return invalid("source_branch", "does not exist");
    };
    let is_same = |it: &&Late<Item>| {
        let of = it.now.pull.as_ref();
        it.now.is_open && of.is_some_and(|of| of.head == head && of.base == base)
    };
    if let Some(same) = repository.items.values().find(is_same) {
        let iid = same.now.number - APART;
        let why = "Another open merge request already exists for this source branch";
        return reply(409, json!({"message": [format!("{why}: !{iid}")]}));
    }
    let made = Pull {
        head,
        base,
        head_commit,
        is_merged: false,
    };
    let number = repository.add(title.trim(), "", request.login, Some(made));
    let item = repository.items.get_mut(&number).expect("just added");
    describe(&mut item.now, request);
    let item = &repository.items[&number].now;
    reply(201, merge_request(repository, item, false))
}

fn merge(repository: &mut Repository, request: &Request<'_>, item: &Item) -> Reply {
    let Some(of) = item.pull.clone() else {
        return refuse(404, "Not found");
    };
    if !repository.may_write {
        return refuse(401, "Unauthorized");
    }
    // It may be looking, and says so of all that it does not merge.
    if request.is_busy || !item.is_open || is_draft(&item.title) {
        return refuse(405, "Method Not Allowed");
    }
    if given(request, "sha").is_some_and(|it| it != of.head_commit) {
        let why = format!(
            "SHA does not match HEAD of source branch: {}",
            of.head_commit
        );
        return reply(409, json!({"message": why}));
    }
    let git = repository.git.clone();
    let base = git.branch(&of.base).unwrap_or_default();
    if !git.is_ancestor(&base, &of.head_commit) {
        // A conflict is one of these too.
        return refuse(405, "Method Not Allowed");
    }
    let result = match repository.allows_fast_forward {
        true => Some(of.head_commit.clone()),
        false => {
            let tree = format!("{}^{{tree}}", of.head_commit);
            let config = ["-c", "user.name=GitLab", "-c", "user.email=git@example.org"];
            let merge = ["commit-tree", "-m", "Merge", "-p", &base, "-p"];
            let arguments = [&config[..], &merge[..], &[&of.head_commit, &tree]].concat();
            git.git(&arguments)
        }
    };
    let is_moved = result.is_some_and(|commit| git.set_branch(&of.base, &commit, Some(&base)));
    if !is_moved {
        return reply(422, json!({"message": "Branch cannot be merged"}));
    }
    let item = repository.items.get_mut(&item.number).expect("it is there");
    item.change(|it| {
        it.is_open = false;
        it.updated = now();
        if let Some(pull) = &mut it.pull {
            pull.is_merged = true;
        }
    });
    let item = item.now.clone();
    reply(200, merge_request(repository, &item, true))
}

fn approve(repository: &mut Repository, request: &Request<'_>, item: &Item) -> Reply {
    let head = item.pull.as_ref().map(|it| it.head_commit.clone());
    let asked = given(request, "sha");
    if asked.is_some() && asked != head {
        return reply(
            409,
            json!({"message": "SHA does not match HEAD of source branch"}),
        );
    }
    let is_given = |it: &Review| it.number == item.number && it.author == request.login;
    // Neither one's own nor twice.
    if !repository.may_write
        || item.author == request.login
        || repository.reviews.iter().any(is_given)
    {
        return refuse(401, "Unauthorized");
    }
    repository.reviews.push(Review {
        number: item.number,
        author: request.login.to_owned(),
        state: "approved".to_owned(),
        body: String::new(),
        commit: head.unwrap_or_default(),
    });
    reply(201, approvals(repository, item.number))
}
