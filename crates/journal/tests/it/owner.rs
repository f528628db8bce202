//! One owner: order, group commit, exclusion, epochs, poisoning.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use journal::{
    ClassHint, Error, Journal, Kind, LockMode, OpenMode, Options, Storage, StorageFile,
    StorageLock,
    faults::{Fault, FaultKind, Repeat, SimulatedStorage},
    is_locked,
};

use crate::common::{DIR, NOTE, open, options, read, with};

fn dir() -> &'static Path {
    Path::new(DIR)
}

#[test]
fn replays_what_earlier_owners_appended_in_order() {
    let storage = SimulatedStorage::new();
    for owner in 1..=3_u64 {
        let (journal, replayed) = open(dir(), options(&storage)).unwrap();
        assert_eq!(
            u64::from(journal.epoch()),
            owner,
            "each owner has a higher epoch"
        );
        assert_eq!(replayed.len() as u64, (owner - 1) * 3);
        assert_eq!(journal.last_seq(), (owner - 1) * 3);
        assert!(journal.recovered().is_none());
        journal
            .append_buffered(NOTE, format!("{owner}a").into())
            .unwrap();
        assert_eq!(
            journal
                .append_blocking(NOTE, format!("{owner}b").into())
                .unwrap(),
            owner * 3 - 1
        );
        // Written when the last handle is dropped.
        journal
            .append_buffered(NOTE, format!("{owner}c").into())
            .unwrap();
    }
    let expected = ["1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "3c"];
    assert_eq!(read(dir(), &options(&storage)).unwrap(), expected);
}

#[test]
fn long_journals_go_on_in_new_segments() {
    let storage = SimulatedStorage::new();
    let options = Options {
        segment_bytes: 100,
        ..options(&storage)
    };
    let (journal, _) = open(dir(), options.clone()).unwrap();
    for number in 0..20 {
        journal
            .append_blocking(NOTE, number.to_string().into())
            .unwrap();
    }
    let names = storage.list(dir()).unwrap();
    assert!(
        names.contains(&"00000001-000000000001.journal".to_owned()),
        "{names:?}"
    );
    assert_eq!(
        names
            .iter()
            .filter(|name| name.ends_with(".journal"))
            .count(),
        7,
        "{names:?}"
    );
    assert_eq!(read(dir(), &options).unwrap().len(), 20);
}

#[test]
fn a_record_longer_than_a_read_is_whole() {
    let storage = SimulatedStorage::new();
    let (journal, _) = open(dir(), options(&storage)).unwrap();
    let texts = ["a".repeat(1 << 20), String::new(), "b".repeat(100_000)];
    for text in &texts {
        journal.append_blocking(NOTE, text.clone().into()).unwrap();
    }
    drop(journal);
    assert_eq!(open(dir(), options(&storage)).unwrap().1, texts);
}

#[test]
fn refuses_what_cannot_be_stored_and_goes_on() {
    let storage = SimulatedStorage::new();
    let options = Options {
        max_record_bytes: 3,
        ..options(&storage)
    };
    let (journal, _) = open(dir(), options).unwrap();
    let error = journal.append_blocking(NOTE, b"four".to_vec()).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { bytes: 4, limit: 3 }),
        "{error:?}"
    );
    assert_eq!(error.class_hint(), ClassHint::Validation);
    let error = journal
        .append_buffered(Kind(0xFF00), Vec::new())
        .unwrap_err();
    assert_eq!(error.to_string(), "kind 0xff00 is reserved");
    assert_eq!(journal.append_blocking(NOTE, b"two".to_vec()).unwrap(), 1);
}

#[tokio::test]
async fn a_dropped_append_is_written_in_its_place() {
    let storage = SimulatedStorage::new();
    let (journal, _) = open(dir(), options(&storage)).unwrap();
    drop(journal.append(NOTE, b"first".to_vec()));
    assert_eq!(journal.append(NOTE, b"second".to_vec()).await.unwrap(), 2);
    journal.append_buffered(NOTE, b"third".to_vec()).unwrap();
    journal.flush().await.unwrap();
    // A blocking call inside a runtime works, too.
    journal.flush_blocking().unwrap();
    let crashed = storage.restart(journal::faults::Crash::LoseUnsynced);
    assert_eq!(
        read(dir(), &options(&crashed)).unwrap(),
        ["first", "second", "third"]
    );
}

