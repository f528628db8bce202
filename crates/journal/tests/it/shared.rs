//! Shared journals: many writers, one batch at a time.

use std::path::Path;

use journal::{
    Error, LockMode, OpenMode, Options, Position, SharedJournal, Storage,
    faults::{Fault, FaultKind, Repeat, SimulatedStorage},
};

use crate::common::{DIR, NOTE, Texts, options, read};

fn add(journal: &SharedJournal<Texts>, text: &str) -> Result<u64, Error> {
    journal.batch(|_, batch| batch.append(NOTE, text.into()))
}

fn texts(journal: &SharedJournal<Texts>) -> Vec<String> {
    journal
        .read(|texts| texts.0.clone())
        .expect("the journal is readable")
}

fn shared(storage: &SimulatedStorage) -> SharedJournal<Texts> {
    SharedJournal::open(Path::new(DIR), options(storage), Texts::default())
        .expect("the journal is readable")
}

#[test]
fn handles_that_write_at_once_see_each_other() {
    const THREADS: usize = 8;
    const BATCHES: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let options = Options {
        segment_bytes: 1000,
        ..Options::default()
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // A handle each, as processes have.
                let journal = SharedJournal::open(&dir, options.clone(), Texts::default()).unwrap();
                for _ in 0..BATCHES {
                    let appended = journal.batch(|texts, batch| {
                        let next = texts.0.len();
                        batch.append(NOTE, next.to_string().into())?;
                        batch.append(NOTE, (next + 1).to_string().into())
                    });
                    appended.unwrap();
                }
            });
        }
    });
    let expected: Vec<_> = (0..THREADS * BATCHES * 2)
        .map(|number| number.to_string())
        .collect();
    assert_eq!(
        read(&dir, &options).unwrap(),
        expected,
        "each batch was decided on the state of the one before"
    );
}

#[test]
fn a_batch_that_is_refused_appends_nothing() {
    let storage = SimulatedStorage::new();
    let journal = shared(&storage);
    let refused: Result<(), Error> = journal.batch(|_, batch| {
        batch.append(NOTE, b"staged".to_vec())?;
        Err(Error::Stopped)
    });
    assert!(matches!(refused, Err(Error::Stopped)));
    assert_eq!(add(&journal, "a").unwrap(), 1);
    assert_eq!(texts(&journal), ["a"]);
}

#[test]
fn a_batch_of_a_lone_writer_takes_one_flush() {
    let storage = SimulatedStorage::new();
    let journal = shared(&storage);
    add(&journal, "a").unwrap();
    let before = storage.syncs();
    journal
        .batch(|_, batch| {
            batch.append(NOTE, b"b".to_vec())?;
            batch.append(NOTE, b"c".to_vec())
        })
        .unwrap();
    assert_eq!(storage.syncs() - before, 1);
    let other = shared(&storage);
    add(&other, "d").unwrap();
    assert_eq!(
        storage.syncs() - before,
        3,
        "what others wrote is flushed before it is acted on"
    );
    assert_eq!(texts(&journal), ["a", "b", "c", "d"]);
}

#[test]
fn a_torn_tail_is_cut_and_the_segment_goes_on() {
    let storage = SimulatedStorage::new();
    let (journal, other) = (shared(&storage), shared(&storage));
    add(&journal, "a").unwrap();
    let segment = Path::new(DIR).join("00000001-000000000001.journal");
    let whole = storage.content(&segment).unwrap();
    storage.set_content(&segment, &[&*whole, b"torn"].concat());
    assert_eq!(texts(&other), ["a"], "readers pass over it");
    assert_eq!(add(&other, "b").unwrap(), 2);
    assert_eq!(texts(&journal), ["a", "b"]);
    let recovered = other.recovered();
    assert_eq!(recovered.len(), 1);
    assert_eq!(
        (recovered[0].offset, recovered[0].bytes),
        (whole.len() as u64, 4)
    );
    assert_eq!(storage.content(&recovered[0].quarantine).unwrap(), b"torn");
    let segments = storage.list(Path::new(DIR)).unwrap();
    assert_eq!(
        segments,
        ["00000001-000000000001.journal"],
        "no second segment"
    );
}

