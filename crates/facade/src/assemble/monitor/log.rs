//! What agents and commands printed, as one growing list of lines.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use core_types::{ErrorClass, PortError, RunId, TaskId, Timestamp};
use learning::scrub;
use monitoring::fold::{LogChunk, LogLine, LogPosition};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::assemble::{Error, Home};

/// How much one answer reads, and how much of the end a reader without a position gets.
const CHUNK_BYTES: u64 = 256 << 10;
const TAIL_BYTES: u64 = 64 << 10;
/// A longer line comes in pieces.
const LINE_BYTES: usize = 16 << 10;
/// How many files are followed, the newest. A position names each, with 26 bytes at most, and a stream
/// that is opened again sends two: 8 KiB is what servers, and proxies before them, take for sure.
const FILES: usize = 150;
/// After so long without its end, the beginning of a line is shown.
const REST: Duration = Duration::from_secs(2);

/// How far each file has been read, by the name that a position has for it. Files grow at the same
/// time, and new ones come at any place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ends(BTreeMap<u32, u64>);

impl Ends {
    /// # Errors
    ///
    /// `Validation` where it is not what [`read`] has given.
    pub(super) fn parse(position: &LogPosition) -> Result<Self, PortError> {
        let end = |part: &str| {
            let (name, end) = part.split_once('-')?;
            let name = u32::from_str_radix(name, 16).ok()?;
            Some((name, u64::from_str_radix(end, 16).ok()?))
        };
        let parts = position.as_str().split('.').filter(|it| !it.is_empty());
        let ends = parts.map(end).collect::<Option<_>>().map(Self);
        ends.ok_or_else(|| PortError::new(ErrorClass::Validation, "read a log from this place on"))
    }

    fn position(&self) -> LogPosition {
        let mut text = String::new();
        for (name, end) in &self.0 {
            let separator = if text.is_empty() { "" } else { "." };
            // Writing to a String does not fail.
            let _ = write!(text, "{separator}{name:x}-{end:x}");
        }
        LogPosition::new(text)
    }
}

/// The name that positions have for a file below the root.
fn name(file: &str) -> u32 {
    let digest = Sha256::digest(file.as_bytes());
    digest
        .iter()
        .take(4)
        .fold(0, |name, byte| (name << 8) | u32::from(*byte))
}

/// Whether files may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// They may, as of now.
    Open(Timestamp),
    /// They do not any more.
    Closed,
}

/// A file of a log.
#[derive(Debug)]
struct Log {
    /// Where its file system does not tell when it was made, its last change is taken.
    made: Option<SystemTime>,
    changed: Option<Timestamp>,
    /// Its path below the root.
    file: String,
    path: PathBuf,
}

/// What agents and commands print goes to files of these names.
const NAMES: [&str; 4] = ["setup.log", "transcript.log", "test.log", "deploy.log"];

/// Where the clones of a request for a plan, and of the tests of all heads, stand.
const CLONES: &str = "repositories";

/// The logs below some folders, in the order in which they were made.
///
/// Clones stand there too, in folders of the name `repositories`. What is in one belongs to its
/// repository or to an agent: it is not looked into, and no link is followed.
fn logs(root: &Path, folders: &[&str]) -> Vec<Log> {
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
                let changed = about.modified().ok();
                let file = path.strip_prefix(root).unwrap_or(&path);
                found.push(Log {
                    made: about.created().ok().or(changed),
                    changed: changed.and_then(timestamp),
                    file: file.display().to_string(),
                    path,
                });
            }
        }
    }
    found.sort_by(|a, b| (a.made, &a.path).cmp(&(b.made, &b.path)));
    found.drain(..found.len().saturating_sub(FILES));
    found
}

/// `None` for a time that no clock of today tells.
fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok().map(Timestamp)
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

/// `None` for a file that has gone since it was listed, or is no file any more: the others are read.
fn open_listed(log: &Log) -> io::Result<Option<File>> {
    match open_plain(&log.path) {
        Ok(file) => Ok(Some(file)),
        Err(error) => match log.path.symlink_metadata() {
            Ok(about) if about.is_file() => Err(error),
            _ => Ok(None),
        },
    }
}

/// What one program printed for a task: the end of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Printed {
    /// Whose: attempt, execution and program, such as `1.1 agent`.
    pub of: String,
    /// Where all of it is, with what is a secret.
    pub path: PathBuf,
    /// The last whole lines of it, without secrets.
    pub text: String,
    /// How long the file is.
    pub n_bytes: u64,
}