#[test]
fn buffered_appends_reach_the_disk_within_their_time() {
    let storage = Gated::default();
    let options = Options {
        flush_within: Duration::from_millis(1),
        ..with(Arc::new(storage.clone()))
    };
    let (journal, _) = open(dir(), options.clone()).unwrap();
    storage.gate.close();
    journal.append_buffered(NOTE, b"soon".to_vec()).unwrap();
    // Nobody asks for it: the flush comes by itself.
    storage.gate.wait_for_arrival();
    storage.gate.open();
    journal.flush_blocking().unwrap();
    assert_eq!(read(dir(), &options).unwrap(), ["soon"]);
}

#[test]
fn many_buffered_bytes_do_not_wait_for_their_time() {
    let storage = Gated::default();
    let (journal, _) = open(dir(), with(Arc::new(storage.clone()))).unwrap();
    storage.gate.close();
    for _ in 0..5 {
        journal.append_buffered(NOTE, vec![b'x'; 64 << 10]).unwrap();
    }
    storage.gate.wait_for_arrival();
    storage.gate.open();
}

#[tokio::test]
async fn concurrent_appends_share_a_flush() {
    let storage = Gated::default();
    let (journal, _) = open(dir(), with(Arc::new(storage.clone()))).unwrap();
    let before = storage.inner.syncs();
    storage.gate.close();
    let first = journal.append(NOTE, b"0".to_vec());
    storage.gate.wait_for_arrival();
    // The disk is busy with the first one; the others gather meanwhile.
    let others: Vec<_> = (1..64)
        .map(|number| journal.append(NOTE, number.to_string().into()))
        .collect();
    storage.gate.open();
    assert_eq!(first.await.unwrap(), 1);
    for (index, other) in others.into_iter().enumerate() {
        assert_eq!(
            other.await.unwrap(),
            index as u64 + 2,
            "the order is that of the calls"
        );
    }
    assert_eq!(
        storage.inner.syncs() - before,
        2,
        "64 appends took two flushes"
    );
    let expected: Vec<_> = (0..64).map(|number| number.to_string()).collect();
    assert_eq!(read(dir(), &options(&storage.inner)).unwrap(), expected);
}

#[test]
fn threads_that_append_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path(), Options::default()).unwrap();
    let mut seqs: Vec<u64> = std::thread::scope(|scope| {
        let append = |thread: usize| {
            let journal = journal.clone();
            scope.spawn(move || {
                let text = |number: usize| format!("{thread}.{number}").into_bytes();
                (0..20)
                    .map(|number| journal.append_blocking(NOTE, text(number)).unwrap())
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..8).map(append).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=160).collect::<Vec<_>>());
    assert_eq!(read(folder.path(), &Options::default()).unwrap().len(), 160);
}

#[test]
fn a_second_owner_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("a/run");
    assert!(
        !is_locked(&dir).unwrap(),
        "what does not exist is not locked"
    );
    let (journal, _) = open(&dir, Options::default()).unwrap();
    let clone = journal.clone();
    drop(journal);
    assert!(is_locked(&dir).unwrap());
    let error = open(&dir, Options::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Locked { dir: locked } if *locked == dir),
        "{error:?}"
    );
    assert_eq!(error.class_hint(), ClassHint::Conflict);
    clone.append_blocking(NOTE, b"still mine".to_vec()).unwrap();
    drop(clone);
    assert!(!is_locked(&dir).unwrap());
    assert_eq!(open(&dir, Options::default()).unwrap().1, ["still mine"]);
}

#[test]
fn what_an_older_epoch_appends_later_is_ignored() {
    let old = SimulatedStorage::new();
    let (stalled, _) = open(dir(), options(&old)).unwrap();
    stalled.append_blocking(NOTE, b"a".to_vec()).unwrap();
    // A new owner while the old one still believes in its lock, as after the loss of a lock file.
    let new = old.restart(journal::faults::Crash::Kill);
    let (owner, _) = open(dir(), options(&new)).unwrap();
    owner.append_blocking(NOTE, b"b".to_vec()).unwrap();
    stalled.append_blocking(NOTE, b"too late".to_vec()).unwrap();
    let segment = dir().join("00000001-000000000001.journal");
    new.set_content(&segment, &old.content(&segment).unwrap());
    // A segment that the old owner begins is ignored as well.
    let late = dir().join("00000001-000000000003.journal");
    new.set_content(&late, &old.content(&segment).unwrap());

    assert_eq!(read(dir(), &options(&new)).unwrap(), ["a", "b"]);
    drop(owner);
    let (owner, replayed) = open(dir(), options(&new)).unwrap();
    assert_eq!(replayed, ["a", "b"]);
    assert_eq!(owner.append_blocking(NOTE, b"c".to_vec()).unwrap(), 3);
    assert_eq!(read(dir(), &options(&new)).unwrap(), ["a", "b", "c"]);
}

