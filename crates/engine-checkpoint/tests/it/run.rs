//! A run that is held, given back and taken again.

use core_types::{
    ErrorClass, PortError, Scope, StepKey,
    step::{self, Fingerprint, Step, StepState, WhenUnknown},
};
use engine_checkpoint::{Error, Options, RunJournal, RunView};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{create, header, key, plan, step_ref, task, warning};

fn open(dir: &std::path::Path) -> Result<RunJournal, Error> {
    RunJournal::open(dir, &Options::default())
}

#[tokio::test]
async fn what_was_recorded_is_there_after_taking_the_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run/journal");
    let run = create(&dir);
    assert_eq!(run.session(), 1);
    let fingerprint = Fingerprint::new().with("input", "a");
    run.steps().begin(&key("a"), 1, &fingerprint).await.unwrap();
    run.steps().finish(&key("a"), 1, json!([1])).await.unwrap();
    run.steps().begin(&key("b"), 1, &fingerprint).await.unwrap();
    run.steps().consent(&key("b")).await.unwrap();
    let checkpoint = run
        .checkpoints()
        .create(&plan("p"), "x", json!(5))
        .await
        .unwrap();
    run.append_run_record("configuration", json!(1))
        .await
        .unwrap();
    run.append_run_record("configuration", json!(2))
        .await
        .unwrap();
    run.append_run_record("other", Value::Null).await.unwrap();
    drop(run);

    let run = open(&dir).unwrap();
    assert_eq!((run.session(), run.header()), (2, &header()));
    let result = json!([1]);
    let finished = StepState::Finished {
        fingerprint: fingerprint.clone(),
        result,
    };
    assert_eq!(run.steps().state(&key("a")), finished);
    let begun = StepState::Begun {
        fingerprint,
        execution: 1,
        consent: true,
    };
    assert_eq!(run.steps().state(&key("b")), begun);
    assert_eq!(run.steps().state(&key("c")), StepState::New);
    let latest = run
        .checkpoints()
        .latest(&plan("p"), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((latest.id, latest.data), (checkpoint, json!(5)));
    assert_eq!(
        run.run_record("configuration"),
        Some(json!(2)),
        "the last of a name counts"
    );
    assert_eq!(run.run_record("other"), Some(Value::Null));
    assert_eq!(run.run_record("missing"), None);
    assert!(run.recovered().is_none());
}

#[tokio::test]
async fn one_process_at_a_time_holds_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = create(folder.path());
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::Locked { .. }));
    assert_eq!(error.class(), ErrorClass::Conflict);
    let error = RunJournal::create(folder.path(), &Options::default(), header()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }));
    assert!(RunView::read(folder.path()).unwrap().is_held().unwrap());

    let steps = run.steps();
    drop(run);
    open(folder.path()).expect_err("a view holds the run too");
    drop(steps);
    assert!(!RunView::read(folder.path()).unwrap().is_held().unwrap());
    assert_eq!(
        open(folder.path()).unwrap().session(),
        2,
        "a refused taking counts as none"
    );
}

#[tokio::test]
async fn what_is_told_to_a_run_that_nobody_holds_is_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let tell =
        |dir: &std::path::Path| RunJournal::tell(dir, &Options::default(), warning("raised"));
    let missing = folder.path().join("missing");
    assert!(matches!(tell(&missing).unwrap_err(), Error::NoRun { .. }));
    assert!(!missing.exists(), "a mistyped path stays as it was");

    let run = create(folder.path());
    assert!(matches!(
        tell(folder.path()).unwrap_err(),
        Error::Locked { .. }
    ));
    drop(run);
    tell(folder.path()).unwrap();
    let view = RunView::read(folder.path()).unwrap();
    assert!(!view.is_held().unwrap());
    let told: Vec<_> = view.all_events().iter().map(|(_, it)| &it.event).collect();
    assert_eq!(told, [&warning("raised")]);
    assert_eq!(open(folder.path()).unwrap().session(), 2);
}

