//! What lies on the real disk: format, modes, whole files.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use journal::{Error, Options, atomic_write, faults::SimulatedStorage};

use crate::common::{DIR, NOTE, open, options, read};

/// Stays as it is for as long as format 1 is written.
#[test]
fn the_format_is_the_documented_one() {
    let storage = SimulatedStorage::new();
    let (journal, _) = open(Path::new(DIR), options(&storage)).unwrap();
    journal.append_blocking(NOTE, b"{}".to_vec()).unwrap();
    journal.append_buffered(NOTE, b"1".to_vec()).unwrap();
    journal.append_blocking(NOTE, b"2".to_vec()).unwrap();
    let bytes = storage
        .content(&Path::new(DIR).join("00000001-000000000001.journal"))
        .unwrap();

    let mut expected = b"AUTOJRNL".to_vec();
    expected.extend([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(crc32fast::hash(&expected).to_le_bytes());
    let mut prev = 0_u32;
    for (seq, payload, flags) in [(1, "{}", 1), (2, "1", 1), (3, "2", 0)] {
        let mut record = prev.to_le_bytes().to_vec();
        record.extend([
            payload.len() as u8,
            0,
            0,
            0,
            seq,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            7,
            0,
            flags,
            0,
        ]);
        record.extend(payload.as_bytes());
        prev = crc32fast::hash(&record);
        expected.extend(prev.to_le_bytes());
        expected.extend(record);
    }
    assert_eq!(bytes, expected);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    for (at, name) in [
        (8, "2 with features 0x0000"),
        (10, "1 with features 0x0002"),
    ] {
        let storage = SimulatedStorage::new();
        drop(open(Path::new(DIR), options(&storage)).unwrap());
        let segment = Path::new(DIR).join("00000001-000000000001.journal");
        let mut bytes = storage.content(&segment).unwrap();
        bytes[at] = 2;
        let checksum = crc32fast::hash(&bytes[..28]);
        bytes[28..32].copy_from_slice(&checksum.to_le_bytes());
        storage.set_content(&segment, &bytes);
        for error in [
            read(Path::new(DIR), &options(&storage))
                .map(drop)
                .unwrap_err(),
            open(Path::new(DIR), options(&storage))
                .map(drop)
                .unwrap_err(),
        ] {
            let Error::NewerFormat {
                file,
                found,
                supported: 1,
            } = &error
            else {
                panic!("{error:?}")
            };
            assert_eq!((&**file, &**found), (&*segment, name));
        }
        assert_eq!(
            storage.content(&segment).unwrap(),
            bytes,
            "it is left as it is"
        );
    }
}

#[test]
fn only_the_user_may_look() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("a/b");
    let (journal, _) = open(&dir, Options::default()).unwrap();
    journal.append_blocking(NOTE, b"private".to_vec()).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = dir
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2, "the lock and one segment: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    atomic_write(&target, b"precious").unwrap();
    let dir = folder.path().join("run");
    std::fs::create_dir(&dir).unwrap();
    symlink(&target, dir.join("lock")).unwrap();
    assert!(matches!(
        open(&dir, Options::default()),
        Err(Error::Io { .. })
    ));
    std::fs::remove_file(dir.join("lock")).unwrap();
    symlink(&target, dir.join("00000001-000000000001.journal")).unwrap();
    assert!(matches!(
        open(&dir, Options::default()),
        Err(Error::Io { .. })
    ));
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
}

#[test]
fn a_whole_file_is_replaced_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.yaml");
    for text in ["first, and longer", "second"] {
        atomic_write(&path, text.as_bytes()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(
        atomic_write(&folder.path().join("none/x"), b""),
        Err(Error::Io { .. })
    ));
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(atomic_write(&folder.path().join("folder"), b"").is_err());
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        2,
        "no temporary file is left"
    );
}
