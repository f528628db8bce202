//! A run is cut off at every operation on the disk, in every way a crash leaves
//! it, and opened again.

use std::path::Path;

use core_types::{
    ErrorClass, Event, Inbox, Message, PortError,
    step::{Fingerprint, StepState},
};
use engine_checkpoint::{CheckpointManager, FileInbox, Options, RunJournal, RunView};
use journal::faults::{Crash, Fault, FaultKind, Repeat, SimulatedStorage};
use serde_json::json;

use crate::support::{header, key, plan, simulated, step_ref, warning};

const DIR: &str = "/runs/run-1/journal";
const STEPS: [&str; 3] = ["a", "b", "c"];
const CRASHES: [Crash; 6] = [
    Crash::Kill,
    Crash::LoseUnsynced,
    Crash::KeepPrefix(1),
    Crash::KeepPrefix(40),
    Crash::KeepPrefix(300),
    Crash::LosePrefix(30),
];

/// What a run was told to be on disk before it was cut off.
#[derive(Debug, Default)]
struct Acknowledged {
    created: bool,
    begun: usize,
    finished: usize,
    checkpoints: usize,
    notes: usize,
}

/// Works through all steps, from wherever the journal stands.
async fn work(run: &RunJournal, told: &mut Acknowledged) -> Result<(), PortError> {
    let (log, events) = (run.steps(), run.events());
    let print = Fingerprint::new().with("input", "x");
    for (index, name) in STEPS.into_iter().enumerate() {
        let execution = match log.state(&key(name)) {
            StepState::New => 1,
            StepState::Begun { execution, .. } => execution + 1,
            StepState::Finished { .. } => continue,
        };
        events.emit(None, warning(format!("before {name}")));
        log.begin(&key(name), execution, &print).await?;
        told.begun = index + 1;
        events.emit(Some(&step_ref(name, execution)), warning(name));
        log.finish(&key(name), execution, json!(name)).await?;
        told.finished = index + 1;
        run.checkpoints()
            .create(&plan("p"), name, json!(index))
            .await?;
        told.checkpoints = index + 1;
        let noted = run.append_run_record("note", json!(index)).await;
        noted.map_err(|error| error.during("note"))?;
        told.notes = index + 1;
    }
    events.emit(None, warning("end"));
    events.flush().await
}

async fn start_and_work(options: &Options) -> (Acknowledged, Option<ErrorClass>) {
    let mut told = Acknowledged::default();
    match RunJournal::create(DIR, options, header()) {
        Err(error) => (told, Some(error.class())),
        Ok(run) => {
            told.created = true;
            let failure = work(&run, &mut told).await.err();
            (told, failure.map(|error| error.class()))
        }
    }
}

/// How many operations an undisturbed run takes.
async fn operations() -> u64 {
    let storage = SimulatedStorage::new();
    let (told, failure) = start_and_work(&simulated(&storage)).await;
    assert_eq!((told.notes, failure), (STEPS.len(), None));
    storage.operations()
}

fn check(view: &RunView, told: &Acknowledged, case: &str) {
    let state = |name: &'static str| view.steps().get(&key(name)).map(|step| &step.state);
    let finished = |name| matches!(state(name), Some(StepState::Finished { .. }));
    for (index, name) in STEPS.into_iter().enumerate() {
        if index < told.begun {
            assert!(
                state(name).is_some(),
                "{case}: the begin of {name} was acknowledged"
            );
        }
        if index < told.finished {
            assert!(finished(name), "{case}: the end of {name} was acknowledged");
        }
        if index > 0 && state(name).is_some() {
            assert!(
                finished(STEPS[index - 1]),
                "{case}: {name} is a prefix's end"
            );
        }
        if finished(name) {
            let Some(StepState::Finished { result, .. }) = state(name) else {
                unreachable!("it is finished")
            };
            assert_eq!(*result, name, "{case}: results are whole");
            let own = |event: &Event| *event == warning(name);
            let events = view
                .events()
                .filter(|(_, record)| own(&record.event))
                .count();
            assert_eq!(events, 1, "{case}: the event of {name} is there, once");
        }
        if state(name).is_some() {
            let before = warning(format!("before {name}"));
            let is_there = view
                .all_events()
                .iter()
                .any(|(_, record)| record.event == before);
            assert!(
                is_there,
                "{case}: what came before the begin of {name} is there"
            );
        }
    }
    assert!(
        view.checkpoints().count() >= told.checkpoints,
        "{case}: checkpoints"
    );
    // A step that finished just before the cut is replayed, and makes none when the run goes on.
    let data: Vec<_> = view
        .checkpoints()
        .map(|checkpoint| checkpoint.data.as_u64())
        .collect();
    let is_whole = data.iter().all(Option::is_some);
    assert!(
        is_whole && data.is_sorted_by(|a, b| a < b),
        "{case}: {data:?} are in order"
    );
    let note = view.run_record("note").and_then(|note| note.as_u64());
    assert!(
        note.map_or(0, |note| note + 1) >= told.notes as u64,
        "{case}: notes"
    );
}

