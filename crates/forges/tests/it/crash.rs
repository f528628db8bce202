//! The forge when its disk fails and its process dies.

use std::{path::Path, sync::Arc};

use core_types::{
    ErrorClass, GitProvider, IssueChange, IssueState, NewComment, Operated, OperationId, PortError,
};
use forges::Error;
use journal::faults::{Crash, Fault, FaultKind, Repeat, SimulatedStorage};

use crate::support::{new_issue, new_pull_request, operation, repository, try_open};

const DIR: &str = "/forge";

fn forge(storage: &SimulatedStorage) -> Arc<dyn GitProvider> {
    try_forge(storage).expect("the forge opens")
}

fn try_forge(storage: &SimulatedStorage) -> Result<Arc<dyn GitProvider>, Error> {
    let options = journal::Options {
        storage: Arc::new(storage.clone()),
        ..journal::Options::default()
    };
    try_open(Path::new(DIR), options).map(|forge| repository(&forge, "backend"))
}

/// Four mutations in order, up to the first that fails; what each left.
async fn work(forge: &dyn GitProvider) -> (Vec<(OperationId, Operated)>, Result<(), PortError>) {
    let mut acknowledged = Vec::new();
    let result = async {
        let id = operation("issue");
        let issue = forge.create_issue(&id, new_issue("a")).await?;
        let number = issue.number;
        acknowledged.push((id, Operated::Issue(issue)));
        let id = operation("comment");
        let new = NewComment {
            issue: number,
            body: "b".into(),
        };
        acknowledged.push((
            id.clone(),
            Operated::Comment(forge.create_comment(&id, new).await?),
        ));
        let id = operation("pull");
        let pull = forge
            .create_pull_request(&id, new_pull_request("c"))
            .await?;
        acknowledged.push((id, Operated::PullRequest(pull)));
        let id = operation("close");
        let close = IssueChange {
            state: Some(IssueState::Closed),
            ..IssueChange::default()
        };
        let closed = forge.update_issue(&id, number, close).await?;
        acknowledged.push((id, Operated::Issue(closed)));
        Ok(())
    }
    .await;
    (acknowledged, result)
}

/// All that the repository shows.
async fn picture(forge: &dyn GitProvider) -> String {
    let issues = forge.list_issues().await.expect("list");
    let pulls = forge.list_pull_requests().await.expect("list");
    let comments = forge.list_comments(1).await.expect("list");
    format!("{issues:#?}{pulls:#?}{comments:#?}")
}

#[tokio::test]
async fn a_crash_at_any_disk_operation_loses_and_repeats_nothing() {
    let storage = SimulatedStorage::new();
    let unharmed = forge(&storage);
    work(&*unharmed).await.1.unwrap();
    let expected = picture(&*unharmed).await;
    let (operations, writes) = (storage.operations(), storage.writes());
    assert!(operations >= 8, "each mutation is written and flushed");

    for number in 1..=operations {
        // A write that fails may have written a part.
        let is_write = writes.iter().any(|(write, _)| *write == number);
        for written in if is_write { &[0, 17][..] } else { &[0] } {
            for crash in [
                Crash::Kill,
                Crash::LoseUnsynced,
                Crash::KeepPrefix(40),
                Crash::LosePrefix(9),
            ] {
                let storage = SimulatedStorage::new();
                storage.inject(Fault {
                    operation: number,
                    kind: FaultKind::Io,
                    repeat: Repeat::Forever,
                    written: *written,
                });
                let acknowledged = match try_forge(&storage) {
                    Ok(forge) => work(&*forge).await.0,
                    Err(_) => Vec::new(),
                };

                let point = format!("operation {number}, {written} bytes written, {crash:?}");
                let reopened = forge(&storage.restart(crash));
                for (operation, left) in acknowledged {
                    let found = reopened.find(&operation).await.unwrap();
                    assert_eq!(found, Some(left), "what was acknowledged is there: {point}");
                }
                work(&*reopened).await.1.unwrap();
                let now = picture(&*reopened).await;
                assert_eq!(now, expected, "the same work again ends the same: {point}");
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_has_its_class_and_leaves_what_is_there_readable() {
    let rehearsal = SimulatedStorage::new();
    let writer = forge(&rehearsal);
    writer
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    writer
        .create_issue(&operation("2"), new_issue("b"))
        .await
        .unwrap();
    let (second_write, _) = *rehearsal.writes().last().expect("it was written");

    let storage = SimulatedStorage::new();
    storage.inject(Fault {
        operation: second_write,
        kind: FaultKind::Full,
        repeat: Repeat::Once,
        written: 0,
    });
    let writer = forge(&storage);
    writer
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    for name in ["2", "3"] {
        let error = writer
            .create_issue(&operation(name), new_issue("b"))
            .await
            .unwrap_err();
        assert_eq!(
            error.class(),
            ErrorClass::ResourceExhausted,
            "{}",
            error.to_line()
        );
    }
    assert_eq!(writer.list_issues().await.unwrap().len(), 1);

    let again = forge(&storage);
    let issue = again
        .create_issue(&operation("2"), new_issue("b"))
        .await
        .unwrap();
    assert_eq!(issue.number, 2);
}
