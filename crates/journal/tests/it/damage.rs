//! Bytes that are not what was written: detected or harmless, never wrong data, never a panic.

use std::path::{Path, PathBuf};

use journal::{Error, SharedJournal, faults::SimulatedStorage};

use crate::common::{DIR, NOTE, Texts, open, options, read};

/// Three owners, the last of whom flushed twice: `e` alone, then `f` and `g` together.
const TEXTS: [&str; 7] = ["a", "bb", "ccc", "d", "e", "f", "g"];
/// Records that were flushed before something else was written.
const FIRM: usize = 5;

fn small_store() -> SimulatedStorage {
    let storage = SimulatedStorage::new();
    for owner in [&TEXTS[0..3], &TEXTS[3..4], &TEXTS[4..7]] {
        let (journal, _) =
            open(Path::new(DIR), options(&storage)).expect("the simulated storage works");
        for text in owner {
            if *text == "f" {
                journal
                    .append_buffered(NOTE, (*text).into())
                    .expect("the simulated storage works");
            } else {
                journal
                    .append_blocking(NOTE, (*text).into())
                    .expect("the simulated storage works");
            }
        }
    }
    storage
}

fn segments(storage: &SimulatedStorage) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "journal")
    };
    storage.files().into_iter().filter(is_segment).collect()
}

/// Reads, then opens, the damaged store: both see the same.
fn check(storage: &SimulatedStorage, what: &str) {
    let dir = Path::new(DIR);
    let read = read(dir, &options(storage));
    let shared = SharedJournal::open(dir, options(storage), Texts::default());
    let opened = open(dir, options(storage));
    match (read, shared, opened) {
        (Ok(read), Ok(shared), Ok((journal, replayed))) => {
            assert_eq!(read, replayed, "{what}");
            assert!(
                TEXTS.starts_with(&read.iter().map(|text| &**text).collect::<Vec<_>>()),
                "{what}: {read:?}"
            );
            assert!(read.len() >= FIRM, "{what}: {read:?} lost without a word");
            let lost = read.len() < TEXTS.len();
            assert_eq!(
                journal.recovered().is_some(),
                lost,
                "{what}: what is cut is reported"
            );
            assert_eq!(
                shared
                    .read(|texts| texts.0.clone())
                    .expect("the simulated storage works"),
                read,
                "{what}"
            );
            assert_eq!(
                journal
                    .append_blocking(NOTE, b"new".to_vec())
                    .expect("the simulated storage works"),
                read.len() as u64 + 1
            );
        }
        (Err(read), Err(_), Err(opened)) => {
            assert_eq!(read.to_string(), opened.to_string(), "{what}");
            assert!(matches!(read, Error::Damaged { .. }), "{what}: {read:?}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let storage = small_store();
    for segment in segments(&storage) {
        let whole = storage.content(&segment).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let copy = storage.restart(journal::faults::Crash::Kill);
            copy.set_content(&segment, &bytes);
            check(&copy, &format!("bit {bit} of {}", segment.display()));
        }
    }
}

#[test]
fn every_cut_is_found() {
    let storage = small_store();
    let segments = segments(&storage);
    assert_eq!(segments.len(), 3);
    for segment in &segments[..2] {
        let whole = storage.content(segment).unwrap();
        for length in 0..whole.len() {
            let copy = storage.restart(journal::faults::Crash::Kill);
            copy.set_content(segment, &whole[..length]);
            let error = read(Path::new(DIR), &options(&copy)).unwrap_err();
            assert!(
                matches!(error, Error::Damaged { .. }),
                "{length} bytes of {}: {error:?}",
                segment.display()
            );
            check(&copy, &format!("{length} bytes of {}", segment.display()));
        }
    }
}

#[test]
fn damage_names_its_place() {
    let storage = small_store();
    let segment = &segments(&storage)[0];
    let mut bytes = storage.content(segment).unwrap();
    // The payload of the second record.
    let second = 32 + 28 + 1;
    bytes[second + 28] ^= 1;
    storage.set_content(segment, &bytes);
    let error = read(Path::new(DIR), &options(&storage)).unwrap_err();
    let Error::Damaged {
        file,
        offset,
        last_good_seq,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((file, *offset, *last_good_seq), (segment, second as u64, 1));
}

#[test]
fn a_missing_segment_is_found() {
    let storage = small_store();
    for segment in &segments(&storage)[..2] {
        let copy = SimulatedStorage::new();
        for other in segments(&storage).iter().filter(|other| *other != segment) {
            copy.set_content(other, &storage.content(other).unwrap());
        }
        check(&copy, &format!("without {}", segment.display()));
        assert!(read(Path::new(DIR), &options(&copy)).is_err());
    }
}

#[test]
fn a_segment_of_another_journal_is_found() {
    let (storage, other) = (small_store(), SimulatedStorage::new());
    for (owner, text) in ["a different journal", "d", "e"].into_iter().enumerate() {
        let (journal, _) = open(Path::new(DIR), options(&other)).unwrap();
        for _ in 0..if owner == 0 { 3 } else { 1 } {
            journal.append_blocking(NOTE, text.into()).unwrap();
        }
    }
    for segment in segments(&storage) {
        let copy = storage.restart(journal::faults::Crash::Kill);
        copy.set_content(&segment, &other.content(&segment).unwrap());
        let error = read(Path::new(DIR), &options(&copy)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn foreign_files_are_left_alone() {
    let storage = small_store();
    for name in [
        "notes.txt",
        "1-1.journal",
        "00000001-+00000000001.journal",
        "x.journal",
    ] {
        storage.set_content(&Path::new(DIR).join(name), b"foreign");
    }
    assert_eq!(read(Path::new(DIR), &options(&storage)).unwrap(), TEXTS);
}