/// Cuts a run off at an operation, and goes on after every kind of crash.
async fn cut_off_at(operation: u64, kind: FaultKind, written: usize) {
    let storage = SimulatedStorage::new();
    storage.inject(Fault {
        operation,
        kind,
        repeat: Repeat::Forever,
        written,
    });
    let (told, failure) = start_and_work(&simulated(&storage)).await;
    for crash in CRASHES {
        let case = format!(
            "operation {operation} ({kind:?}, {written} bytes written), {crash:?}, {told:?}, {failure:?}"
        );
        let storage = storage.restart(crash);
        let options = simulated(&storage);
        match RunView::read_with(DIR, &options.journal) {
            Ok(view) => check(&view, &told, &case),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::NotFound, "{case}: {error:?}");
                assert!(!told.created, "{case}: the run was acknowledged");
            }
        }
        let run = match RunJournal::open(DIR, &options) {
            Ok(run) => run,
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::NotFound, "{case}: {error:?}");
                RunJournal::create(DIR, &options, header())
                    .expect("a cut-off creation is taken over")
            }
        };
        let resumed = work(&run, &mut Acknowledged::default()).await;
        resumed.unwrap_or_else(|error| panic!("{case}: {}", error.to_line()));
        drop(run);
        let view = RunView::read_with(DIR, &options.journal).expect("the run is readable");
        let all = Acknowledged {
            created: true,
            begun: STEPS.len(),
            finished: STEPS.len(),
            ..told
        };
        check(
            &view,
            &Acknowledged {
                checkpoints: 0,
                notes: 0,
                ..all
            },
            &case,
        );
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_at_any_operation() {
    let operations = operations().await;
    assert!(operations > 20, "the run does something");
    for operation in 1..=operations + 1 {
        for written in [0, 25, 200] {
            cut_off_at(operation, FaultKind::Io, written).await;
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_its_class_and_leaves_the_run_readable() {
    let operations = operations().await;
    for kind in [FaultKind::Full, FaultKind::ReadOnly] {
        let mut met = 0;
        for operation in 1..=operations {
            let storage = SimulatedStorage::new();
            let repeat = Repeat::Forever;
            storage.inject(Fault {
                operation,
                kind,
                repeat,
                written: 10,
            });
            let (told, failure) = start_and_work(&simulated(&storage)).await;
            let Some(class) = failure else {
                continue;
            };
            met += 1;
            assert_eq!(
                class,
                ErrorClass::ResourceExhausted,
                "operation {operation}"
            );
            // Space is back, without a restart.
            let storage = storage.restart(Crash::Kill);
            if told.created {
                let view = RunView::read_with(DIR, &simulated(&storage).journal).unwrap();
                check(&view, &told, &format!("{kind:?} at operation {operation}"));
            }
        }
        assert!(met > 10, "the disk was full {met} times");
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let run = crate::support::create(folder.path());
    run.append_run_record("a", json!(1)).await.unwrap();
    run.append_run_record("b", json!("x".repeat(100)))
        .await
        .unwrap();
    drop(run);
    let is_segment = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "journal");
    let entries = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = entries.filter(is_segment).max().unwrap();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();

    let view = RunView::read(folder.path()).unwrap();
    assert_eq!(
        (view.run_record("a"), view.run_record("b")),
        (Some(&json!(1)), None)
    );
    let run = RunJournal::open(folder.path(), &Options::default()).unwrap();
    assert!(run.recovered().is_some(), "the torn tail is reported");
    assert_eq!(
        (run.run_record("a"), run.run_record("b")),
        (Some(json!(1)), None)
    );
    run.append_run_record("b", json!(2)).await.unwrap();
    assert_eq!(
        RunView::read(folder.path()).unwrap().run_record("b"),
        Some(&json!(2))
    );
}

#[tokio::test]
async fn damage_is_named_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = crate::support::create(folder.path());
    for number in 0..3 {
        run.append_run_record("a", json!(number)).await.unwrap();
    }
    drop(run);
    let segment = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|e| e == "journal"));
    let segment = segment.max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    #[expect(
        clippy::disallowed_methods,
        reason = "the test damages a file on purpose"
    )]
    std::fs::write(&segment, bytes).unwrap();
    for error in [
        RunJournal::open(folder.path(), &Options::default()).unwrap_err(),
        RunView::read(folder.path()).unwrap_err(),
    ] {
        assert_eq!(error.class(), ErrorClass::Internal);
        assert!(error.to_string().contains("is damaged at byte"), "{error}");
    }
}

