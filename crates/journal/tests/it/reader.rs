//! Readers beside a writer.

use std::path::Path;

use journal::{Error, Options, Reader, faults::SimulatedStorage};

use crate::common::{DIR, NOTE, open, options, text};

#[test]
fn follows_a_live_writer_through_segments_and_owners() {
    const OWNERS: u64 = 5;
    const RECORDS: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let options = Options {
        segment_bytes: 500,
        ..Options::default()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..OWNERS {
                let (journal, _) = open(&dir, options.clone()).unwrap();
                for number in 0..RECORDS {
                    let payload = vec![b'x'; number as usize];
                    if number % 3 == 0 {
                        journal.append_blocking(NOTE, payload).unwrap();
                    } else {
                        journal.append_buffered(NOTE, payload).unwrap();
                    }
                }
            }
        });
        let mut reader = Reader::open(&dir, &options);
        let mut expected = 1;
        while expected <= OWNERS * RECORDS {
            for record in reader.read_new().unwrap() {
                assert_eq!(record.seq, expected);
                assert_eq!(record.payload.len() as u64, (expected - 1) % RECORDS);
                assert_eq!(u64::from(record.epoch), (expected - 1) / RECORDS + 1);
                expected += 1;
            }
            assert_eq!(reader.last_seq(), expected - 1);
        }
    });
}

#[test]
fn an_incomplete_tail_is_read_once_it_is_whole() {
    let dir = Path::new(DIR);
    let storage = SimulatedStorage::new();
    let (journal, _) = open(dir, options(&storage)).unwrap();
    journal.append_blocking(NOTE, b"first".to_vec()).unwrap();
    journal.append_blocking(NOTE, b"second".to_vec()).unwrap();
    let segment = dir.join("00000001-000000000001.journal");
    let whole = storage.content(&segment).unwrap();
    let mut reader = Reader::open(dir, &options(&storage));
    let mut seen = Vec::new();
    for length in 0..=whole.len() {
        storage.set_content(&segment, &whole[..length]);
        seen.extend(reader.read_new().unwrap().iter().map(text));
        let ends = [32, 32 + 28 + 5, 32 + 2 * 28 + 5 + 6];
        assert_eq!(
            seen.len(),
            ends[1..].iter().filter(|end| **end <= length).count()
        );
        let whole_bytes = ends
            .iter()
            .filter(|end| **end <= length)
            .max()
            .unwrap_or(&0);
        assert_eq!(reader.incomplete_bytes(), (length - whole_bytes) as u64);
    }
    assert_eq!(seen, ["first", "second"]);
}

#[test]
fn a_refused_record_comes_again() {
    let dir = Path::new(DIR);
    let storage = SimulatedStorage::new();
    let (journal, _) = open(dir, options(&storage)).unwrap();
    for name in ["a", "b", "c"] {
        journal.append_blocking(NOTE, name.into()).unwrap();
    }
    let mut reader = Reader::open(dir, &options(&storage));
    let mut seen = Vec::new();
    let error = reader.read_each(|record| {
        seen.push(text(record));
        if record.seq == 2 {
            Err("not now")
        } else {
            Ok(())
        }
    });
    assert!(
        matches!(error, Err(Error::Replay { seq: 2, .. })),
        "{error:?}"
    );
    assert_eq!(
        reader
            .read_new()
            .unwrap()
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        ["b", "c"]
    );
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn a_missing_folder_is_an_empty_journal() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("none");
    assert!(
        Reader::open(&dir, &Options::default())
            .read_new()
            .unwrap()
            .is_empty()
    );
    assert!(!dir.exists(), "reading creates nothing");
}
