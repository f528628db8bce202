//! What agents and commands printed, as one growing list of lines.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use monitoring::fold::{LogChunk, LogLine};
use rustix::fs::OFlags;

/// How much one answer reads, and how much of the end a reader without a position gets.
const CHUNK_BYTES: u64 = 256 << 10;
const TAIL_BYTES: u64 = 64 << 10;
/// A longer line comes in pieces.
const LINE_BYTES: usize = 16 << 10;

/// A position is the number of a file and a place in it. Files are numbered as they were made: new
/// ones come last, so that positions stay good while a run goes on.
const OFFSET_BITS: u32 = 40;

fn position(file_idx: usize, offset: u64) -> u64 {
    ((file_idx as u64) << OFFSET_BITS) | offset
}

fn place(position: u64) -> (usize, u64) {
    let offset = position & ((1 << OFFSET_BITS) - 1);
    let file_idx = usize::try_from(position >> OFFSET_BITS).unwrap_or(usize::MAX);
    (file_idx, offset)
}

/// What agents and commands print goes to files of these names.
const NAMES: [&str; 4] = ["setup.log", "transcript.log", "test.log", "deploy.log"];

/// Where the clones of a request for a plan, and of the tests of all heads, stand.
const CLONES: &str = "repositories";

/// The logs below some folders, in the order in which they were made.
///
/// Clones stand there too, in folders of the name `repositories`. What is in one belongs to its
/// repository or to an agent: it is not looked into, and no link is followed.
fn logs(root: &Path, folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|it| root.join(it)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, Ok(about)) = (entry.path(), entry.metadata()) else {
                continue;
            };
            if about.is_dir() {
                if entry.file_name() != CLONES {
                    open.push(path);
                }
            } else if about.is_file() && NAMES.iter().any(|it| entry.file_name() == *it) {
                // Where the file system does not tell when it was made, its last change does.
                let made = about.created().or_else(|_| about.modified()).ok();
                found.push((made, path));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Opens a file that an agent may have put something else in the place of.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Lines after a position; the last ones without. `is_growing` says whether more may come.
pub(super) fn read(
    root: &Path,
    folders: &[&str],
    after: Option<u64>,
    is_growing: bool,
) -> io::Result<LogChunk> {
    let files = logs(root, folders);
    let (mut file_idx, mut offset) = match after {
        Some(after) => place(after),
        None => tail(&files)?,
    };
    let mut left = CHUNK_BYTES;
    let mut chunk = LogChunk {
        next: position(file_idx, offset),
        ..LogChunk::default()
    };
    while let Some(path) = files.get(file_idx) {
        let is_last = file_idx + 1 == files.len();
        let name = path
            .strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string();
        let mut file = open_plain(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(left).read_to_end(&mut bytes)?;
        let is_cut = bytes.len() as u64 == left;
        left -= bytes.len() as u64;
        // The end of a file that grows may be half a line.
        let takes_rest = !(is_cut || is_last && is_growing);
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (text, n_bytes) = match end {
                Some(end) if end < LINE_BYTES => (&rest[..end], end + 1),
                _ if rest.len() >= LINE_BYTES => (&rest[..LINE_BYTES], LINE_BYTES),
                _ if takes_rest => (rest, rest.len()),
                _ => break,
            };
            taken += n_bytes;
            let text = String::from_utf8_lossy(text);
            chunk.lines.push(LogLine {
                position: position(file_idx, offset + taken as u64),
                file: name.clone(),
                text: text.trim_end_matches('\r').to_owned(),
            });
        }
        offset += taken as u64;
        chunk.next = position(file_idx, offset);
        if left == 0 || is_last {
            chunk.is_complete = left > 0 && !is_growing;
            return Ok(chunk);
        }
        (file_idx, offset) = (file_idx + 1, 0);
    }
    chunk.is_complete = !is_growing;
    Ok(chunk)
}

/// Where the last lines begin.
fn tail(files: &[PathBuf]) -> io::Result<(usize, u64)> {
    let mut left = TAIL_BYTES;
    for (file_idx, path) in files.iter().enumerate().rev() {
        let mut file = open_plain(path)?;
        let n_bytes = file.metadata()?.len();
        if n_bytes <= left {
            left -= n_bytes;
            continue;
        }
        let start = n_bytes - left;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(left).read_to_end(&mut bytes)?;
        let line = bytes.iter().position(|byte| *byte == b'\n');
        return Ok((file_idx, start + line.map_or(0, |end| end as u64 + 1)));
    }
    Ok((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        use std::io::Write as _;
        let path = root.join(file);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is made");
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("it opens");
        file.write_all(text.as_bytes()).expect("it is written");
    }

    fn texts(chunk: &LogChunk) -> Vec<&str> {
        chunk.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn each_line_comes_once_whatever_the_reader_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut said = Vec::new();
        let mut heard: Vec<(u64, String)> = Vec::new();
        let mut after = Some(0);
        for round in 0..200 {
            let file = format!("tasks/t/{}.1/transcript.log", round / 50);
            // Half a line now, and its rest with the next round.
            let half = if round % 2 == 0 { "begins " } else { "ends\n" };
            write(root, &file, half);
            if round % 2 == 1 {
                said.push("begins ends".to_owned());
            }
            let chunk = read(root, &["tasks/t"], after, true).expect("it reads");
            heard.extend(chunk.lines.iter().map(|it| (it.position, it.text.clone())));
            // A reader that was cut off goes on from the last line that it has.
            after = Some(heard.last().map_or(0, |(position, _)| *position));
        }
        let texts: Vec<_> = heard.iter().map(|(_, text)| text.clone()).collect();
        assert_eq!(texts, said);
        assert!(
            heard.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "positions grow"
        );
    }

    #[test]
    fn the_tail_of_a_large_log_is_found_without_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for line in 0..20_000 {
            if line % 1000 == 0 {
                let text: String = (line..line + 1000)
                    .map(|it| format!("line {it}\n"))
                    .collect();
                write(root, "tasks/t/1.1/transcript.log", &text);
            }
        }
        let chunk = read(root, &["tasks/t"], None, false).expect("it reads");
        let texts = texts(&chunk);
        assert_eq!(texts.last(), Some(&"line 19999"));
        assert!(texts[0].starts_with("line ") && texts.len() < 20_000);
        assert!(chunk.is_complete);
        let more = read(root, &["tasks/t"], Some(chunk.next), false).expect("it reads");
        assert_eq!((more.lines.len(), more.next), (0, chunk.next));
    }

    #[test]
    fn long_lines_and_open_ends_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let long = "x".repeat(LINE_BYTES + 5);
        write(
            root,
            "tasks/t/1.1/transcript.log",
            &format!("{long}\nno end"),
        );
        let growing = read(root, &["tasks/t"], Some(0), true).expect("it reads");
        assert_eq!(growing.lines.len(), 2, "the open end is not there yet");
        let ended = read(root, &["tasks/t"], Some(0), false).expect("it reads");
        assert_eq!(texts(&ended)[2], "no end");
        let nothing = read(root, &["tasks/other"], None, false).expect("it reads");
        assert!(nothing.lines.is_empty() && nothing.is_complete);
    }

    #[test]
    fn what_an_agent_puts_there_is_no_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "secret", "hidden\n");
        write(root, "planning/1.1/transcript.log", "planned\n");
        write(
            root,
            "planning/1.1/repositories/app/test.log",
            "the repository's\n",
        );
        write(root, "planning/1.1/debug.log", "no log of ours\n");
        let link = root.join("planning/1.1/test.log");
        std::os::unix::fs::symlink(root.join("secret"), &link).expect("a link");
        let pipe = root.join("planning/1.1/setup.log");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
            .expect("a pipe");
        let chunk = read(root, &["planning"], None, false).expect("it is read");
        let texts: Vec<_> = chunk.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["planned"]);
        for path in [link, pipe] {
            open_plain(&path).expect_err("neither a link nor a pipe is opened");
        }
    }
}