/// What was printed for a task, at most `most_bytes` of the end of each file, by attempt. Agents write
/// there, so that links are not followed and what is no file is not opened.
///
/// # Errors
///
/// `Internal` for a file that cannot be read; one that has just gone is passed over.
pub fn printed(
    home: &Home,
    run: &RunId,
    task: &TaskId,
    most_bytes: u64,
) -> Result<Vec<Printed>, Error> {
    let folder = home.run_folder(run).join("tasks").join(task.as_str());
    let mut all = Vec::new();
    for log in logs(&folder, &[""]) {
        let end = end_of(&log, most_bytes).map_err(|source| Error::Io {
            operation: "read",
            path: log.path.clone(),
            source,
        })?;
        let Some((n_bytes, text)) = end else {
            continue;
        };
        let (attempt, name) = log.file.rsplit_once('/').unwrap_or(("", &log.file));
        let program = name.trim_end_matches(".log").replace("transcript", "agent");
        all.push(Printed {
            of: format!("{attempt} {program}"),
            path: log.path,
            text: scrub(&text).text.into_owned(),
            n_bytes,
        });
    }
    all.sort_by(|one, other| one.of.cmp(&other.of));
    Ok(all)
}

/// The length of a file, and its last lines: half a line may be half a secret. A line that is
/// longer than all that is asked for is left as it is cut.
fn end_of(log: &Log, most_bytes: u64) -> io::Result<Option<(u64, String)>> {
    let Some(mut file) = open_listed(log)? else {
        return Ok(None);
    };
    let n_bytes = file.metadata()?.len();
    let start = n_bytes.saturating_sub(most_bytes);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    let cut = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if start > 0 => end + 1,
        _ => 0,
    };
    let text = String::from_utf8_lossy(&bytes[cut..]).into_owned();
    Ok(Some((n_bytes, text)))
}

/// Lines from where files were read to; the last ones without.
pub(super) fn read(
    root: &Path,
    folders: &[&str],
    after: Option<Ends>,
    end: End,
) -> io::Result<LogChunk> {
    read_all(&logs(root, folders), after, end)
}

fn read_all(logs: &[Log], after: Option<Ends>, end: End) -> io::Result<LogChunk> {
    let mut ends = match after {
        Some(ends) => ends,
        None => tail(logs)?,
    };
    // What is not followed any more makes room for what is.
    let followed: BTreeSet<u32> = logs.iter().map(|log| name(&log.file)).collect();
    ends.0.retain(|name, _| followed.contains(name));
    let mut left = CHUNK_BYTES;
    let mut lines = Vec::new();
    for log in logs {
        let Some(mut file) = open_listed(log)? else {
            continue;
        };
        let offset = ends.0.entry(name(&log.file)).or_default();
        file.seek(SeekFrom::Start(*offset))?;
        let mut bytes = Vec::new();
        file.take(left).read_to_end(&mut bytes)?;
        let is_cut = bytes.len() as u64 == left;
        left -= bytes.len() as u64;
        let rests = match end {
            End::Closed => true,
            End::Open(now) => log.changed.is_some_and(|it| now.since(it) >= REST),
        };
        let bytes = match end {
            End::Closed => &bytes[..],
            End::Open(_) => without_open_key(&bytes),
        };
        let n_taken = take(bytes, !is_cut && rests, |text| {
            lines.push(LogLine {
                file: log.file.clone(),
                text,
            });
        });
        *offset += n_taken as u64;
        if left == 0 {
            break;
        }
    }
    Ok(LogChunk {
        lines,
        next: ends.position(),
        is_complete: left > 0 && end == End::Closed,
    })
}

/// Up to a key over several lines whose end is still to come: its parts alone are not known for a secret. What is
/// longer than any key is none.
fn without_open_key(bytes: &[u8]) -> &[u8] {
    let find = |text: &[u8], part: &[u8]| text.windows(part.len()).rposition(|it| it == part);
    let Some(start) = find(bytes, b"-----BEGIN ") else {
        return bytes;
    };
    let key = &bytes[start..];
    let title = key.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_key = find(title, b"PRIVATE KEY").is_some();
    if !is_key || key.len() > LINE_BYTES || find(key, b"-----END ").is_some() {
        return bytes;
    }
    let line = bytes[..start].iter().rposition(|byte| *byte == b'\n');
    &bytes[..line.map_or(0, |end| end + 1)]
}

/// Lines with what is a secret in them taken out, also one that goes over several lines of a file.
pub(super) fn without_secrets(lines: Vec<LogLine>) -> Vec<LogLine> {
    let mut clean = Vec::with_capacity(lines.len());
    for of_file in lines.chunk_by(|one, other| one.file == other.file) {
        let texts: Vec<_> = of_file.iter().map(|line| line.text.as_str()).collect();
        match scrub(&texts.join("\n")).text {
            Cow::Borrowed(_) => clean.extend_from_slice(of_file),
            Cow::Owned(text) => clean.extend(text.split('\n').map(|text| LogLine {
                file: of_file[0].file.clone(),
                text: text.to_owned(),
            })),
        }
    }
    clean
}

