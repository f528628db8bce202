//! Pull requests.

use super::{
    refuse,
    shown::{pull, review},
};
use crate::forge::{
    exchange::{Reply, Request, empty, reply},
    state::{Item, Late, Pull, Repository, Review, is_draft, now},
};

pub(super) fn create_pull(repository: &mut Repository, request: &Request<'_>) -> Reply {
    let text = |key| request.text(key).unwrap_or_default();
    let (head, base) = (text("head"), text("base"));
    if text("title").trim().is_empty() || head == base {
        return refuse(422, "[Title]: Required; head and base must differ");
    }
    let (Some(head_commit), Some(_)) = (repository.git.branch(&head), repository.git.branch(&base))
    else {
        return refuse(404, "a branch does not exist");
    };
    let is_same = |it: &Late<Item>| {
        let of = it.now.pull.as_ref();
        it.now.is_open && of.is_some_and(|of| of.head == head && of.base == base)
    };
    if repository.items.values().any(is_same) {
        return refuse(409, "pull request already exists for these targets");
    }
    let made = Pull {
        head,
        base,
        head_commit,
        is_merged: false,
    };
    let number = repository.add(&text("title"), &text("body"), request.login, Some(made));
    reply(201, pull(repository, &repository.items[&number].now))
}

pub(super) fn merge(repository: &mut Repository, request: &Request<'_>, index: u64) -> Reply {
    let git = repository.git.clone();
    let allows_fast_forward = repository.allows_fast_forward;
    let allows_by_hand = repository.allows_by_hand;
    let Some(item) = repository.items.get_mut(&index) else {
        return refuse(404, "pull request does not exist");
    };
    let Some(of) = item.now.pull.clone() else {
        return refuse(404, "pull request does not exist");
    };
    if request.is_busy {
        return refuse(405, "Please try again later");
    }
    if of.is_merged {
        return refuse(405, "");
    }
    if !item.now.is_open {
        return refuse(404, "pull request is closed");
    }
    if is_draft(&item.now.title) {
        return refuse(405, "Work in progress PRs cannot be merged");
    }
    let base = git.branch(&of.base).unwrap_or_default();
    match request.text("Do").as_deref() {
        Some("fast-forward-only") => {
            if !allows_fast_forward {
                return refuse(405, "Invalid merge style");
            }
            if request
                .text("head_commit_id")
                .is_some_and(|it| it != of.head_commit)
            {
                return refuse(409, "head out of date");
            }
            // A base that has moved is no error that the real one knows.
            if !git.is_ancestor(&base, &of.head_commit)
                || !git.set_branch(&of.base, &of.head_commit, Some(&base))
            {
                return empty(500);
            }
        }
        Some("manually-merged") => {
            if !allows_by_hand {
                return refuse(405, "Invalid merge style");
            }
            let commit = request.text("MergeCommitID").unwrap_or_default();
            if !git.is_ancestor(&commit, &base) {
                return refuse(409, "Wrong commit ID");
            }
        }
        _ => return refuse(405, "not simulated"),
    }
    item.change(|it| {
        it.is_open = false;
        it.updated = now();
        if let Some(pull) = &mut it.pull {
            pull.is_merged = true;
        }
    });
    empty(200)
}

pub(super) fn create_review(
    repository: &mut Repository,
    request: &Request<'_>,
    index: u64,
) -> Reply {
    let Some(item) = repository
        .items
        .get(&index)
        .filter(|it| it.now.pull.is_some())
    else {
        return refuse(404, "pull request does not exist");
    };
    let text = |key| request.text(key).unwrap_or_default();
    if item.now.author == request.login && text("event") != "COMMENT" {
        return refuse(422, "approve your own pull is not allowed");
    }
    let made = Review {
        number: index,
        author: request.login.to_owned(),
        state: text("event"),
        body: text("body"),
        commit: text("commit_id"),
    };
    let shown = review(repository.reviews.len(), &made);
    repository.reviews.push(made);
    reply(200, shown)
}
