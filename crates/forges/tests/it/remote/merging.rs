//! Merges of exactly one commit.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::time::Duration;

use core_types::{ErrorClass, GitProvider as _, Operated, PullRequestChange, PullRequestState};
use forges::remote::Kind;
use testkit::forge::Faults;

use super::{new_pull_request, open, patient, start};
use crate::support::operation;

on_each! {
    a_push_that_a_pull_request_has_not_noticed_yet_is_waited_for
    a_merge_is_of_the_expected_commit_and_says_why_it_cannot_be
    a_merge_whose_answer_is_lost_is_known_to_have_happened
    what_somebody_has_pushed_to_the_base_counts_as_landed
    a_title_that_would_make_a_draft_does_not
    a_draft_of_a_person_is_called_one
}

/// An issue's title may begin so, and is our pull request's.
async fn a_title_that_would_make_a_draft_does_not(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    let mut new = new_pull_request(&simulated, "automation/a");
    new.title = "WIP: Draft: A change".to_owned();
    let opened = provider.create_pull_request(&operation("1"), new).await;
    let opened = opened.unwrap();
    let expected = match kind {
        // It says beside the title whether one is a draft.
        Kind::GitHub => "WIP: Draft: A change",
        Kind::GitLab => "A change",
        _ => "Draft: A change",
    };
    assert_eq!(opened.title, expected);
    let name = operation("2");
    let merged = provider.merge_pull_request(&name, opened.number, &opened.head_commit);
    assert_eq!(merged.await.unwrap().state, PullRequestState::Merged);
}

async fn a_draft_of_a_person_is_called_one(kind: Kind) {
    let title = match kind {
        Kind::GitHub => return,
        Kind::GitLab => "Draft: A change",
        _ => "WIP: A change",
    };
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    let number = simulated.propose("ada", "backend", "grace", title, "automation/a");
    let head = simulated.branch("ada", "backend", "automation/a").unwrap();
    let name = operation("1");
    let error = provider
        .merge_pull_request(&name, number, &head)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Conflict);
    let line = error.to_line();
    assert!(
        line.contains("it is a draft: mark it as ready first"),
        "{line}"
    );
}

async fn a_push_that_a_pull_request_has_not_noticed_yet_is_waited_for(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(400));
    let new = new_pull_request(&simulated, "automation/a");
    let opened = provider.create_pull_request(&operation("1"), new).await;
    let opened = opened.unwrap();
    let further = simulated.branch("ada", "backend", "automation/c").unwrap();
    simulated.push("ada", "backend", "automation/a", &further);
    let slow = Faults {
        slow_heads: 0.8,
        ..Faults::default()
    };
    simulated.set_faults(slow, 3);
    let change = PullRequestChange {
        head_commit: Some(further.clone()),
        ..PullRequestChange::default()
    };
    let name = operation("2");
    let changed = provider.update_pull_request(&name, opened.number, change);
    assert_eq!(changed.await.unwrap().head_commit, further);

    simulated.push("ada", "backend", "automation/a", &opened.head_commit);
    let name = operation("3");
    let merged = provider.merge_pull_request(&name, opened.number, &opened.head_commit);
    assert_eq!(merged.await.unwrap().head_commit, opened.head_commit);
    let main = simulated.branch("ada", "backend", "main");
    assert_eq!(main, Some(opened.head_commit));
}

