//! What forges have beyond the port.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::{sync::Arc, time::Duration};

use core_types::{
    APART, BranchName, ErrorClass, GitProvider as _, IssueChange, NewIssue, RepositoryName,
    SystemClock,
};
use forges::remote::{
    Check, CheckState, Kind, Options, PullRequestReview, RemoteForge, Secret, Slug, Verdict,
};

use super::{assert_as_described, contract, new_pull_request, open, start};
use crate::support::{new_issue, operation};

on_each! {
    branches_files_checks_reviews_and_rights_are_read_and_set
    all_that_is_asked_and_answered_is_as_described
}

async fn branches_files_checks_reviews_and_rights_are_read_and_set(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    simulated.add_account("grace", "graces-token");
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    let access = provider.access().await.unwrap();
    assert!(access.can_read && access.can_write && access.allows_fast_forward && access.is_admin);
    assert!(!provider.may_write("mallory").await.unwrap());
    simulated.set_permission("ada", "backend", "mallory", "read");
    assert!(!provider.may_write("mallory").await.unwrap());
    simulated.set_permission("ada", "backend", "grace", "write");
    assert!(provider.may_write("grace").await.unwrap());
    simulated.set_admin("ada", "backend", false);
    let access = provider.access().await.unwrap();
    assert!(access.can_write && !access.is_admin);
    let asked = provider.may_write("grace").await;
    match kind {
        // It tells an administrator alone who else may write.
        Kind::Gitea => assert_eq!(asked.unwrap_err().class(), ErrorClass::Unauthorized),
        _ => assert!(asked.unwrap()),
    }
    simulated.set_admin("ada", "backend", true);

    let main = BranchName::new("main").unwrap();
    let commit = provider.branch(&main).await.unwrap().unwrap();
    let new = BranchName::new("automation/run-1/change").unwrap();
    assert_eq!(provider.branch(&new).await.unwrap(), None);
    for _ in 0..2 {
        provider.create_branch(&new, &commit).await.unwrap();
    }
    assert_eq!(provider.branch(&new).await.unwrap(), Some(commit.clone()));
    let other = simulated.branch("ada", "backend", "automation/a").unwrap();
    let elsewhere = provider.create_branch(&new, &other).await.unwrap_err();
    assert_eq!(elsewhere.class(), ErrorClass::Conflict);
    for _ in 0..2 {
        provider.delete_branch(&new).await.unwrap();
    }
    let file = provider.file("a.txt", "automation/a").await.unwrap();
    assert_eq!(file.as_deref(), Some(&b"A change.\n"[..]));
    assert_eq!(provider.file("a.txt", "main").await.unwrap(), None);

    let mut check = Check {
        context: "automation/tests".to_owned(),
        state: CheckState::Pending,
        description: "12 of 13".to_owned(),
    };
    provider.set_check(&commit, &check).await.unwrap();
    check.state = CheckState::Success;
    for _ in 0..2 {
        provider.set_check(&commit, &check).await.unwrap();
    }
    assert_eq!(provider.checks(&commit).await.unwrap(), [check]);

    let opened = new_pull_request(&simulated, "automation/a");
    let opened = provider
        .create_pull_request(&operation("1"), opened)
        .await
        .unwrap();
    assert_eq!(
        provider.is_mergeable(opened.number).await.unwrap(),
        Some(true)
    );
    let mut review = PullRequestReview {
        author: "robot".to_owned(),
        verdict: Verdict::Comment,
        body: "Looks right.".to_owned(),
        commit: opened.head_commit.clone(),
    };
    for _ in 0..2 {
        provider.review(opened.number, &review).await.unwrap();
    }
    assert_eq!(
        provider.reviews(opened.number).await.unwrap(),
        [review.clone()]
    );
    review.verdict = Verdict::Approved;
    let own = provider.review(opened.number, &review).await.unwrap_err();
    assert_eq!(
        own.class(),
        ErrorClass::Validation,
        "nobody approves what is theirs"
    );
    let n_posts = |calls: &[testkit::forge::Call], path: &str| {
        let posts = calls
            .iter()
            .filter(|it| it.method == "POST" && it.path.contains(path));
        posts.count()
    };
    let calls = simulated.take_calls();
    assert_eq!(
        n_posts(&calls, "/statuses/"),
        2,
        "what says so already is not said again"
    );
    let n_reviews = match kind {
        // There they are comments, and of one's own it is not even asked.
        Kind::GitLab => n_posts(&calls, "/notes") + 1,
        _ => n_posts(&calls, "/reviews"),
    };
    assert_eq!(n_reviews, 2);
}