/// Checkpoints and messages in shared folders, cut off at every operation.
#[tokio::test]
async fn shared_folders_lose_nothing_acknowledged() {
    async fn work(options: &Options) -> Result<(usize, usize), (usize, usize, ErrorClass)> {
        let (mut made, mut sent) = (0, 0);
        let manager = CheckpointManager::open_with(Path::new("/checkpoints"), options);
        let inbox = FileInbox::open(Path::new("/inbox"), options);
        let (Ok(manager), Ok(inbox)) = (manager, inbox) else {
            return Err((0, 0, ErrorClass::Internal));
        };
        for number in 0..4 {
            let made_one = manager
                .create_checkpoint(&plan("p"), "x", json!(number))
                .await;
            made_one.map_err(|error| (made, sent, error.class()))?;
            made += 1;
            let message = Message::Consent { key: key("a") };
            inbox
                .send(&message)
                .await
                .map_err(|error| (made, sent, error.class()))?;
            sent += 1;
        }
        Ok((made, sent))
    }
    let storage = SimulatedStorage::new();
    assert_eq!(work(&simulated(&storage)).await, Ok((4, 4)));
    for operation in 1..=storage.operations() {
        for kind in [FaultKind::Io, FaultKind::Full] {
            let storage = SimulatedStorage::new();
            let repeat = Repeat::Forever;
            storage.inject(Fault {
                operation,
                kind,
                repeat,
                written: 30,
            });
            let (made, sent, class) = work(&simulated(&storage)).await.unwrap_err();
            if kind == FaultKind::Full && made > 0 {
                assert_eq!(
                    class,
                    ErrorClass::ResourceExhausted,
                    "operation {operation}"
                );
            }
            // One kind of error is enough for the crashes after it.
            for crash in CRASHES.into_iter().filter(|_| kind == FaultKind::Io) {
                let case = format!("operation {operation}, {crash:?}");
                let storage = storage.restart(crash);
                let options = simulated(&storage);
                let manager = CheckpointManager::open_with("/checkpoints", &options).unwrap();
                let list = manager.list_checkpoints(&plan("p")).await.unwrap();
                let data: Vec<_> = list.iter().map(|c| c.data.clone()).collect();
                let expected: Vec<_> = (0..data.len()).map(|number| json!(number)).collect();
                assert_eq!(data, expected, "{case}: whole, and a prefix");
                assert!(
                    (made..=made + 1).contains(&data.len()),
                    "{case}: {made} were made"
                );
                let inbox = FileInbox::open("/inbox", &options).unwrap();
                let messages = inbox.messages().await.unwrap().len();
                assert!(
                    (sent..=sent + 1).contains(&messages),
                    "{case}: {sent} were sent"
                );
                manager
                    .create_checkpoint(&plan("p"), "x", json!(data.len()))
                    .await
                    .unwrap();
                let now = manager.list_checkpoints(&plan("p")).await.unwrap().len();
                assert_eq!(now, data.len() + 1, "{case}: it goes on");
            }
        }
    }
}