#[test]
fn a_failed_flush_ends_the_handle_not_the_journal() {
    let storage = SimulatedStorage::new();
    let (journal, other) = (shared(&storage), shared(&storage));
    add(&journal, "a").unwrap();
    let operations = storage.operations();
    add(&journal, "b").unwrap();
    let batch = storage.operations() - operations;
    let write = storage.writes().last().unwrap().0 - operations;
    assert!(write < batch);
    let operation = storage.operations() + write;
    storage.inject(Fault {
        operation,
        kind: FaultKind::Full,
        repeat: Repeat::Once,
        written: 5,
    });
    assert!(matches!(add(&journal, "c"), Err(Error::Full { .. })));
    assert!(matches!(add(&journal, "d"), Err(Error::Poisoned { .. })));
    assert_eq!(texts(&journal), ["a", "b"], "it still reads");
    assert_eq!(add(&other, "e").unwrap(), 3);
}

#[test]
fn a_batch_waits_for_the_lock() {
    let storage = SimulatedStorage::new();
    let journal = shared(&storage);
    let lock = storage
        .lock(&Path::new(DIR).join("lock"), LockMode::Try)
        .unwrap()
        .unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| add(&journal, "mine"));
        // Under our lock another writer's bytes arrive; the batch must come after them.
        let twin = storage.restart(journal::faults::Crash::Kill);
        add(&shared(&twin), "theirs").unwrap();
        let segment = Path::new(DIR).join("00000001-000000000001.journal");
        let file = storage.open(&segment, OpenMode::CreateNew).unwrap();
        file.write_at(0, &twin.content(&segment).unwrap()).unwrap();
        drop(lock);
        assert_eq!(waiting.join().unwrap().unwrap(), 2);
    });
    assert_eq!(texts(&journal), ["theirs", "mine"]);
}

/// A snapshot of the state at each record, then what follows it.
#[test]
fn a_position_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let options = Options {
        segment_bytes: 200,
        ..Options::default()
    };
    let writer = SharedJournal::open(dir, options.clone(), Texts::default()).unwrap();
    let placed = |_: &Texts, position: Option<Position>| position;
    assert_eq!(writer.read_at(placed).unwrap(), None, "nothing is there");
    let mut positions = Vec::new();
    for number in 0..20 {
        add(&writer, &format!("text {number}")).unwrap();
        positions.push(writer.read_at(placed).unwrap().unwrap());
    }
    let n_segments = || {
        let names = options.storage.list(dir).unwrap();
        names.iter().filter(|it| it.ends_with(".journal")).count()
    };
    assert!(n_segments() > 3, "over several segments");
    let rest_of = |position: &Position| {
        let opened = SharedJournal::open_at(dir, options.clone(), Texts::default(), position);
        opened.unwrap().map(|journal| texts(&journal))
    };
    for (number, position) in positions.iter().enumerate() {
        assert_eq!(position.seq(), number as u64 + 1);
        let position = Position::from_bytes(&position.to_bytes()).unwrap();
        let expected: Vec<_> = (number + 1..20).map(|it| format!("text {it}")).collect();
        assert_eq!(rest_of(&position), Some(expected));
    }
    // Whoever goes on from there writes as others do, over a torn tail too.
    let last = positions[19];
    let newest = newest_segment(dir);
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes.extend([7; 50]);
    journal::atomic_write(&newest, &bytes).unwrap();
    let opened = SharedJournal::open_at(dir, options.clone(), Texts::default(), &last);
    let opened = opened.unwrap().unwrap();
    add(&opened, "after the torn tail").unwrap();
    assert_eq!(opened.recovered().len(), 1);
    assert_eq!(texts(&opened), ["after the torn tail"]);
    assert_eq!(texts(&writer).len(), 21);
    // A record that was cut, or written anew with other words, is not the one that was seen.
    let position = opened.read_at(placed).unwrap().unwrap();
    let newest = newest_segment(dir);
    let bytes = std::fs::read(&newest).unwrap();
    journal::atomic_write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(rest_of(&position), None, "cut");
    let other = SharedJournal::open(dir, options.clone(), Texts::default()).unwrap();
    add(&other, "after another crash").unwrap();
    assert_eq!(rest_of(&position), None, "written anew");
    assert_eq!(rest_of(&last), Some(vec!["after another crash".to_owned()]));
    std::fs::remove_dir_all(dir).unwrap();
    assert_eq!(rest_of(&last), None, "gone");
    assert_eq!(Position::from_bytes(&[0; Position::LEN]), None);
}

fn newest_segment(dir: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(dir).expect("a folder").flatten();
    let segments = files.map(|file| file.path());
    let mut segments: Vec<_> = segments
        .filter(|path| path.extension().is_some_and(|it| it == "journal"))
        .collect();
    segments.sort();
    segments.pop().expect("a segment")
}
