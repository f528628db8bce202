//! Labels: who gave them, and what has them; comments by what made them.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::time::Duration;

use core_types::{GitProvider as _, NewComment};
use forges::remote::Kind;

use super::{open, start};
use crate::support::operation;

on_each! {
    who_labels_an_issue_is_told
    a_comment_is_found_by_the_operation_that_made_it
}

async fn who_labels_an_issue_is_told(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let repository = open(kind, &simulated, "backend", Duration::ZERO);
    let issue = simulated.write_issue("ada", "backend", "mallory", "Do it", "");
    let other = simulated.write_issue("ada", "backend", "mallory", "Do that", "");
    assert_eq!(
        repository.labelled("wanted").await.unwrap(),
        [],
        "{kind:?}: nobody knows the label"
    );
    simulated.write_label("ada", "backend", issue, "grace", "wanted");
    simulated.write_label("ada", "backend", other, "grace", "else");
    simulated.write_comment("ada", "backend", issue, "mallory", "1");
    let wanted = repository.labelled("wanted").await.unwrap();
    let numbers: Vec<_> = wanted.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [issue], "{kind:?}");
    let (add, remove) = (["under way".to_owned()], ["wanted".to_owned()]);
    repository
        .change_labels(issue, &add, &remove)
        .await
        .unwrap();
    repository
        .change_labels(issue, &add, &remove)
        .await
        .unwrap();
    assert_eq!(simulated.labels("ada", "backend", issue), ["under way"]);
    let changes = repository.label_changes(issue).await.unwrap();
    let mut changes: Vec<_> = changes
        .iter()
        .map(|it| (&*it.author, &*it.label, it.is_added))
        .collect();
    // What was changed in one call has no order.
    changes.sort();
    assert_eq!(
        changes,
        [
            ("grace", "wanted", true),
            ("robot", "under way", true),
            ("robot", "wanted", false)
        ],
        "{kind:?}"
    );
}

async fn a_comment_is_found_by_the_operation_that_made_it(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let repository = open(kind, &simulated, "backend", Duration::ZERO);
    let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    let status = operation("status");
    assert_eq!(
        repository.comment_made_by(issue, &status).await.unwrap(),
        None
    );
    let body = "It is done".to_owned();
    let new = NewComment { issue, body };
    let made = repository.create_comment(&status, new).await.unwrap();
    // Whoever copies it has not made it.
    let truth = simulated.truth("ada", "backend");
    let copied = &truth.iter().find(|it| it.kind == "comment").unwrap().body;
    simulated.write_comment("ada", "backend", issue, "mallory", copied);
    let fresh = open(kind, &simulated, "backend", Duration::ZERO);
    let found = fresh.comment_made_by(issue, &status).await.unwrap();
    assert_eq!(found, Some(made));
}

/// Its history of an issue says of each page that it is all.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_of_gitea_is_read_whole() {
    let (_folder, simulated) = start(Kind::Gitea).await;
    let repository = open(Kind::Gitea, &simulated, "backend", Duration::ZERO);
    let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    for n in 0..60 {
        simulated.write_comment("ada", "backend", issue, "mallory", &n.to_string());
    }
    simulated.write_label("ada", "backend", issue, "grace", "wanted");
    for n in 0..60 {
        simulated.write_label("ada", "backend", issue, "mallory", &format!("{n}"));
    }
    let changes = repository.label_changes(issue).await.unwrap();
    assert_eq!(changes.len(), 61);
    assert!(
        changes
            .iter()
            .any(|it| it.label == "wanted" && it.author == "grace")
    );
}
