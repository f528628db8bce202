//! What GitLab alone does.

use std::time::Duration;

use core_types::{
    APART, ErrorClass, GitProvider as _, IssueChange, IssueState, NewComment, NewIssue,
    RepositoryName, SystemClock,
};
use forges::remote::{
    Check, CheckState, Kind, Options, PullRequestReview, RemoteForge, Secret, Slug, Verdict,
};
use testkit::forge::Faults;

use super::{TOKEN, new_pull_request, open, options, simulate, start};
use crate::support::{new_issue, operation};

const SETTLE: Duration = Duration::from_millis(10);

/// An agent's text must not command.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_ours_is_a_command() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let text = "Fixed.\r\n/close\n/label ~bug\n\\/merge\n/usr/bin/env\n".to_owned();
    let new = NewIssue {
        body: text.clone(),
        ..new_issue("a")
    };
    let issue = provider.create_issue(&operation("1"), new).await.unwrap();
    assert_eq!((&issue.body, issue.state), (&text, IssueState::Open));
    let comment = NewComment {
        issue: issue.number,
        body: "/close".to_owned(),
    };
    let comment = provider.create_comment(&operation("2"), comment).await;
    assert_eq!(comment.unwrap().body, "/close");
    let change = IssueChange {
        body: Some("/close".to_owned()),
        ..IssueChange::default()
    };
    let changed = provider
        .update_issue(&operation("3"), issue.number, change)
        .await;
    assert_eq!(changed.unwrap().body, "/close");
    let mut new = new_pull_request(&simulated, "automation/a");
    new.body.clone_from(&text);
    provider
        .create_pull_request(&operation("4"), new)
        .await
        .unwrap();
    let now = provider.list_pull_requests().await.unwrap();
    assert_eq!((&now[0].body, now[0].number), (&text, APART + 1));
    let now = provider.get_issue(issue.number).await.unwrap();
    assert_eq!((now.state, now.labels), (IssueState::Open, Vec::new()));
    // What a person writes, it obeys.
    let obeyed = simulated.write_issue("ada", "backend", "grace", "b", "\\/close");
    let read = provider.get_issue(obeyed).await.unwrap();
    assert_eq!(read.body, "\\/close", "and is read as it is");
}

