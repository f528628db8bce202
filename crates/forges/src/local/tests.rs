use core_types::{BranchName, CommitId, OperationId, RepositoryName, Timestamp};

use super::record::{Change, ChangeRecord, StateRecord};
use crate::Error;

fn record(change: Change) -> ChangeRecord {
    ChangeRecord::new(
        RepositoryName::new("backend").unwrap(),
        OperationId::new("run-1:run#1:issue").unwrap(),
        Timestamp(1_700_000_000_000),
        change,
    )
}

/// The format is a promise: what is written today is read for ever.
#[test]
fn records_keep_their_form() {
    let check = |change: Change, expected: &str| {
        let record = record(change);
        let bytes = record.to_bytes().unwrap();
        let head = r#"{"v":1,"repository":"backend","operation":"run-1:run#1:issue","at":1700000000000,"change":"#;
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            format!("{head}{expected}}}")
        );
        assert_eq!(ChangeRecord::from_bytes(&bytes).unwrap(), record);
    };
    check(
        Change::CreateIssue {
            number: 1,
            title: "t".into(),
            body: "b".into(),
            labels: vec!["l".into()],
            author: "a".into(),
        },
        r#"{"type":"create_issue","number":1,"title":"t","body":"b","labels":["l"],"author":"a"}"#,
    );
    check(
        Change::UpdateIssue {
            number: 1,
            title: None,
            body: None,
            labels: None,
            state: Some(StateRecord::Closed),
        },
        r#"{"type":"update_issue","number":1,"state":"closed"}"#,
    );
    check(
        Change::CreateComment {
            id: 7,
            issue: 1,
            body: "b".into(),
            author: "a".into(),
        },
        r#"{"type":"create_comment","id":7,"issue":1,"body":"b","author":"a"}"#,
    );
    let commit = CommitId::new("a".repeat(40)).unwrap();
    check(
        Change::CreatePullRequest {
            number: 2,
            title: "t".into(),
            body: String::new(),
            head: BranchName::new("automation/r/change").unwrap(),
            base: BranchName::new("main").unwrap(),
            head_commit: commit.clone(),
        },
        &format!(
            r#"{{"type":"create_pull_request","number":2,"title":"t","body":"","head":"automation/r/change","base":"main","head_commit":"{commit}"}}"#
        ),
    );
    check(
        Change::UpdatePullRequest {
            number: 2,
            title: None,
            body: None,
            head_commit: None,
            state: Some(StateRecord::Merged),
        },
        r#"{"type":"update_pull_request","number":2,"state":"merged"}"#,
    );
}

#[test]
fn a_newer_record_is_refused_by_its_version_whatever_else_it_holds() {
    let refused = ChangeRecord::from_bytes(br#"{"v":3,"something":"else"}"#);
    assert!(matches!(
        refused,
        Err(Error::NewerRecord {
            found: 3,
            supported: 2
        })
    ));
}
