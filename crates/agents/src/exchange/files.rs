use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{ANSWER_LIMIT_BYTES, AnswerError, RequestRecord};

/// The files of one request in its scratch folder.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: PathBuf,
    pub(crate) answer: PathBuf,
    pub(crate) transcript: PathBuf,
    /// Where the agent says what it spends while it works.
    pub(crate) usage: PathBuf,
}

impl Exchange {
    /// Writes the request, and makes an empty answer, so that what the agent
    /// writes there is readable by us alone. Files of an execution that was
    /// killed are replaced: an old answer is never taken for a new one.
    pub(crate) fn prepare(scratch: &Path, record: &RequestRecord) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(scratch)?;
        // The agent works in another folder.
        let scratch = fs::canonicalize(scratch)?;
        let files = Self {
            request: scratch.join("request.json"),
            answer: scratch.join("answer.json"),
            transcript: scratch.join("transcript.log"),
            usage: scratch.join("usage.jsonl"),
        };
        for old in [
            &files.request,
            &files.answer,
            &files.transcript,
            &files.usage,
        ] {
            match fs::remove_file(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut request = create_private(&files.request)?;
        serde_json::to_writer_pretty(&mut request, record)?;
        request.write_all(b"\n")?;
        create_private(&files.answer)?;
        create_private(&files.usage)?;
        Ok(files)
    }

    /// The folder that they lie in.
    pub(crate) fn folder(&self) -> &Path {
        self.request.parent().unwrap_or(&self.request)
    }

    /// What the agent wrote; empty where it removed the file. The path is the
    /// agent's to change, so no link is followed and no pipe waited for.
    pub(crate) fn read_answer(&self) -> io::Result<Result<Vec<u8>, AnswerError>> {
        let file = match open_plain(&self.answer)? {
            Opened::Plain(file) => file,
            Opened::Missing => return Ok(Ok(Vec::new())),
            Opened::Other => return Ok(Err(AnswerError::NotAFile)),
        };
        let mut bytes = Vec::new();
        file.take(ANSWER_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > ANSWER_LIMIT_BYTES {
            return Ok(Err(AnswerError::TooLarge {
                limit_bytes: ANSWER_LIMIT_BYTES,
            }));
        }
        Ok(Ok(bytes))
    }
}

/// What stands at a path that is an agent's to change.
pub(crate) enum Opened {
    Plain(File),
    Missing,
    /// A link, a folder, a pipe.
    Other,
}

/// Opens a file for reading; no link is followed and no pipe waited for.
pub(crate) fn open_plain(path: &Path) -> io::Result<Opened> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(Opened::Plain(file)),
        Ok(_) => Ok(Opened::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Opened::Missing),
        Err(error) if is_link(&error) => Ok(Opened::Other),
        Err(error) => Err(error),
    }
}

/// Adds to a file that is an agent's to change; what is no plain file any more gets nothing.
pub(crate) fn append_plain(path: &Path, text: &str) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    file.write_all(text.as_bytes())
}

/// Writes a new file that is readable by us alone, in the place of what an agent may have put there.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create_private(path)?.write_all(bytes)
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Opening a link with `O_NOFOLLOW` fails with `ELOOP`.
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
