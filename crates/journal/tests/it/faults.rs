//! Every file operation fails, every write is torn at every byte, every crash forgets what it may:
//! nothing that was acknowledged is lost, and what is read is a prefix of what was appended.

use std::path::Path;

use journal::{
    Error, Options, SharedJournal,
    faults::{Crash, Fault, FaultKind, Repeat, SimulatedStorage},
};

use crate::common::{DIR, NOTE, Texts, open, options, read};

/// What one writer tried, in order, and how much of it must be there.
#[derive(Debug, Default)]
struct Attempts {
    texts: Vec<String>,
    firm: usize,
}

impl Attempts {
    fn note(&mut self, text: String, result: Result<u64, Error>, durable: bool) {
        match result {
            // Refused before anything was queued.
            Err(Error::Poisoned { .. }) => {}
            Err(_) => self.texts.push(text),
            Ok(_) => {
                self.texts.push(text);
                if durable {
                    self.firm = self.texts.len();
                }
            }
        }
    }
}

/// Of each writer in turn a prefix that holds all its firm records; answers how long each one is.
fn check(read: &[String], writers: &[Attempts], what: &str) -> Vec<usize> {
    let mut rest = read;
    let mut found = Vec::new();
    for writer in writers {
        let there = writer
            .texts
            .iter()
            .zip(rest)
            .take_while(|(tried, read)| tried == read)
            .count();
        assert!(
            there >= writer.firm,
            "{what}: {there} of {writer:?} in {read:?}"
        );
        found.push(there);
        rest = &rest[there..];
    }
    assert!(rest.is_empty(), "{what}: {rest:?} was never appended there");
    found
}

fn small_segments(storage: &SimulatedStorage) -> Options {
    Options {
        segment_bytes: 100,
        ..options(storage)
    }
}

/// Three owners, one after the other, as runs and their resumptions.
fn owners(storage: &SimulatedStorage, what: &str) -> Vec<Attempts> {
    let mut writers: Vec<Attempts> = Vec::new();
    for number in 0..3 {
        let mut attempts = Attempts::default();
        if let Ok((journal, replayed)) = open(Path::new(DIR), small_segments(storage)) {
            // What an owner has replayed it may act on: it must never vanish again.
            let found = check(&replayed, &writers, what);
            for (writer, there) in writers.iter_mut().zip(found) {
                writer.firm = there;
                writer.texts.truncate(there);
            }
            for step in 0..3 {
                let text = format!("{number}.{step}{}", "x".repeat(step));
                let durable = step % 2 == 1;
                let result = if durable {
                    journal.append_blocking(NOTE, text.clone().into())
                } else {
                    journal.append_buffered(NOTE, text.clone().into())
                };
                attempts.note(text, result, durable);
            }
        }
        writers.push(attempts);
    }
    writers
}

/// Two handles that take turns; after its first failure one is left for good, as a killed process.
fn sharers(storage: &SimulatedStorage, what: &str) -> Vec<Attempts> {
    let open =
        || SharedJournal::open(Path::new(DIR), small_segments(storage), Texts::default()).ok();
    let handles = [open(), open()];
    let mut writers: Vec<Attempts> = Vec::new();
    for turn in 0..6 {
        let Some(journal) = &handles[turn % 2] else {
            continue;
        };
        let mut seen = None;
        let texts = [format!("{turn}"), format!("{turn}+{}", "x".repeat(turn))];
        let result: Result<u64, Error> = journal.batch(|state, batch| {
            seen = Some(state.0.clone());
            batch.append(NOTE, texts[0].clone().into())?;
            batch.append(NOTE, texts[1].clone().into())
        });
        // Nothing is appended unless the batch was reached.
        let Some(seen) = seen else { continue };
        let found = check(&seen, &writers, what);
        for (writer, there) in writers.iter_mut().zip(found) {
            writer.firm = there;
            writer.texts.truncate(there);
        }
        // The batch is on disk if only reading it back failed.
        let firm = if result.is_ok() { 2 } else { 0 };
        writers.push(Attempts {
            texts: texts.to_vec(),
            firm,
        });
    }
    writers
}

type Workload = fn(&SimulatedStorage, &str) -> Vec<Attempts>;

