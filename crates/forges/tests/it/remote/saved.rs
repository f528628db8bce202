//! How often a forge is asked, by path: with reads saved and without.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::{sync::Arc, time::Duration};

use core_types::{GitProvider as _, NewComment, RepositoryName, SystemClock, Timestamp};
use forges::remote::{Kind, Options, Reads, RemoteForge, RemoteRepository, Secret, Slug};
use testkit::forge::SimulatedForge;

use super::{TOKEN, options, start};
use crate::support::operation;

on_each! {
    a_comment_of_ours_is_changed_without_a_look
    a_comment_that_somebody_deleted_is_gone_from_the_list
    what_has_changed_is_one_list
    an_account_is_asked_for_once
}

fn forge(kind: Kind, simulated: &SimulatedForge, reads: Reads) -> RemoteForge {
    let options = Options {
        reads,
        ..options(Duration::from_secs(60))
    };
    let token = Secret::new(TOKEN.to_owned());
    RemoteForge::new(kind, simulated.url(), token, options, Arc::new(SystemClock)).unwrap()
}

fn repository(forge: RemoteForge) -> Arc<RemoteRepository> {
    let name = RepositoryName::new("backend").unwrap();
    let slug = Slug::new("ada", "backend").unwrap();
    let forge = forge.with_repository(name.clone(), slug);
    forge.repository(&name).unwrap()
}

/// The calls since this was last asked: methods, and the last parts of paths.
fn calls(simulated: &SimulatedForge) -> Vec<String> {
    let calls = simulated.take_calls();
    let shown = calls.iter().map(|it| {
        let last = it.path.rsplit('/').find(|it| it.parse::<u64>().is_err());
        let unchanged = if it.status == 304 { " 304" } else { "" };
        format!("{} {}{unchanged}", it.method, last.unwrap())
    });
    shown.collect()
}

async fn a_comment_of_ours_is_changed_without_a_look(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let list = if kind == Kind::GitLab {
        "notes"
    } else {
        "comments"
    };
    let change = if kind == Kind::GitLab { "PUT" } else { "PATCH" };
    for (reads, n_looks) in [(Reads::Saved, 0), (Reads::Each, 1)] {
        let repository = repository(forge(kind, &simulated, reads));
        let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
        let body = "Begun".to_owned();
        let new = NewComment { issue, body };
        let made = operation(format!("made-{reads:?}"));
        let id = repository.create_comment(&made, new).await.unwrap().id;
        calls(&simulated);
        // What we wrote is on the list: neither before a change nor beside the list is it read again.
        for n in 0..2 {
            let change = operation(format!("change-{reads:?}-{n}"));
            let text = format!("Done {n}");
            repository
                .update_comment(&change, id, text.clone())
                .await
                .unwrap();
            let listed = repository.list_comments(issue).await.unwrap();
            assert_eq!(listed[0].body, text);
        }
        let called = calls(&simulated);
        let look = [format!("GET {list}")];
        let mut expected = Vec::new();
        for _ in 0..2 {
            expected.extend(std::iter::repeat_n(look[0].clone(), n_looks));
            expected.push(format!("{change} {list}"));
            expected.push(look[0].clone());
            expected.extend(std::iter::repeat_n(look[0].clone(), n_looks));
        }
        assert_eq!(called, expected, "{kind:?} {reads:?}");
        // Said again, it is found by its mark.
        let again = operation(format!("change-{reads:?}-1"));
        repository
            .update_comment(&again, id, "Again".to_owned())
            .await
            .unwrap();
        assert!(!calls(&simulated).iter().any(|it| it.starts_with(change)));
    }
}

/// Also where it was written just now.
async fn a_comment_that_somebody_deleted_is_gone_from_the_list(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    for reads in [Reads::Saved, Reads::Each] {
        let repository = repository(forge(kind, &simulated, reads));
        let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
        let body = "Begun".to_owned();
        let new = NewComment { issue, body };
        let made = operation(format!("made-{reads:?}"));
        let made = repository.create_comment(&made, new).await.unwrap();
        let there = simulated.truth("ada", "backend");
        let there = there
            .iter()
            .rfind(|it| it.kind == "comment")
            .unwrap()
            .number;
        simulated.delete_comment("ada", "backend", there);
        let change = operation(format!("change-{reads:?}"));
        let changed = repository
            .update_comment(&change, made.id, "Done".to_owned())
            .await;
        let class = changed.unwrap_err().class();
        assert_eq!(
            class,
            core_types::ErrorClass::NotFound,
            "{kind:?} {reads:?}"
        );
        assert_eq!(
            repository.list_comments(issue).await.unwrap(),
            [],
            "{kind:?} {reads:?}"
        );
    }
}

