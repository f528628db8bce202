//! Records that this version did not write.

use core_types::{ErrorClass, Event};
use engine_checkpoint::{CheckpointManager, Error, Options, RunJournal, RunView, kind};
use journal::{Journal, Kind, SharedJournal};
use serde_json::{Value, json};

use crate::support::{create, plan};

/// Adds a record to a run as another version of this program would.
fn append(dir: &std::path::Path, kind: Kind, payload: &Value) {
    let replay = |_: &journal::Record| Ok::<_, journal::Error>(());
    let journal = Journal::create_or_open(dir, journal::Options::default(), replay)
        .expect("the journal opens");
    let payload = payload.to_string().into_bytes();
    journal
        .append_blocking(kind, payload)
        .expect("the record is appended");
}

#[tokio::test]
async fn records_of_unknown_kinds_are_passed_over_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    append(
        folder.path(),
        Kind(9_999),
        &json!({"v": 1, "x": "from the future"}),
    );
    let run = RunJournal::open(folder.path(), &Options::default()).unwrap();
    run.append_run_record("a", json!(1)).await.unwrap();
    drop(run);
    assert_eq!(
        RunView::read(folder.path()).unwrap().run_record("a"),
        Some(&json!(1))
    );
    let mut reader = journal::Reader::open(folder.path(), &journal::Options::default());
    let kept = reader
        .read_new()
        .unwrap()
        .into_iter()
        .filter(|record| record.kind == Kind(9_999));
    assert_eq!(kept.count(), 1);
}

#[tokio::test]
async fn an_event_of_a_newer_program_is_shown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    let event = json!({"type": "from_the_future", "x": [1, 2]});
    append(
        folder.path(),
        kind::EVENT,
        &json!({"v": 1, "at": 5, "event": event}),
    );
    let view = RunView::read(folder.path()).unwrap();
    assert_eq!(view.all_events()[0].1.event, Event::Unknown(event));
}

#[tokio::test]
async fn a_newer_record_is_refused_by_its_version() {
    for payload in [
        json!({"v": 2, "name": "a", "value": 1}),
        json!({"v": 2, "title": "another form"}),
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(create(folder.path()));
        append(folder.path(), kind::RUN_RECORD, &payload);
        let error = RunJournal::open(folder.path(), &Options::default()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Validation);
        let line = error.during("resume the run").to_line();
        let cause = "a record of kind 3 has version 2, newer than 1";
        assert!(line.contains(cause), "{line}");
        let error = RunView::read(folder.path()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Validation);
    }
}

#[tokio::test]
async fn a_record_of_another_form_is_named_and_no_panic() {
    let finish = json!({"v": 1, "at": 1, "execution": 1, "result": 1,
        "key": {"scope": {"of": "run"}, "attempt": 1, "name": "a"}});
    for (record_kind, payload) in [
        (kind::STEP_BEGUN, json!({"v": 1})),
        (kind::STEP_BEGUN, json!("text")),
        (
            kind::CHECKPOINT,
            json!({"v": 1, "at": 1, "plan": "../x", "stage": "x", "data": 1}),
        ),
        (kind::STEP_FINISHED, finish),
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(create(folder.path()));
        append(folder.path(), record_kind, &payload);
        let error = RunJournal::open(folder.path(), &Options::default()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Internal, "{error:?}");
        let line = error.during("resume the run").to_line();
        assert!(line.contains("record 3"), "{line}");
    }
}

#[tokio::test]
async fn a_newer_checkpoint_is_refused_in_a_shared_folder_too() {
    #[derive(Debug)]
    struct Nothing;
    impl journal::Fold for Nothing {
        fn apply(&mut self, _: &journal::Record) -> Result<(), journal::FoldError> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let manager = CheckpointManager::open(folder.path()).unwrap();
    manager
        .create_checkpoint(&plan("a"), "x", Value::Null)
        .await
        .unwrap();
    let newer = SharedJournal::open(folder.path(), journal::Options::default(), Nothing).unwrap();
    let payload = json!({"v": 2}).to_string().into_bytes();
    let append =
        |_: &Nothing, batch: &mut journal::Batch<'_>| batch.append(kind::CHECKPOINT, payload);
    newer.batch(append).unwrap();
    let error = manager.get_latest_checkpoint(&plan("a")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    let error = manager
        .create_checkpoint(&plan("a"), "x", Value::Null)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Journal(_)),
        "nothing is written beside what is not understood"
    );
}