#[tokio::test]
async fn a_run_is_made_once_and_opened_only_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = open(&missing).unwrap_err();
    assert!(matches!(&error, Error::NoRun { .. }));
    assert_eq!(error.class(), ErrorClass::NotFound);
    assert!(!missing.exists(), "a mistyped path stays as it was");

    drop(create(folder.path()));
    let error = RunJournal::create(folder.path(), &Options::default(), header()).unwrap_err();
    assert!(matches!(&error, Error::Exists { .. }));
    assert_eq!(error.class(), ErrorClass::Conflict);
    assert_eq!(open(folder.path()).unwrap().session(), 2);

    let checkpoints = folder.path().join("checkpoints");
    let manager = engine_checkpoint::CheckpointManager::open(&checkpoints).unwrap();
    manager
        .create_checkpoint(&plan("p"), "x", Value::Null)
        .await
        .unwrap();
    let error = RunJournal::create(&checkpoints, &Options::default(), header()).unwrap_err();
    assert!(
        matches!(error, Error::Exists { .. }),
        "other journals are not taken over"
    );
    assert!(matches!(
        open(&checkpoints).unwrap_err(),
        Error::NoRun { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_steps_at_once_are_all_recorded_with_their_events() {
    let folder = tempfile::tempdir().unwrap();
    let run = create(folder.path());
    let mut steps = JoinSet::new();
    for number in 0..64_u32 {
        let (log, events) = (run.steps(), run.events());
        steps.spawn(async move {
            let key = StepKey::new(Scope::Task(task(&format!("task-{number}"))), 1, "act");
            let step = Step::new(key, Fingerprint::new(), WhenUnknown::Idempotent);
            let act = |step| async move {
                events.emit(Some(&step), warning(number.to_string()));
                tokio::task::yield_now().await;
                Ok(number)
            };
            assert_eq!(step::run(&*log, step, act).await.unwrap(), number);
        });
    }
    while let Some(ended) = steps.join_next().await {
        ended.unwrap();
    }
    drop(run);
    let view = RunView::read(folder.path()).unwrap();
    assert_eq!(view.events().count(), 64);
    let finished = |number: u32| {
        let key = StepKey::new(Scope::Task(task(&format!("task-{number}"))), 1, "act");
        matches!(&view.steps()[&key].state, StepState::Finished { result, .. } if *result == number)
    };
    assert!((0..64).all(finished));
}

#[tokio::test]
async fn an_event_that_could_not_be_taken_fails_the_next_step_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.journal.max_record_bytes = 1000;
    let run = RunJournal::create(folder.path(), &options, header()).unwrap();
    let (log, print) = (run.steps(), Fingerprint::new());
    let class = |result: Result<(), PortError>| result.unwrap_err().class();
    log.begin(&key("a"), 1, &print).await.unwrap();
    run.events()
        .emit(Some(&step_ref("a", 1)), warning("x".repeat(2000)));
    run.events().emit(None, warning("taken"));
    let finished = log.finish(&key("a"), 1, json!(1)).await;
    assert_eq!(class(finished), ErrorClass::Validation);
    assert!(
        matches!(log.state(&key("a")), StepState::Begun { .. }),
        "it counts as begun"
    );
    log.finish(&key("a"), 1, json!(1)).await.unwrap();
    run.events().emit(None, warning("x".repeat(2000)));
    assert_eq!(class(run.events().flush().await), ErrorClass::Validation);
    run.events().flush().await.unwrap();
    assert_eq!(RunView::read(folder.path()).unwrap().events().count(), 1);
}

#[tokio::test]
async fn a_dropped_call_leaves_a_log_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = create(folder.path());
    let (log, print) = (run.steps(), Fingerprint::new());
    // Polled once, so that the record is queued, then dropped.
    async fn poll_once<T>(future: impl Future<Output = T>) {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|context| {
            drop(future.as_mut().poll(context));
            std::task::Poll::Ready(())
        })
        .await;
    }
    poll_once(log.begin(&key("a"), 1, &print)).await;
    let execution = match log.state(&key("a")) {
        StepState::Begun { execution, .. } => execution,
        _ => 0,
    };
    log.begin(&key("a"), execution + 1, &print).await.unwrap();
    poll_once(log.finish(&key("a"), execution + 1, json!(1))).await;
    run.events().flush().await.unwrap();
    drop((run, log));
    let state = open(folder.path()).unwrap().steps().state(&key("a"));
    let finished = StepState::Finished {
        fingerprint: print,
        result: json!(1),
    };
    assert_eq!(
        state, finished,
        "what was queued is on disk, answered or not"
    );
}

#[tokio::test]
async fn folders_and_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("runs/run-1/journal");
    drop(create(&dir));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in dir.read_dir().unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
