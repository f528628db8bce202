//! Which files of a clone may have been touched without git seeing it.
//!
//! git takes a file for unchanged where its times, in seconds, and its size are those
//! of the index. Nobody but the clock sets the time of the last change of rights, names
//! or content (ctime), so that only a file can pass whose time is of the second in
//! which the index was written, or later: what gitformat-index(5) calls racily clean.

use std::{
    collections::HashSet,
    fs::{self, DirEntry},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::Path,
};

/// Times, device, inode, mode, owner and size before the object's name.
const STAT_BYTES: usize = 40;

/// The bit that says that two more bytes of flags follow.
const IS_EXTENDED: u16 = 0x4000;

/// Files that git may not see to be changed, relative to the root of the clone.
#[derive(Debug)]
pub(crate) enum Unseen {
    /// No index tells.
    Any,
    These(HashSet<Vec<u8>>),
}

impl Unseen {
    /// By an index whose object names have `name_bytes`.
    pub(crate) fn by_index(index: &Path, name_bytes: usize) -> Self {
        let written = |index: &Path| index.symlink_metadata().ok()?.mtime().try_into().ok();
        // In this order: an index that is replaced in between would be older than it is said to be.
        let found = written(index)
            .and_then(|second| Some((second, fs::read(index).ok()?)))
            .and_then(|(second, bytes)| racily_clean(&bytes, name_bytes, second));
        found.map_or(Self::Any, Self::These)
    }

    /// Whether git may miss a change of a file below `root`.
    pub(crate) fn has(&self, root: &Path, file: &DirEntry) -> bool {
        match self {
            Self::Any => true,
            Self::These(paths) if paths.is_empty() => false,
            Self::These(paths) => file
                .path()
                .strip_prefix(root)
                .map_or(true, |path| paths.contains(path.as_os_str().as_bytes())),
        }
    }
}

/// The paths whose ctime is not before `second`; `None` where it is no index of version 2 or 3.
fn racily_clean(index: &[u8], name_bytes: usize, second: u32) -> Option<HashSet<Vec<u8>>> {
    let rest = index.strip_prefix(b"DIRC")?;
    let (version, rest) = number(rest)?;
    let (n_entries, mut rest) = number(rest)?;
    if !(2..=3).contains(&version) {
        return None;
    }
    let mut found = HashSet::new();
    for _ in 0..n_entries {
        let (ctime, _) = number(rest)?;
        let at_flags = STAT_BYTES + name_bytes;
        let flags = u16::from_be_bytes(rest.get(at_flags..)?.first_chunk().copied()?);
        let is_extended = flags & IS_EXTENDED != 0;
        let at_path = at_flags + if is_extended { 4 } else { 2 };
        let behind = rest.get(at_path..)?;
        let path = &behind[..behind.iter().position(|byte| *byte == 0)?];
        if ctime >= second {
            found.insert(path.to_vec());
        }
        // One to eight zero bytes make an entry's length a multiple of eight.
        let length = (at_path + path.len() + 8) & !7;
        rest = rest.get(length..)?;
    }
    Some(found)
}

/// A number of four bytes, the highest first, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use process::Launch;

    use super::*;

    /// The index that git makes by `script` in a new repository.
    async fn index_of(format: &str, script: &str) -> Vec<u8> {
        let home = tempfile::tempdir().expect("a folder");
        let script = format!("git init -q --object-format={format} && {script}");
        let finished = Launch::new("sh")
            .args(["-c", &script])
            .folder(home.path())
            .run()
            .await
            .expect("sh runs");
        assert!(finished.exit.is_success(), "{}", finished.stderr.tail(1000));
        fs::read(home.path().join(".git/index")).expect("an index")
    }

    const MAKE: &str = "mkdir -p d/e && echo x > a && echo y > d/e/long-name.txt && git add -A";

    #[tokio::test]
    async fn all_files_of_the_second_in_which_an_index_was_written_are_racily_clean() {
        for (format, name_bytes) in [("sha1", 20), ("sha256", 32)] {
            // An intent to add is an extended flag, and makes the index one of version 3.
            let with_intent = format!("{MAKE} && echo z > d/intent && git add -N d/intent");
            for (script, more) in [(MAKE, None), (&*with_intent, Some("d/intent"))] {
                let index = index_of(format, script).await;
                let expected: HashSet<_> = ["a", "d/e/long-name.txt"]
                    .into_iter()
                    .map(|path| path.as_bytes().to_vec())
                    .collect();
                let found = racily_clean(&index, name_bytes, 1).expect("an index");
                assert_eq!(found, expected, "{format} {more:?}");
                let found = racily_clean(&index, name_bytes, u32::MAX).expect("an index");
                assert_eq!(found, HashSet::new(), "{format} {more:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_index_of_ours_tells_nothing() {
        let index = index_of("sha1", MAKE).await;
        for length in 0..150 {
            assert_eq!(
                racily_clean(&index[..length], 20, 1),
                None,
                "{length} bytes"
            );
        }
        let fourth = format!("{MAKE} && git update-index --index-version 4");
        assert_eq!(racily_clean(&index_of("sha1", &fourth).await, 20, 1), None);
        assert!(matches!(
            Unseen::by_index(Path::new("/nonexistent"), 20),
            Unseen::Any
        ));
    }
}
