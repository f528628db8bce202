//! Pull requests, and the branches that they move.

use super::{
    invalid, page, refuse,
    shown::{pull, reference, review, whole_pull},
};
use crate::forge::{
    exchange::{Reply, Request, reply},
    state::{Item, Late, Pull, Repository, Review, is_in},
};

pub(super) fn move_branch(
    repository: &mut Repository,
    request: &Request<'_>,
    name: &str,
    slug: &str,
) -> Reply {
    let git = repository.git.clone();
    let Some(before) = git.branch(name) else {
        return refuse(422, "Reference does not exist");
    };
    let commit = request.text("sha").unwrap_or_default();
    if !repository.allows_fast_forward {
        return refuse(422, "Changes must be made through a pull request.");
    }
    let is_forced = request.body["force"] == true;
    if !is_forced && !git.is_ancestor(&before, &commit) {
        return refuse(422, "Update is not a fast forward");
    }
    if !git.set_branch(name, &commit, Some(&before)) {
        return refuse(422, "Object does not exist");
    }
    repository.note_merges();
    reply(200, reference(name, &commit, slug))
}

pub(super) fn pulls(
    repository: &Repository,
    request: &Request<'_>,
    owner: &str,
    slug: &str,
) -> Reply {
    let wanted = request.asked("state").unwrap_or("open");
    let all = repository.items.values().rev();
    let all = all.filter_map(|it| it.shown(request.lag));
    let all = all.filter(|it| {
        let Some(of) = &it.pull else { return false };
        let head = format!("{owner}:{}", of.head);
        is_in(it, wanted)
            && request.asked("head").is_none_or(|asked| asked == head)
            && request.asked("base").is_none_or(|asked| asked == of.base)
    });
    page(request, all.map(|it| pull(repository, it, slug)).collect())
}

pub(super) fn create_pull(repository: &mut Repository, request: &Request<'_>, slug: &str) -> Reply {
    let text = |key| request.text(key).unwrap_or_default();
    let (head, base) = (text("head"), text("base"));
    if text("title").trim().is_empty() {
        return invalid("title is missing");
    }
    let (Some(head_commit), Some(base_commit)) =
        (repository.git.branch(&head), repository.git.branch(&base))
    else {
        return invalid("head or base does not exist");
    };
    if repository.git.is_ancestor(&head_commit, &base_commit) {
        return invalid(&format!("No commits between {base} and {head}"));
    }
    let is_same = |it: &Late<Item>| {
        let of = it.now.pull.as_ref();
        it.now.is_open && of.is_some_and(|of| of.head == head && of.base == base)
    };
    if repository.items.values().any(is_same) {
        return invalid(&format!("A pull request already exists for {head}."));
    }
    let made = Pull {
        head,
        base,
        head_commit,
        is_merged: false,
    };
    let number = repository.add(&text("title"), &text("body"), request.login, Some(made));
    let item = &repository.items[&number].now;
    reply(201, whole_pull(repository, item, slug, false))
}

pub(super) fn create_review(
    repository: &mut Repository,
    request: &Request<'_>,
    index: u64,
    slug: &str,
) -> Reply {
    let item = repository.items.get(&index);
    let Some(item) = item.filter(|it| it.now.pull.is_some()) else {
        return refuse(404, "Not Found");
    };
    let text = |key| request.text(key).unwrap_or_default();
    if item.now.author == request.login && text("event") != "COMMENT" {
        return refuse(422, "Can not approve your own pull request");
    }
    let state = match &*text("event") {
        "APPROVE" => "APPROVED",
        "REQUEST_CHANGES" => "CHANGES_REQUESTED",
        _ => "COMMENTED",
    };
    let made = Review {
        number: index,
        author: request.login.to_owned(),
        state: state.to_owned(),
        body: text("body"),
        commit: text("commit_id"),
    };
    let shown = review(repository.reviews.len(), &made, slug);
    repository.reviews.push(made);
    reply(200, shown)
}