/// Gives the lines of `bytes` to `say`, the last one also where it lacks its end if `takes_rest`;
/// returns how many bytes they are.
fn take(bytes: &[u8], takes_rest: bool, mut say: impl FnMut(String)) -> usize {
    let mut n_taken = 0;
    while n_taken < bytes.len() {
        let rest = &bytes[n_taken..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (text, n_bytes) = match end {
            Some(end) if end < LINE_BYTES => (&rest[..end], end + 1),
            _ if rest.len() >= LINE_BYTES => (&rest[..LINE_BYTES], LINE_BYTES),
            _ if takes_rest => (rest, rest.len()),
            _ => break,
        };
        n_taken += n_bytes;
        let text = String::from_utf8_lossy(text);
        say(text.trim_end_matches('\r').to_owned());
    }
    n_taken
}

/// The ends of all but the last lines.
fn tail(logs: &[Log]) -> io::Result<Ends> {
    let mut left = TAIL_BYTES;
    let mut ends = Ends::default();
    for log in logs.iter().rev() {
        let Some(mut file) = open_listed(log)? else {
            continue;
        };
        let n_bytes = file.metadata()?.len();
        let start = n_bytes.saturating_sub(left);
        left -= n_bytes - start;
        let mut end = start;
        if start > 0 && start < n_bytes {
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let line = bytes.iter().position(|byte| *byte == b'\n');
            end += line.map_or(0, |end| end as u64 + 1);
        }
        ends.0.insert(name(&log.file), end);
    }
    Ok(ends)
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

    /// Nothing has rested by then.
    const GROWING: End = End::Open(Timestamp(0));

    fn texts(chunk: &LogChunk) -> Vec<&str> {
        chunk.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn each_line_comes_once_whatever_the_reader_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut heard: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut after = LogPosition::default();
        for round in 0..400 {
            // Five files grow at once, and names do not come in their order: the first is the last.
            let file = format!(
                "tasks/t/{}.1/transcript.log",
                9 - (round * 7 % 5 + round / 80)
            );
            // Half a line now, and its rest when the file's turn comes again.
            let turn = round / 5 % 2;
            let half = if turn == 0 {
                format!("{round} ")
            } else {
                "ends\n".to_owned()
            };
            let lines = said.entry(file.clone()).or_default();
            match turn {
                0 => lines.push(format!("{round} ends")),
                _ => assert!(!lines.is_empty()),
            }
            write(root, &file, &half);
            if round % 3 == 0 {
                // What is written down of a position is all that a reader has after it was cut off.
                let ends = Ends::parse(&after).expect("a position of ours");
                let chunk = read(root, &["tasks/t"], Some(ends), GROWING).expect("it reads");
                for line in chunk.lines {
                    heard.entry(line.file).or_default().push(line.text);
                }
                after = chunk.next;
            }
        }
        let ends = Ends::parse(&after).expect("a position of ours");
        for line in read(root, &["tasks/t"], Some(ends), End::Closed)
            .expect("it reads")
            .lines
        {
            heard.entry(line.file).or_default().push(line.text);
        }
        assert_eq!(heard, said);
    }

    #[test]
    fn what_is_gone_hides_no_other_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let file = |attempt| format!("tasks/t/{attempt}.1/transcript.log");
        for attempt in 1..=4 {
            write(root, &file(attempt), &format!("of {attempt}\n"));
        }
        let listed = logs(root, &["tasks/t"]);
        // Between the look at the folder and the look at the files.
        fs::remove_file(root.join(file(2))).expect("it is removed");
        fs::remove_file(root.join(file(3))).expect("it is removed");
        std::os::unix::fs::symlink("1.1/transcript.log", root.join(file(3))).expect("a link");
        for after in [None, Some(Ends::default())] {
            let chunk = read_all(&listed, after, End::Closed).expect("the others are read");
            assert_eq!(texts(&chunk), ["of 1", "of 4"]);
        }
    }

    #[test]
    fn a_position_fits_into_a_header_whatever_there_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut after = Ends::default();
        let mut position = String::new();
        for round in 0..3 {
            for attempt in 0..1_000 {
                let file = format!("tasks/t/{round}-{attempt}.1/transcript.log");
                write(root, &file, "a line\n");
            }
            let chunk = read(root, &["tasks/t"], Some(after), GROWING).expect("it is read");
            after = Ends::parse(&chunk.next).expect("a position of ours");
            position = chunk.next.as_str().to_owned();
            // The end of each file as far away as it may be.
            after.0.values_mut().for_each(|end| *end = u64::MAX);
            let longest = after.position();
            // A stream that is opened again names it twice, as `after` and as Last-Event-ID.
            let n_bytes = 2 * longest.as_str().len();
            assert!(n_bytes <= 8 * 1024, "round {round}: {n_bytes} bytes");
            after = Ends::parse(&LogPosition::new(position.as_str())).expect("one of ours");
            fs::remove_dir_all(root.join("tasks/t")).expect("they are removed");
        }
        assert!(!position.is_empty());
    }

    #[test]
    fn a_key_over_several_lines_is_taken_out() {
        let line = |file: &str, text: &str| LogLine {
            file: file.to_owned(),
            text: text.to_owned(),
        };
        let key = [
            "-----BEGIN PRIVATE KEY-----",
            "MIIEabc",
            "-----END PRIVATE KEY-----",
        ];
        let mut lines = vec![line("a", "before")];
        lines.extend(key.map(|text| line("a", text)));
        lines.extend([line("a", "after"), line("b", "other")]);
        let clean = without_secrets(lines);
        let texts: Vec<_> = clean
            .iter()
            .map(|it| (it.file.as_str(), it.text.as_str()))
            .collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        assert_eq!(
            (texts[0], texts[2], texts[3]),
            (("a", "before"), ("a", "after"), ("b", "other"))
        );
    }

    /// Whoever follows a log sees no part of a key before it is whole.
    #[test]
    fn a_key_that_is_still_written_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let file = "tasks/t/1.1/transcript.log";
        let read = |after, end| read(root, &["tasks/t"], Some(after), end).expect("it reads");
        let after = |chunk: &LogChunk| Ends::parse(&chunk.next).expect("a position of ours");
        write(
            root,
            file,
            "before\n  -----BEGIN PRIVATE KEY-----\n  MIIEabc\n",
        );
        let first = read(Ends::default(), End::Open(Timestamp(u64::MAX)));
        assert_eq!(texts(&first), ["before"]);
        write(root, file, "  def\n  -----END PRIVATE KEY-----\nafter\n");
        let second = read(after(&first), GROWING);
        let clean = without_secrets(second.lines.clone());
        assert_eq!(second.lines.len(), 5);
        assert!(
            clean
                .iter()
                .all(|it| !it.text.contains("MIIE") && !it.text.contains("def"))
        );
        assert_eq!(clean.last().map(|it| it.text.as_str()), Some("after"));
        // One that never ends is shown when it cannot be one, or when the run has ended.
        write(root, file, "-----BEGIN PRIVATE KEY-----\nno\n");
        assert_eq!(texts(&read(after(&second), End::Closed)).len(), 2);
        write(root, file, &"x\n".repeat(LINE_BYTES));
        assert!(texts(&read(after(&second), GROWING)).len() > LINE_BYTES);
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for text in ["7", "x-1", "1-", "1-2.", "1-2.3", "-1"] {
            let parsed = Ends::parse(&LogPosition::new(text));
            match text {
                "1-2." => assert_eq!(parsed.expect("one file"), Ends(BTreeMap::from([(1, 2)]))),
                _ => assert_eq!(parsed.expect_err(text).class(), ErrorClass::Validation),
            }
        }
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
        let chunk = read(root, &["tasks/t"], None, End::Closed).expect("it reads");
        let texts = texts(&chunk);
        assert_eq!(texts.last(), Some(&"line 19999"));
        assert!(texts[0].starts_with("line ") && texts.len() < 20_000);
        assert!(chunk.is_complete);
        let ends = Ends::parse(&chunk.next).expect("a position of ours");
        let more = read(root, &["tasks/t"], Some(ends), End::Closed).expect("it reads");
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
        let start = || Some(Ends::default());
        let growing = read(root, &["tasks/t"], start(), GROWING).expect("it reads");
        assert_eq!(growing.lines.len(), 2, "the open end is not there yet");
        let later = End::Open(Timestamp(u64::MAX));
        let rested = read(root, &["tasks/t"], start(), later).expect("it reads");
        assert_eq!(
            texts(&rested)[2],
            "no end",
            "a question waits for its answer"
        );
        let ended = read(root, &["tasks/t"], start(), End::Closed).expect("it reads");
        assert_eq!(texts(&ended)[2], "no end");
        let nothing = read(root, &["tasks/other"], None, End::Closed).expect("it reads");
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
        let chunk = read(root, &["planning"], None, End::Closed).expect("it is read");
        let texts: Vec<_> = chunk.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["planned"]);
        for path in [link, pipe] {
            open_plain(&path).expect_err("neither a link nor a pipe is opened");
        }
    }
}
