use std::time::Duration;

use learning::{OutcomeChange, Recorded, Source};

use crate::support::{convention, execution, open, open_with, run, task_id, trial, work};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_clean_up_keeps_what_records_came_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, clock) = open_with(folder.path(), trial(60));
    feedback
        .propose(convention("Say hello.", Source::Person))
        .await
        .expect("proposed");
    work(&feedback, "old", 45, "Say hello.").await;
    clock.advance(100 * DAY);
    work(&feedback, "new", 10, "Say hello.").await;
    feedback
        .record_outcome(
            &run("new-1"),
            &task_id("task"),
            1,
            OutcomeChange::reverted(),
        )
        .await
        .expect("changed");
    let (stats, lessons) = (
        feedback.get_learning_stats().await.expect("statistics"),
        feedback.lessons().await.expect("lessons"),
    );
    let (other, _) = open_with(folder.path(), trial(60));

    assert_eq!(
        feedback.cleanup_old_feedback(200 * DAY).await.ok(),
        Some(0),
        "none is so old"
    );
    assert_eq!(feedback.cleanup_old_feedback(90 * DAY).await.ok(), Some(45));
    let mut after = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!(after.removed, 45);
    after.removed = 0;
    assert_eq!(after, stats);
    assert_eq!(
        feedback.lessons().await.ok(),
        Some(lessons.clone()),
        "no posterior changes"
    );
    assert_eq!(
        other.lessons().await.ok(),
        Some(lessons.clone()),
        "a handle from before follows"
    );
    let (reopened, _) = open_with(folder.path(), trial(60));
    assert_eq!(reopened.lessons().await.ok(), Some(lessons));

    // What was kept is known still; what was removed is not.
    let again = other
        .record_execution(execution("new-1", "task", true))
        .await;
    assert_eq!(again.ok(), Some(Recorded::Already));
    let gone = other
        .record_outcome(
            &run("old-1"),
            &task_id("task"),
            1,
            OutcomeChange::reverted(),
        )
        .await;
    assert!(gone.is_err(), "it was cleaned away");
    // The trial goes on to its look, whatever handle works.
    work(&other, "more", 5, "Say hello.").await;
    let promoted = feedback
        .get_learning_stats()
        .await
        .expect("statistics")
        .lessons;
    assert_eq!((promoted.promoted, promoted.trials), (1, 0), "{promoted:?}");
}

#[tokio::test]
async fn what_is_removed_is_gone_from_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, clock) = open(folder.path());
    let secretive = execution("r1", "t", true).prompt("xylophone");
    let secretive = secretive.repository("music".parse().expect("a valid name"));
    feedback
        .record_execution(secretive)
        .await
        .expect("recorded");
    let other = execution("r2", "t", true).prompt("trumpet");
    feedback.record_execution(other).await.expect("recorded");
    clock.advance(DAY);
    let music = "music".parse().expect("a valid name");
    assert_eq!(feedback.forget(&music).await.ok(), Some(1));
    assert_eq!(
        feedback.forget(&music).await.ok(),
        Some(0),
        "it is forgotten already"
    );
    let mut text = String::new();
    for folder in [folder.path().join("g1"), folder.path().join("g2")] {
        for entry in folder.read_dir().into_iter().flatten() {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    assert!(
        text.contains("trumpet") && !text.contains("xylophone"),
        "{text}"
    );
    assert_eq!(
        feedback
            .similar("trumpet xylophone", 9)
            .await
            .map(|it| it.len())
            .ok(),
        Some(1)
    );
    assert_eq!(
        feedback
            .get_learning_stats()
            .await
            .map(|it| it.total_executions)
            .ok(),
        Some(2)
    );
}

#[tokio::test]
async fn an_unfinished_clean_up_is_as_if_it_had_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, clock) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    clock.advance(DAY);
    feedback
        .record_execution(execution("r2", "t", true))
        .await
        .expect("recorded");
    // What a kill leaves: a successor that the journal does not name.
    let orphan = folder.path().join("g2");
    let journal = journal::Journal::create_or_open(&orphan, journal::Options::default(), |_| {
        Ok::<(), journal::Error>(())
    })
    .expect("a journal");
    journal
        .append_blocking(journal::Kind(8), b"{}".to_vec())
        .expect("appended");
    drop(journal);
    let (reopened, clock) = open(folder.path());
    clock.advance(DAY);
    assert_eq!(
        reopened
            .get_learning_stats()
            .await
            .map(|it| it.total_executions)
            .ok(),
        Some(2)
    );
    assert_eq!(reopened.cleanup_old_feedback(DAY / 2).await.ok(), Some(1));
    assert_eq!(
        feedback
            .get_learning_stats()
            .await
            .map(|it| it.total_executions)
            .ok(),
        Some(2)
    );
    assert_eq!(
        reopened
            .get_learning_stats()
            .await
            .map(|it| it.removed)
            .ok(),
        Some(1)
    );
}
