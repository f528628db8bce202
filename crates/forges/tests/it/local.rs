use std::{fmt::Debug, os::unix::fs::PermissionsExt, sync::Arc};

use core_types::{
    ErrorClass, NewComment, NewIssue, Operated, PortError, PullRequestChange, PullRequestState,
};
use tokio::task::JoinSet;

use crate::support::{new_issue, new_pull_request, open, operation, repository};

fn refused<T: Debug>(result: Result<T, PortError>, class: ErrorClass, line: &str) {
    let error = result.expect_err("it is refused");
    assert_eq!(error.class(), class);
    assert_eq!(error.to_line(), line);
}

#[tokio::test]
async fn everything_is_there_for_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let writer = repository(&open(folder.path()), "backend");
    let reader = repository(&open(folder.path()), "backend");
    let new = NewIssue {
        body: "Grüße\n".into(),
        labels: ["b", "a", "b"].map(String::from).to_vec(),
        ..new_issue("first")
    };
    let issue = writer.create_issue(&operation("1"), new).await.unwrap();
    assert_eq!((issue.number, &*issue.author), (1, "tester"));
    assert_eq!(issue.labels, ["a", "b"]);
    let pull = writer
        .create_pull_request(&operation("2"), new_pull_request("b"))
        .await
        .unwrap();
    assert_eq!(
        pull.number, 2,
        "issues and pull requests share one sequence"
    );
    let comment = NewComment {
        issue: 2,
        body: "looks good".into(),
    };
    let comment = writer
        .create_comment(&operation("3"), comment)
        .await
        .unwrap();

    assert_eq!(reader.get_issue(1).await.unwrap(), issue);
    assert_eq!(
        reader.list_issues().await.unwrap(),
        std::slice::from_ref(&issue)
    );
    assert_eq!(
        reader.list_pull_requests().await.unwrap(),
        std::slice::from_ref(&pull)
    );
    assert_eq!(
        reader.list_comments(2).await.unwrap(),
        std::slice::from_ref(&comment)
    );
    assert!(reader.list_comments(1).await.unwrap().is_empty());
    assert_eq!(
        reader.find(&operation("1")).await.unwrap(),
        Some(Operated::Issue(issue))
    );
    assert_eq!(
        reader.find(&operation("2")).await.unwrap(),
        Some(Operated::PullRequest(pull))
    );
    assert_eq!(
        reader.find(&operation("3")).await.unwrap(),
        Some(Operated::Comment(comment))
    );
    assert_eq!(reader.find(&operation("4")).await.unwrap(), None);
}

#[tokio::test]
async fn repositories_of_one_forge_know_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let forge = open(folder.path());
    let (one, other) = (repository(&forge, "one"), repository(&forge, "other"));
    for provider in [&one, &other] {
        let issue = provider
            .create_issue(&operation("same"), new_issue("a"))
            .await
            .unwrap();
        assert_eq!(issue.number, 1);
    }
    one.create_issue(&operation("next"), new_issue("b"))
        .await
        .unwrap();
    assert_eq!(one.list_issues().await.unwrap().len(), 2);
    assert_eq!(other.list_issues().await.unwrap().len(), 1);
    assert_eq!(other.find(&operation("next")).await.unwrap(), None);
}

