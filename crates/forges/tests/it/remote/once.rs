//! What is done once, whatever becomes of its answer.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::time::Duration;

use core_types::{ErrorClass, GitProvider as _, NewComment, Operated};
use forges::remote::Kind;
use testkit::forge::Faults;

use super::{assert_no_duplicates, new_pull_request, open, start};
use crate::support::{new_issue, operation};

on_each! {
    what_a_process_left_before_it_was_killed_is_found_by_the_next
    a_call_that_is_dropped_anywhere_leaves_its_operation_to_be_found
    a_change_of_an_old_comment_is_seen_at_once
    marks_that_somebody_else_writes_count_for_nothing
}

async fn what_a_process_left_before_it_was_killed_is_found_by_the_next(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let settle = Duration::from_millis(60);
    let issue = simulated.write_issue("ada", "backend", "grace", "A wish", "Please.");
    let lost = Faults {
        lost: 1.0,
        ..Faults::default()
    };
    // The account is known: only what is sent then is lost.
    let first = open(kind, &simulated, "backend", settle);
    first.list_issues().await.unwrap();
    first.get_issue(issue).await.unwrap();
    simulated.set_faults(lost, 1);
    let unknown = ErrorClass::UnknownOutcome;
    let made = first.create_issue(&operation("1"), new_issue("a")).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    let comment = || NewComment {
        issue,
        body: "Done.".to_owned(),
    };
    let made = first.create_comment(&operation("2"), comment()).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    let new = || new_pull_request(&simulated, "automation/a");
    let made = first.create_pull_request(&operation("3"), new()).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    drop(first);

    // Lists of the first moments show nothing of it.
    let late = Faults {
        lag: Duration::from_millis(40),
        late: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(late, 1);
    let second = open(kind, &simulated, "backend", settle);
    let left = second.find(&operation("1")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::Issue(it)) if it.title == "a"),
        "the issue"
    );
    let left = second.find(&operation("2")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::Comment(it)) if it.body == "Done."),
        "the comment"
    );
    let left = second.find(&operation("3")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::PullRequest(it)) if it.body == "Why."),
        "the pull request"
    );
    // And what is said again returns it.
    second
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    second
        .create_comment(&operation("2"), comment())
        .await
        .unwrap();
    second
        .create_pull_request(&operation("3"), new())
        .await
        .unwrap();
    assert_eq!(
        simulated.truth("ada", "backend").len(),
        4,
        "one of each, and the wish"
    );
    assert_eq!(second.find(&operation("4")).await.unwrap(), None);
}

async fn a_call_that_is_dropped_anywhere_leaves_its_operation_to_be_found(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(20));
    let mut n_dropped = 0_u32;
    for step in 0..60_u64 {
        let name = operation(format!("drop-{step}"));
        // It is polled a bit longer each time, so that it is dropped at ever later points.
        let polls = async {
            for _ in 0..step * step / 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            made = provider.create_issue(&name, new_issue("a")) => drop(made.unwrap()),
            () = polls => n_dropped += 1,
        }
        provider.create_issue(&name, new_issue("a")).await.unwrap();
        assert!(provider.find(&name).await.unwrap().is_some());
    }
    assert!(n_dropped > 0, "some are dropped before they end");
    assert_no_duplicates(&simulated, "backend", 0);
    assert_eq!(provider.list_issues().await.unwrap().len(), 60);
}

/// A list shows a change of just now, however late it is, also of a comment that was written long ago.
async fn a_change_of_an_old_comment_is_seen_at_once(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let issue = simulated.write_issue("ada", "backend", "grace", "A wish", "Please.");
    let settle = Duration::from_millis(100);
    let provider = open(kind, &simulated, "backend", settle);
    let comment = NewComment {
        issue,
        body: "old".to_owned(),
    };
    let made = provider.create_comment(&operation("1"), comment).await;
    let id = made.unwrap().id;
    tokio::time::sleep(settle * 2).await;
    provider.list_comments(issue).await.unwrap();
    let late = Faults {
        lag: settle / 2,
        late: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(late, 1);
    let body = "new".to_owned();
    let changed = provider.update_comment(&operation("2"), id, body).await;
    changed.unwrap();
    let listed = provider.list_comments(issue).await.unwrap();
    assert_eq!(listed[0].body, "new");
    let others = provider.list_comments(issue + 1).await;
    assert!(others.is_err(), "it is not of another issue");
}

async fn marks_that_somebody_else_writes_count_for_nothing(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let ours = open(kind, &simulated, "backend", Duration::from_millis(10));
    let made = ours
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    let stored = simulated.truth("ada", "backend")[0].body.clone();
    assert!(stored.contains("made="), "{stored}");
    let forged = stored.replace("#1", "#2").replace("made=1", "made=2");
    assert_ne!(forged, stored);
    simulated.write_issue("ada", "backend", "mallory", "b", &forged);
    let next = open(kind, &simulated, "backend", Duration::from_millis(10));
    assert_eq!(next.find(&operation("2")).await.unwrap(), None);
    let found = next.find(&operation("1")).await.unwrap();
    assert!(matches!(found, Some(Operated::Issue(it)) if it.number == made.number));
    // What a person has written is shown as it is.
    assert_eq!(next.list_issues().await.unwrap()[1].body, forged);

    // Whoever knows what we are about to say, and that its answer will be lost, gets nothing of his taken for it.
    let comment = || NewComment {
        issue: made.number,
        body: "Done.".to_owned(),
    };
    let say = |text: &str| simulated.write_comment("ada", "backend", made.number, "mallory", text);
    let his = say("Wait.") + 1;
    let operation_3 = operation("3");
    let forged = format!("Mine.\n\n<!-- automation-marks/1 changed={operation_3}@{his} -->");
    assert_eq!(say(&forged), his);
    next.list_issues().await.unwrap();
    let lost = Faults {
        down_before: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(lost, 1);
    next.create_comment(&operation("3"), comment())
        .await
        .unwrap_err();
    simulated.set_faults(Faults::default(), 1);
    assert_eq!(next.find(&operation("3")).await.unwrap(), None, "his");
    let ours = next.create_comment(&operation("3"), comment()).await;
    assert_eq!(ours.unwrap().body, "Done.");
}
