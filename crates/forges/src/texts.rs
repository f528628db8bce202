//! What all forges demand of texts, and what an operation left as the kind that was asked for.

use core_types::{Comment, Issue, Operated, PullRequest};

use crate::Error;

pub(crate) fn check_title(title: &str) -> Result<(), Error> {
    if title.trim().is_empty() {
        return Err(Error::EmptyText { what: "title" });
    }
    if title.contains(['\n', '\r']) {
        return Err(Error::TitleLines);
    }
    Ok(())
}

pub(crate) fn check_comment(body: &str) -> Result<(), Error> {
    if body.trim().is_empty() {
        return Err(Error::EmptyText { what: "comment" });
    }
    Ok(())
}

/// Sorted, without duplicates.
pub(crate) fn check_labels(mut labels: Vec<String>) -> Result<Vec<String>, Error> {
    if labels.iter().any(|label| label.trim().is_empty()) {
        return Err(Error::EmptyText { what: "label" });
    }
    labels.sort();
    labels.dedup();
    Ok(labels)
}

pub(crate) fn as_issue(left: Operated) -> Option<Issue> {
    match left {
        Operated::Issue(issue) => Some(issue),
        _ => None,
    }
}

pub(crate) fn as_comment(left: Operated) -> Option<Comment> {
    match left {
        Operated::Comment(comment) => Some(comment),
        _ => None,
    }
}

pub(crate) fn as_pull_request(left: Operated) -> Option<PullRequest> {
    match left {
        Operated::PullRequest(pull_request) => Some(pull_request),
        _ => None,
    }
}