#[tokio::test]
async fn a_repeated_mutation_returns_what_the_first_left() {
    let folder = tempfile::tempdir().unwrap();
    let forge = repository(&open(folder.path()), "backend");
    let opened = forge
        .create_pull_request(&operation("1"), new_pull_request("b"))
        .await
        .unwrap();
    let merged = PullRequestChange {
        state: Some(PullRequestState::Merged),
        ..PullRequestChange::default()
    };
    forge
        .update_pull_request(&operation("2"), 1, merged)
        .await
        .unwrap();
    let again = open(folder.path());
    let again = repository(&again, "backend");
    let repeated = again
        .create_pull_request(&operation("1"), new_pull_request("b"))
        .await
        .unwrap();
    assert_eq!(repeated, opened, "as it was then");
    assert_eq!(again.list_pull_requests().await.unwrap().len(), 1);
    refused(
        again.create_issue(&operation("1"), new_issue("a")).await,
        ErrorClass::Conflict,
        "failed to create an issue: operation id \"1\" already marks another mutation",
    );
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let forge = repository(&open(folder.path()), "backend");
    let id = operation("1");
    let validation = ErrorClass::Validation;
    refused(
        forge.create_issue(&id, new_issue(" \t")).await,
        validation,
        "failed to create an issue: the title is empty",
    );
    refused(
        forge.create_issue(&id, new_issue("a\nb")).await,
        validation,
        "failed to create an issue: the title has more than one line",
    );
    let labels = vec![String::new()];
    let new = NewIssue {
        labels,
        ..new_issue("a")
    };
    refused(
        forge.create_issue(&id, new).await,
        validation,
        "failed to create an issue: the label is empty",
    );
    refused(
        forge
            .create_pull_request(&id, new_pull_request("main"))
            .await,
        validation,
        "failed to open a pull request: head and base are both main",
    );
    refused(
        forge.get_issue(1).await,
        ErrorClass::NotFound,
        "failed to read an issue: there is no issue 1",
    );
    assert_eq!(forge.find(&id).await.unwrap(), None);
    assert!(forge.list_issues().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_closed_pull_request_is_not_reopened_beside_an_open_one() {
    let folder = tempfile::tempdir().unwrap();
    let forge = repository(&open(folder.path()), "backend");
    let state = |state| PullRequestChange {
        state: Some(state),
        ..PullRequestChange::default()
    };
    let first = forge
        .create_pull_request(&operation("1"), new_pull_request("b"))
        .await
        .unwrap();
    let open = state(PullRequestState::Open);
    forge
        .update_pull_request(&operation("2"), first.number, open.clone())
        .await
        .unwrap();
    let closed = state(PullRequestState::Closed);
    forge
        .update_pull_request(&operation("3"), first.number, closed)
        .await
        .unwrap();
    forge
        .create_pull_request(&operation("4"), new_pull_request("b"))
        .await
        .unwrap();
    refused(
        forge
            .update_pull_request(&operation("5"), first.number, open)
            .await,
        ErrorClass::Conflict,
        "failed to change a pull request: pull request 2 is open for b into main",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn numbers_are_distinct_however_many_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Two handles, as two processes would have.
    let handles = [open(folder.path()), open(folder.path())];
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let forge = repository(&handles[writer % 2], "backend");
        writers.spawn(async move {
            let mut numbers = Vec::new();
            for nth in (writer..100).step_by(8) {
                let id = operation(format!("issue-{nth}"));
                let issue = forge.create_issue(&id, new_issue("a")).await.unwrap();
                numbers.push(issue.number);
            }
            numbers
        });
    }
    let mut numbers: Vec<u64> = writers.join_all().await.into_iter().flatten().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    let listed = repository(&handles[0], "backend")
        .list_issues()
        .await
        .unwrap();
    assert!(listed.iter().map(|issue| issue.number).eq(1..=100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_operation_made_by_many_at_once_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let forge = repository(&open(folder.path()), "backend");
        writers.spawn(async move { forge.create_issue(&operation("1"), new_issue("a")).await });
    }
    for issue in writers.join_all().await {
        assert_eq!(issue.unwrap().number, 1);
    }
    let forge = repository(&open(folder.path()), "backend");
    assert_eq!(forge.list_issues().await.unwrap().len(), 1);
}

#[tokio::test]
async fn files_are_ours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("forge");
    let forge = repository(&open(&dir), "backend");
    assert!(!dir.exists(), "opening writes nothing");
    forge
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in std::fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn a_clone_of_a_provider_outlives_its_forge() {
    let folder = tempfile::tempdir().unwrap();
    let provider = {
        let forge = open(folder.path());
        Arc::clone(&repository(&forge, "backend"))
    };
    provider
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    assert_eq!(provider.list_issues().await.unwrap().len(), 1);
}