#[test]
fn after_a_failed_write_nothing_more_is_written() {
    for (kind, class) in [
        (FaultKind::Full, ClassHint::ResourceExhausted),
        (FaultKind::ReadOnly, ClassHint::ResourceExhausted),
        (FaultKind::Io, ClassHint::Internal),
    ] {
        // The write, then the flush.
        for later in 1..=2 {
            let storage = SimulatedStorage::new();
            let (journal, _) = open(dir(), options(&storage)).unwrap();
            journal.append_blocking(NOTE, b"kept".to_vec()).unwrap();
            let operation = storage.operations() + later;
            storage.inject(Fault {
                operation,
                kind,
                repeat: Repeat::Once,
                written: 10,
            });
            let error = journal
                .append_blocking(NOTE, b"failed".to_vec())
                .unwrap_err();
            let typed = match kind {
                FaultKind::Full => matches!(error, Error::Full { .. }),
                FaultKind::ReadOnly => matches!(error, Error::ReadOnly { .. }),
                FaultKind::Io => matches!(error, Error::Io { .. }),
            };
            assert!(typed, "{error:?}");
            assert_eq!(error.class_hint(), class);
            // The disk works again, but the journal cannot know what it has.
            let refused = [
                journal.append_blocking(NOTE, b"more".to_vec()).map(drop),
                journal.append_buffered(NOTE, b"more".to_vec()).map(drop),
                journal.flush_blocking(),
            ];
            for result in refused {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
                assert_eq!(error.class_hint(), class);
            }
            assert_eq!(read(dir(), &options(&storage)).unwrap()[0], "kept");
            drop(journal);
            let (journal, replayed) = open(dir(), options(&storage)).unwrap();
            assert_eq!(replayed[0], "kept");
            assert_eq!(
                journal.recovered().is_some(),
                later == 1,
                "ten bytes were left torn"
            );
            journal.append_blocking(NOTE, b"again".to_vec()).unwrap();
        }
    }
}

#[test]
fn a_fold_that_refuses_a_record_is_named() {
    let storage = SimulatedStorage::new();
    let (journal, _) = open(dir(), options(&storage)).unwrap();
    journal.append_blocking(NOTE, b"a".to_vec()).unwrap();
    drop(journal);
    let refuse = |_: &journal::Record| Err("not understood");
    let error = Journal::create_or_open(dir(), options(&storage), refuse).unwrap_err();
    assert!(matches!(error, Error::Replay { seq: 1, .. }), "{error:?}");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "not understood"
    );
    assert_eq!(
        open(dir(), options(&storage)).unwrap().1,
        ["a"],
        "the lock was given back"
    );
}

/// A storage whose flushes can be held up.
#[derive(Debug, Clone, Default)]
struct Gated {
    inner: SimulatedStorage,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    /// Whether it is closed, and how many wait before it.
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    fn close(&self) {
        self.state.lock().expect("no test panics here").0 = true;
    }

    fn open(&self) {
        self.state.lock().expect("no test panics here").0 = false;
        self.changed.notify_all();
    }

    fn wait_for_arrival(&self) {
        drop(
            self.changed
                .wait_while(self.state.lock().expect("no test panics here"), |state| {
                    state.1 == 0
                })
                .expect("no test panics here"),
        );
    }

    fn pass(&self) {
        let mut state = self.state.lock().expect("no test panics here");
        state.1 += 1;
        self.changed.notify_all();
        let mut state = self
            .changed
            .wait_while(state, |state| state.0)
            .expect("no test panics here");
        state.1 -= 1;
    }
}

#[derive(Debug)]
struct GatedFile(Box<dyn StorageFile>, Arc<Gate>);

impl Storage for Gated {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageFile>> {
        Ok(Box::new(GatedFile(
            self.inner.open(path, mode)?,
            Arc::clone(&self.gate),
        )))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.inner.lock(path, mode)
    }
}

impl StorageFile for GatedFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.truncate(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.pass();
        self.0.sync_data()
    }
}