/// All ways to lose what was not flushed, at each byte.
fn all_crashes(storage: &SimulatedStorage) -> Vec<Crash> {
    let lengths = 0..=storage.unsynced_bytes();
    let torn = lengths.flat_map(|bytes| [Crash::KeepPrefix(bytes), Crash::LosePrefix(bytes)]);
    [Crash::Kill, Crash::LoseUnsynced]
        .into_iter()
        .chain(torn)
        .collect()
}

/// After the crashes the journal reads, opens and goes on.
fn check_after(storage: &SimulatedStorage, crashes: Vec<Crash>, writers: &[Attempts], what: &str) {
    let dir = Path::new(DIR);
    for crash in crashes {
        let what = format!("{what}, then {crash:?}");
        let storage = storage.restart(crash);
        let before =
            read(dir, &options(&storage)).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        check(&before, writers, &what);
        let opened = open(dir, options(&storage));
        let (journal, replayed) = opened.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(replayed, before, "{what}");
        journal
            .append_blocking(NOTE, b"after".to_vec())
            .expect("the storage works again");
        let mut after =
            read(dir, &options(&storage.restart(Crash::LoseUnsynced))).expect("it is whole");
        assert_eq!(after.pop().as_deref(), Some("after"), "{what}");
        assert_eq!(after, before, "{what}");
    }
}

fn try_all(workload: Workload) {
    let calm = SimulatedStorage::new();
    let writers = workload(&calm, "no fault");
    assert!(
        writers.iter().all(|writer| writer.firm > 0),
        "without faults all is acknowledged"
    );
    check_after(&calm, all_crashes(&calm), &writers, "no fault");
    let writes = calm.writes();
    for operation in 1..=calm.operations() {
        let length = writes
            .iter()
            .find(|write| write.0 == operation)
            .map_or(0, |write| write.1);
        for written in 0..=length {
            for (kind, repeat) in [
                (FaultKind::Full, Repeat::Once),
                (FaultKind::Io, Repeat::Forever),
            ] {
                let storage = SimulatedStorage::new();
                let fault = Fault {
                    operation,
                    kind,
                    repeat,
                    written,
                };
                storage.inject(fault);
                let what = format!("{fault:?}");
                let writers = workload(&storage, &what);
                // Losing the end of a write is the same as a shorter one.
                let crashes = if written == length {
                    all_crashes(&storage)
                } else {
                    vec![Crash::Kill, Crash::LoseUnsynced]
                };
                check_after(&storage, crashes, &writers, &what);
            }
        }
    }
}

#[test]
fn owners_survive_every_fault() {
    try_all(owners);
}

#[test]
fn sharers_survive_every_fault() {
    try_all(sharers);
}

#[test]
fn recovery_survives_every_crash() {
    let crashed = SimulatedStorage::new();
    let (journal, _) = open(Path::new(DIR), options(&crashed)).unwrap();
    journal.append_blocking(NOTE, b"firm".to_vec()).unwrap();
    let segment = Path::new(DIR).join("00000001-000000000001.journal");
    let whole = crashed.content(&segment).unwrap();
    crashed.set_content(&segment, &[&*whole, b"a torn tail"].concat());
    let calm = crashed.restart(Crash::Kill);
    assert!(
        open(Path::new(DIR), options(&calm))
            .unwrap()
            .0
            .recovered()
            .is_some()
    );
    for operation in 1..=calm.operations() {
        for crash in [
            Crash::Kill,
            Crash::LoseUnsynced,
            Crash::KeepPrefix(3),
            Crash::LosePrefix(3),
        ] {
            let storage = crashed.restart(Crash::Kill);
            storage.inject(Fault {
                operation,
                kind: FaultKind::Io,
                repeat: Repeat::Forever,
                written: 3,
            });
            drop(open(Path::new(DIR), options(&storage)));
            let storage = storage.restart(crash);
            let (journal, replayed) = open(Path::new(DIR), options(&storage)).unwrap();
            assert_eq!(replayed, ["firm"], "operation {operation}, {crash:?}");
            assert_eq!(journal.append_blocking(NOTE, b"next".to_vec()).unwrap(), 2);
        }
    }
}