/// Its lists may be late where its refusal names what is open.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_known_by_the_number_that_is_named() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let first = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let new = || new_pull_request(&simulated, "automation/a");
    let opened = first.create_pull_request(&operation("1"), new()).await;
    let opened = opened.unwrap();
    let late = Faults {
        lag: Duration::from_secs(60),
        late: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(late, 1);
    let second = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let again = second.create_pull_request(&operation("1"), new()).await;
    assert_eq!(again.unwrap(), opened, "its own, of a process before");
    let other = second.create_pull_request(&operation("2"), new()).await;
    let other = other.unwrap_err();
    assert_eq!(other.class(), ErrorClass::Conflict, "{}", other.to_line());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_merged_where_the_project_would_make_a_commit() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let opened = new_pull_request(&simulated, "automation/a");
    let opened = provider.create_pull_request(&operation("1"), opened).await;
    let opened = opened.unwrap();
    let before = simulated.branch("ada", "backend", "main");
    simulated.set_rights("ada", "backend", true, false);
    let merging = operation("2");
    let merged = provider.merge_pull_request(&merging, opened.number, &opened.head_commit);
    let refused = merged.await.unwrap_err();
    assert_eq!(
        refused.class(),
        ErrorClass::Validation,
        "{}",
        refused.to_line()
    );
    assert_eq!(simulated.branch("ada", "backend", "main"), before);
    let calls = simulated.take_calls();
    assert!(
        !calls.iter().any(|it| it.path.ends_with("/merge")),
        "it is not even asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_notes_itself_is_no_comment() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let issue = provider.create_issue(&operation("1"), new_issue("a")).await;
    let number = issue.unwrap().number;
    let closed = IssueChange {
        state: Some(IssueState::Closed),
        ..IssueChange::default()
    };
    provider
        .update_issue(&operation("2"), number, closed)
        .await
        .unwrap();
    assert_eq!(provider.list_comments(number).await.unwrap(), []);
    let calls = simulated.take_calls();
    let notes = calls.iter().rfind(|it| it.path.ends_with("/notes"));
    let answer = notes.and_then(|it| it.answer.as_ref());
    assert_eq!(
        answer.map(|it| it[0]["system"] == true),
        Some(true),
        "there is one of its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_given_once_and_told_of_once() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    simulated.add_account("grace", "graces-token");
    let grace = Secret::new("graces-token".to_owned());
    let name = RepositoryName::new("backend").unwrap();
    let clock = std::sync::Arc::new(SystemClock);
    let forge = RemoteForge::new(Kind::GitLab, simulated.url(), grace, options(SETTLE), clock);
    let slug = Slug::new("ada", "backend").unwrap();
    let grace = forge.unwrap().with_repository(name.clone(), slug);
    let grace = grace.repository(&name).unwrap();

    let robot = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let opened = new_pull_request(&simulated, "automation/a");
    let opened = robot.create_pull_request(&operation("1"), opened).await;
    let opened = opened.unwrap();
    let review = PullRequestReview {
        author: "grace".to_owned(),
        verdict: Verdict::Approved,
        body: "Well done.\n/merge".to_owned(),
        commit: opened.head_commit.clone(),
    };
    // What only says that it approves does not.
    let claim = "Well done.\n\n<!-- automation-review/1 approved ".to_owned()
        + opened.head_commit.as_str()
        + " -->";
    let comment = NewComment {
        issue: opened.number,
        body: claim,
    };
    grace
        .create_comment(&operation("2"), comment)
        .await
        .unwrap();
    assert_eq!(robot.reviews(opened.number).await.unwrap(), []);
    for _ in 0..2 {
        grace.review(opened.number, &review).await.unwrap();
    }
    let told = robot.reviews(opened.number).await.unwrap();
    assert!(told.contains(&review), "{told:?}");
    assert!(told.iter().all(|it| it.verdict == Verdict::Approved));
    let calls = simulated.take_calls();
    let given = calls.iter().filter(|it| it.path.ends_with("/approve"));
    assert_eq!(given.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_may_not_be_said_twice_counts_as_said() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let commit = simulated.branch("ada", "backend", "main").unwrap();
    for n_passed in [12, 13] {
        let check = Check {
            context: "automation/tests".to_owned(),
            state: CheckState::Pending,
            description: format!("{n_passed} of 14"),
        };
        provider.set_check(&commit, &check).await.unwrap();
    }
    let calls = simulated.take_calls();
    let said = calls.iter().filter(|it| it.method == "POST");
    let statuses: Vec<u16> = said.map(|it| it.status).collect();
    assert_eq!(statuses, [201, 400]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_be_in_groups_within_groups() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = simulate(Kind::GitLab, folder.path()).await;
    simulated.add_repository("acme/tools", "backend", &[]);
    let name = RepositoryName::new("backend").unwrap();
    let clock = std::sync::Arc::new(SystemClock);
    let token = Secret::new(TOKEN.to_owned());
    let forge = RemoteForge::new(Kind::GitLab, simulated.url(), token, options(SETTLE), clock);
    let slug = Slug::new("acme/tools", "backend").unwrap();
    let forge = forge.unwrap().with_repository(name.clone(), slug);
    let backend = forge.repository(&name).unwrap();
    assert!(backend.access().await.unwrap().can_write);
    backend
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    assert_eq!(simulated.truth("acme/tools", "backend").len(), 1);
    for wrong in ["", "/", "a/", "/a", "a//b", "a/../b", "a b"] {
        assert!(Slug::new(wrong, "backend").is_err(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_with_a_comma_is_refused() {
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    let new = NewIssue {
        labels: vec!["a,b".to_owned()],
        ..new_issue("a")
    };
    let refused = provider
        .create_issue(&operation("1"), new)
        .await
        .unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Validation);
    assert!(simulated.truth("ada", "backend").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_scopes_are_named() {
    for (kind, scope) in [(Kind::GitLab, "api"), (Kind::GitHub, "repo")] {
        let (_folder, simulated) = start(kind).await;
        let open = || {
            let token = Secret::new(TOKEN.to_owned());
            let clock = std::sync::Arc::new(SystemClock);
            RemoteForge::new(kind, simulated.url(), token, Options::default(), clock).unwrap()
        };
        assert_eq!(open().missing_scopes().await.unwrap(), [""; 0]);
        simulated.set_scopes(&["read_api", "gist"]);
        assert_eq!(open().missing_scopes().await.unwrap(), [scope]);
    }
    let (_folder, simulated) = start(Kind::GitLab).await;
    let provider = open(Kind::GitLab, &simulated, "backend", SETTLE);
    simulated.set_scopes(&["read_api"]);
    let refused = provider.create_issue(&operation("1"), new_issue("a")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Unauthorized);
    let line = refused.to_line();
    assert!(line.contains("higher privileges"), "{line}");
}