async fn all_that_is_asked_and_answered_is_as_described(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    let labels = ["b", "a"].map(str::to_owned).to_vec();
    let new = NewIssue {
        labels,
        ..new_issue("a")
    };
    let made = provider.create_issue(&operation("1"), new).await.unwrap();
    let change = IssueChange {
        labels: Some(vec!["a".to_owned(), "c".to_owned()]),
        ..IssueChange::default()
    };
    let changed = provider
        .update_issue(&operation("2"), made.number, change)
        .await;
    assert_eq!(changed.unwrap().labels, ["a", "c"]);
    assert_eq!(provider.labelled("c").await.unwrap().len(), 1);
    if kind == Kind::GitLab {
        // What the others publish of this is not among what we hold them to.
        let changes = provider.label_changes(made.number).await.unwrap();
        assert_eq!(changes.len(), 4);
    }
    provider.access().await.unwrap();
    provider.may_write("grace").await.unwrap();
    let main = BranchName::new("main").unwrap();
    let commit = provider.branch(&main).await.unwrap().unwrap();
    let new = BranchName::new("x/y").unwrap();
    provider.create_branch(&new, &commit).await.unwrap();
    provider.delete_branch(&new).await.unwrap();
    provider.file("README.md", "main").await.unwrap();
    let check = Check {
        context: "tests".to_owned(),
        state: CheckState::Failure,
        description: String::new(),
    };
    provider.set_check(&commit, &check).await.unwrap();
    let opened = new_pull_request(&simulated, "automation/a");
    let opened = provider
        .create_pull_request(&operation("3"), opened)
        .await
        .unwrap();
    let again = new_pull_request(&simulated, "automation/a");
    let again = provider
        .create_pull_request(&operation("4"), again)
        .await
        .unwrap_err();
    let number = if kind == Kind::GitLab { "!1" } else { "2" };
    let expected = format!("pull request {number} is open for automation/a into main");
    let line = again.to_line();
    assert!(line.contains(&expected), "{line}");
    let review = PullRequestReview {
        author: String::new(),
        verdict: Verdict::Comment,
        body: "Right.".to_owned(),
        commit,
    };
    provider.review(opened.number, &review).await.unwrap();
    let Some(contract) = contract(kind) else {
        return;
    };
    let n_calls = assert_as_described(&simulated, Some(&contract));
    assert!(n_calls >= 20, "{n_calls} calls");
}

#[test]
fn each_forge_has_its_pages_for_people() {
    let own = "https://git.example.org";
    for (kind, url, issue, merge_request) in [
        (
            Kind::Gitea,
            own,
            "https://git.example.org/ada/backend/issues/7",
            None,
        ),
        (
            Kind::GitHub,
            own,
            "https://git.example.org/ada/backend/issues/7",
            None,
        ),
        (
            Kind::GitHub,
            "https://api.github.com/",
            "https://github.com/ada/backend/issues/7",
            None,
        ),
        (
            Kind::GitLab,
            own,
            "https://git.example.org/ada/backend/-/issues/7",
            Some("https://git.example.org/ada/backend/-/merge_requests/7"),
        ),
    ] {
        let name = RepositoryName::new("backend").unwrap();
        let token = Secret::new("token".to_owned());
        let clock = Arc::new(SystemClock);
        let forge = RemoteForge::new(kind, url, token, Options::default(), clock).unwrap();
        let forge = forge.with_repository(name.clone(), Slug::new("ada", "backend").unwrap());
        let backend = forge.repository(&name).unwrap();
        assert_eq!(backend.page(7).as_deref(), Some(issue));
        if let Some(page) = merge_request {
            assert_eq!(backend.page(APART + 7).as_deref(), Some(page));
        }
    }
}

/// What Gitea says of a person is the least that a team may do; pushing may be more.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_push_by_a_team_of_gitea_may_write() {
    let (_folder, simulated) = start(Kind::Gitea).await;
    let repository = open(Kind::Gitea, &simulated, "backend", Duration::ZERO);
    assert!(
        !repository.may_write("grace").await.unwrap(),
        "there is no team"
    );
    simulated.add_team("ada", "backend", "read", &["grace", "mallory"]);
    simulated.add_team("ada", "backend", "write", &["grace"]);
    for login in ["grace", "mallory"] {
        simulated.set_permission("ada", "backend", login, "read");
    }
    assert!(repository.may_write("grace").await.unwrap());
    assert!(!repository.may_write("mallory").await.unwrap());
    assert!(!repository.may_write("nobody").await.unwrap());
}
