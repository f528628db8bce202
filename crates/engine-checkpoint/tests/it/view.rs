//! Runs seen from other processes.

use std::sync::Arc;

use core_types::{
    Event, Timestamp,
    step::{Fingerprint, StepState},
};
use engine_checkpoint::{RunJournal, RunView};
use serde_json::json;
use testkit::FixedClock;

use crate::support::{clocked, create, header, key, plan, step_ref, warning};

fn texts<'a>(events: impl Iterator<Item = &'a core_types::EventRecord>) -> String {
    let text = |event: &core_types::EventRecord| match &event.event {
        Event::Warning { message } => message.clone(),
        other => format!("{other:?}"),
    };
    events.map(text).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_reader_follows_a_run_that_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let run = create(folder.path());
    let mut view = RunView::read(folder.path()).unwrap();
    assert_eq!((view.header(), view.sessions()), (&header(), 1));
    assert_eq!(view.refresh().unwrap(), 0);

    run.events().emit(None, warning("a"));
    run.steps()
        .begin(&key("s"), 1, &Fingerprint::new())
        .await
        .unwrap();
    assert_eq!(view.refresh().unwrap(), 2);
    assert_eq!(texts(view.events().map(|(_, event)| event)), "a");
    assert!(matches!(
        view.steps()[&key("s")].state,
        StepState::Begun { .. }
    ));

    run.steps().finish(&key("s"), 1, json!(3)).await.unwrap();
    run.checkpoints()
        .create(&plan("p"), "x", json!(4))
        .await
        .unwrap();
    run.append_run_record("note", json!("n")).await.unwrap();
    assert_eq!(view.refresh().unwrap(), 3);
    assert!(
        matches!(&view.steps()[&key("s")].state, StepState::Finished { result, .. } if *result == 3)
    );
    assert_eq!(
        view.latest_checkpoint(&plan("p"), Some("x")).unwrap().data,
        4
    );
    assert_eq!(view.latest_checkpoint(&plan("p"), Some("y")), None);
    assert_eq!(view.checkpoints().count(), 1);
    assert_eq!(view.run_record("note"), Some(&json!("n")));
    assert!(view.is_held().unwrap());
}

#[tokio::test]
async fn events_of_an_execution_that_was_repeated_are_folded_away() {
    let folder = tempfile::tempdir().unwrap();
    let run = create(folder.path());
    let (log, events, print) = (run.steps(), run.events(), Fingerprint::new());
    events.emit(None, warning("start"));
    log.begin(&key("a"), 1, &print).await.unwrap();
    events.emit(Some(&step_ref("a", 1)), warning("a1"));
    log.begin(&key("b"), 1, &print).await.unwrap();
    events.emit(Some(&step_ref("b", 1)), warning("b1"));
    log.finish(&key("b"), 1, json!(1)).await.unwrap();
    drop((run, log, events));

    let run = RunJournal::open(folder.path(), &Default::default()).unwrap();
    run.steps().begin(&key("a"), 2, &print).await.unwrap();
    let mut view = RunView::read(folder.path()).unwrap();
    let folded = |view: &RunView| texts(view.events().map(|(_, event)| event));
    assert_eq!(
        folded(&view),
        "start b1",
        "the second execution has begun without an event yet"
    );
    run.events().emit(Some(&step_ref("a", 2)), warning("a2"));
    run.events().flush().await.unwrap();
    view.refresh().unwrap();
    assert_eq!(folded(&view), "start b1 a2");
    assert_eq!(
        texts(view.all_events().iter().map(|(_, event)| event)),
        "start a1 b1 a2"
    );
    assert!(view.all_events().is_sorted_by_key(|(seq, _)| *seq));
    assert_eq!(view.steps()[&key("a")].execution, 2);
}

#[tokio::test]
async fn a_clock_that_goes_back_changes_times_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(Timestamp(9_000)));
    let run = RunJournal::create(folder.path(), &clocked(&clock), header()).unwrap();
    run.steps()
        .begin(&key("a"), 1, &Fingerprint::new())
        .await
        .unwrap();
    run.checkpoints()
        .create(&plan("p"), "x", json!("old"))
        .await
        .unwrap();
    clock.set(Timestamp(1_000));
    run.steps().finish(&key("a"), 1, json!(1)).await.unwrap();
    run.checkpoints()
        .create(&plan("p"), "x", json!("new"))
        .await
        .unwrap();
    let latest = run
        .checkpoints()
        .latest(&plan("p"), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (latest.data, latest.created),
        (json!("new"), Timestamp(1_000))
    );
    let view = RunView::read(folder.path()).unwrap();
    let step = &view.steps()[&key("a")];
    assert_eq!(
        (step.begun, step.finished),
        (Timestamp(9_000), Some(Timestamp(1_000)))
    );
}

#[test]
fn where_no_run_is_there_is_nothing_to_read_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = RunView::read(&missing).unwrap_err();
    assert!(matches!(error, engine_checkpoint::Error::NoRun { .. }));
    assert!(!missing.exists());
}