async fn what_has_changed_is_one_list(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let forge = forge(kind, &simulated, Reads::Saved);
    let repository = repository(forge.clone());
    let old = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    let pull = simulated.propose("ada", "backend", "grace", "It", "automation/a");
    simulated.write_comment("ada", "backend", old, "grace", "Please");
    forge.login().await.unwrap();
    calls(&simulated);
    let since = Timestamp(forge.time().0 - 60_000);
    let changed = repository.changed_issues(since).await.unwrap();
    let issue = changed.iter().find(|it| it.issue.number == old).unwrap();
    assert_eq!((issue.n_comments, issue.is_pull_request), (1, false));
    assert_eq!(calls(&simulated), ["GET issues"], "{kind:?}");
    let changed = repository.changed_issues_and_pull_requests(since).await;
    let changed = changed.unwrap();
    assert!(
        changed
            .iter()
            .any(|it| it.issue.number == pull && it.is_pull_request)
    );
    let expected: &[_] = match kind {
        Kind::GitLab => &["GET issues 304", "GET merge_requests"],
        _ => &["GET issues 304"],
    };
    assert_eq!(calls(&simulated), expected, "{kind:?}");
    let later = Timestamp(forge.time().0 + 60_000);
    assert_eq!(repository.changed_issues(later).await.unwrap(), []);
}

/// Whoever uses it: other runs of the process, too.
async fn an_account_is_asked_for_once(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let forge = forge(kind, &simulated, Reads::Saved);
    let other = forge.for_another(None);
    let (first, second) = tokio::join!(forge.login(), other.login());
    assert_eq!((&*first.unwrap(), &*second.unwrap()), ("robot", "robot"));
    forge.for_another(None).login().await.unwrap();
    assert_eq!(calls(&simulated), ["GET user"]);
}

/// Its answers say how many items there are: a page that is not full is not followed by a look at the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_gitea_that_is_whole_is_read_once() {
    let (_folder, simulated) = start(Kind::Gitea).await;
    let repository = repository(forge(Kind::Gitea, &simulated, Reads::Each));
    for n in 0..51 {
        simulated.write_issue("ada", "backend", "grace", &format!("Issue {n}"), "");
        if n == 0 || n == 49 {
            calls(&simulated);
            repository.list_issues().await.unwrap();
            let n_lists = calls(&simulated)
                .iter()
                .filter(|it| **it == "GET issues")
                .count();
            assert_eq!(n_lists, 1, "{n}");
        }
    }
    assert_eq!(repository.list_issues().await.unwrap().len(), 51);
}

/// Gitea knows labels by numbers, which seldom change.
#[tokio::test(flavor = "multi_thread")]
async fn labels_of_gitea_are_looked_up_once() {
    for (reads, n_lists) in [(Reads::Saved, 2), (Reads::Each, 6)] {
        let (_folder, simulated) = start(Kind::Gitea).await;
        let repository = repository(forge(Kind::Gitea, &simulated, reads));
        let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
        for label in ["a", "b"] {
            simulated.write_label("ada", "backend", issue, "grace", label);
            simulated.write_label("ada", "backend", issue, "grace", &format!("-{label}"));
        }
        let [a, b] = ["a", "b"].map(|it| vec![it.to_owned()]);
        for (add, remove) in [(&a, &b), (&b, &a), (&a, &b)] {
            repository.change_labels(issue, add, remove).await.unwrap();
        }
        assert_eq!(simulated.labels("ada", "backend", issue), ["a"]);
        // One that was made since is looked up.
        simulated.write_label("ada", "backend", issue, "grace", "c");
        let remove = ["c".to_owned()];
        repository.change_labels(issue, &[], &remove).await.unwrap();
        assert_eq!(simulated.labels("ada", "backend", issue), ["a"]);
        let called = calls(&simulated);
        let is_list = |it: &&String| **it == "GET labels" || **it == "GET labels 304";
        let n = called.iter().filter(is_list).count();
        assert_eq!(n, n_lists + usize::from(reads == Reads::Each), "{called:?}");
    }
}

/// What is off sends no tag, and gets each answer whole.
#[tokio::test(flavor = "multi_thread")]
async fn without_savings_nothing_is_asked_for_by_its_tag() {
    for (reads, expected) in [
        (Reads::Saved, "GET issues 304"),
        (Reads::Each, "GET issues"),
    ] {
        let (_folder, simulated) = start(Kind::GitHub).await;
        let repository = repository(forge(Kind::GitHub, &simulated, reads));
        let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
        repository.get_issue(issue).await.unwrap();
        calls(&simulated);
        repository.get_issue(issue).await.unwrap();
        assert_eq!(calls(&simulated), [expected]);
    }
}
