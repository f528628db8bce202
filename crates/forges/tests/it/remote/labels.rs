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
    a_label_that_is_there_in_other_letters_is_kept
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

/// Labels of an organization are those of its repositories, and capital letters make no other one.
#[tokio::test(flavor = "multi_thread")]
async fn labels_of_an_organization_are_taken_and_no_other_made() {
    let (_folder, simulated) = start(Kind::Gitea).await;
    let repository = open(Kind::Gitea, &simulated, "backend", Duration::ZERO);
    let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    simulated.share_label("ada", "backend", "In-Progress");
    simulated.write_label("ada", "backend", issue, "grace", "Wanted");
    let wanted = repository.labelled("wanted").await.unwrap();
    assert_eq!(wanted.len(), 1);
    let add = ["in-progress".to_owned()];
    let remove = ["wanted".to_owned(), "nobody has it".to_owned()];
    repository
        .change_labels(issue, &add, &remove)
        .await
        .unwrap();
    assert_eq!(simulated.labels("ada", "backend", issue), ["In-Progress"]);
    repository.change_labels(issue, &[], &add).await.unwrap();
    assert_eq!(
        simulated.labels("ada", "backend", issue),
        Vec::<String>::new()
    );
    let calls = simulated.take_calls();
    let is_made =
        |it: &&testkit::forge::Call| it.method == "POST" && it.path.ends_with("backend/labels");
    assert_eq!(calls.iter().filter(is_made).count(), 0);
}

async fn a_label_that_is_there_in_other_letters_is_kept(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let repository = open(kind, &simulated, "backend", Duration::ZERO);
    let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    simulated.write_label("ada", "backend", issue, "grace", "Bug");
    let change = core_types::IssueChange {
        labels: Some(vec!["bug".to_owned()]),
        ..core_types::IssueChange::default()
    };
    let changed = repository
        .update_issue(&operation("1"), issue, change)
        .await
        .unwrap();
    assert_eq!(changed.labels, ["Bug"], "{kind:?}");
}