async fn a_merge_is_of_the_expected_commit_and_says_why_it_cannot_be(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    let main = || simulated.branch("ada", "backend", "main").unwrap();
    let open_one = async |name: &str, head: &str| {
        let new = new_pull_request(&simulated, head);
        let opened = provider.create_pull_request(&operation(name), new).await;
        opened.unwrap()
    };
    let refused = async |name: &str, opened: &core_types::PullRequest| {
        let head = &opened.head_commit;
        let name = operation(name);
        let merging = provider.merge_pull_request(&name, opened.number, head);
        let error = merging.await.unwrap_err();
        (error.class(), error.to_line())
    };
    let (a, c) = (
        open_one("1", "automation/a").await,
        open_one("2", "automation/c").await,
    );
    let before = main();

    simulated.set_rights("ada", "backend", false, true);
    let (class, line) = refused("3", &a).await;
    assert_eq!(class, ErrorClass::Unauthorized, "{line}");
    simulated.set_rights("ada", "backend", true, false);
    let (class, line) = refused("4", &a).await;
    if kind == Kind::GitHub {
        // A branch's rules may ask for what comes by itself.
        assert_eq!(class, ErrorClass::Transient, "{line}");
    } else {
        assert_eq!(class, ErrorClass::Validation, "{line}");
        assert!(
            line.contains("do not allow merges by fast-forward"),
            "{line}"
        );
    }
    simulated.set_rights("ada", "backend", true, true);
    // Somebody pushes after it was tested.
    simulated.push("ada", "backend", "automation/a", &c.head_commit);
    let (class, line) = refused("5", &a).await;
    assert_eq!((class, main()), (ErrorClass::Conflict, before), "{line}");
    assert!(
        line.contains(&format!(
            "proposes {}, not {}",
            c.head_commit, a.head_commit
        )),
        "{line}"
    );
    simulated.push("ada", "backend", "automation/a", &a.head_commit);

    let merged = provider
        .merge_pull_request(&operation("6"), a.number, &a.head_commit)
        .await;
    assert_eq!(merged.unwrap().state, PullRequestState::Merged);
    assert_eq!(main(), a.head_commit, "the base is exactly what was tested");
    let (class, line) = refused("7", &c).await;
    assert_eq!(
        (class, main()),
        (ErrorClass::Conflict, a.head_commit.clone())
    );
    assert!(line.contains("its base has moved"), "{line}");
    assert_eq!(provider.find(&operation("7")).await.unwrap(), None);

    // The next process knows the merge by the state of the pull request.
    let next = open(kind, &simulated, "backend", Duration::from_millis(10));
    let found = next.find(&operation("6")).await.unwrap();
    assert!(matches!(found, Some(Operated::PullRequest(it)) if it.number == a.number));
}

async fn a_merge_whose_answer_is_lost_is_known_to_have_happened(kind: Kind) {
    for seed in 0..10 {
        let (_folder, simulated) = start(kind).await;
        let provider = patient(open(kind, &simulated, "backend", Duration::from_millis(10)));
        let new = new_pull_request(&simulated, "automation/a");
        let opened = provider
            .create_pull_request(&operation("1"), new)
            .await
            .unwrap();
        let faults = Faults {
            down_after: 0.25,
            lost: 0.25,
            ..Faults::default()
        };
        simulated.set_faults(faults, seed);
        let name = operation("2");
        let merged = provider.merge_pull_request(&name, opened.number, &opened.head_commit);
        assert_eq!(
            merged.await.unwrap().state,
            PullRequestState::Merged,
            "seed {seed}"
        );
        assert_eq!(
            simulated.branch("ada", "backend", "main"),
            Some(opened.head_commit)
        );
    }
}

async fn what_somebody_has_pushed_to_the_base_counts_as_landed(kind: Kind) {
    for allowed in [false, true] {
        let (_folder, simulated) = start(kind).await;
        if allowed {
            simulated.allow_merges_by_hand("ada", "backend");
        }
        let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
        let new = new_pull_request(&simulated, "automation/a");
        let opened = provider
            .create_pull_request(&operation("1"), new)
            .await
            .unwrap();
        simulated.push("ada", "backend", "main", &opened.head_commit);
        let merged = PullRequestChange {
            state: Some(PullRequestState::Merged),
            ..PullRequestChange::default()
        };
        let name = operation("2");
        let changed = provider.update_pull_request(&name, opened.number, merged);
        // The others take note of it by themselves.
        let expected = if allowed || kind != Kind::Gitea {
            PullRequestState::Merged
        } else {
            PullRequestState::Closed
        };
        assert_eq!(changed.await.unwrap().state, expected);
        assert_eq!(
            simulated.branch("ada", "backend", "main"),
            Some(opened.head_commit)
        );
    }
}
