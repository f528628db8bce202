//! Bounded reading of a child's output.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::watch;

/// How much of one output stream is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes kept in memory: all, or if there is more, the first half and the last half of this number.
    pub memory_bytes: usize,
    /// A file that the whole stream is appended to from its first byte, readable while the child runs.
    /// It is created if missing (mode 0600); its folder must exist.
    pub spill: Option<PathBuf>,
    /// Bytes appended to `spill` at most; what comes later is counted only.
    pub spill_bytes: u64,
}

impl Default for OutputLimit {
    /// 8 MiB in memory, no file, and 256 MiB if one is named.
    fn default() -> Self {
        Self {
            memory_bytes: 8 << 20,
            spill: None,
            spill_bytes: 256 << 20,
        }
    }
}

impl OutputLimit {
    /// Keeps this many bytes in memory and no file.
    pub fn memory(bytes: usize) -> Self {
        Self {
            memory_bytes: bytes,
            ..Self::default()
        }
    }
}

/// What a child wrote to one stream.
#[derive(Debug, Default)]
pub struct Captured {
    /// The whole stream, or if `truncated`, its first and last bytes joined at [`head_bytes`](Self::head_bytes).
    pub bytes: Vec<u8>,
    /// Length of the part of `bytes` before the gap; the length of `bytes` if there is none.
    pub head_bytes: usize,
    /// How much the child wrote until its end.
    pub total_bytes: u64,
    /// Whether `bytes` lacks something from the middle.
    pub truncated: bool,
    /// The file with the stream, if one was asked for.
    pub spill: Option<PathBuf>,
    /// How much of the stream was appended to the file.
    pub spilled_bytes: u64,
    /// Why the file ends before its limit, such as a full disk. The child is not disturbed by it.
    pub spill_error: Option<io::Error>,
}

impl Captured {
    /// The end of the stream as text of at most `limit` bytes; invalid UTF-8 is replaced, and it does
    /// not reach over the gap.
    pub fn tail(&self, limit: usize) -> String {
        let gap = if self.truncated { self.head_bytes } else { 0 };
        let mut from = self.bytes.len().saturating_sub(limit).max(gap);
        // Up to the next start of a character; in what is no UTF-8 this may be any byte.
        while self.bytes.get(from).is_some_and(|byte| byte & 0xC0 == 0x80) {
            from += 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[from..]);
        // A replacement is longer than what it replaces.
        let mut starts = text.char_indices().map(|(start, _)| start);
        starts
            .find(|start| text.len() - start <= limit)
            .map_or_else(String::new, |start| text[start..].to_owned())
    }
}

/// The reading end of a stream with what has been read so far.
pub(crate) struct Capture {
    pipe: pipe::Receiver,
    head: Vec<u8>,
    head_limit: usize,
    tail: Vec<u8>,
    tail_limit: usize,
    total_bytes: u64,
    spill: Option<Spill>,
}

struct Spill {
    path: PathBuf,
    file: tokio::fs::File,
    room_bytes: u64,
    spilled_bytes: u64,
    error: Option<io::Error>,
}

impl Capture {
    /// Takes the reading end.
    pub(crate) fn new(pipe: OwnedFd, limit: &OutputLimit, spill: Option<File>) -> io::Result<Self> {
        let head_limit = limit.memory_bytes / 2;
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(pipe)?,
            head: Vec::new(),
            head_limit,
            tail: Vec::new(),
            tail_limit: limit.memory_bytes - head_limit,
            total_bytes: 0,
            spill: limit.spill.clone().zip(spill).map(|(path, file)| Spill {
                path,
                file: tokio::fs::File::from_std(file),
                room_bytes: limit.spill_bytes,
                spilled_bytes: 0,
                error: None,
            }),
        })
    }

    /// Reads until the stream ends, or until `stop`: then takes what the pipe still holds and leaves.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) -> io::Result<Captured> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n_read = tokio::select! {
                // Someone who writes without end must not keep us from seeing that the child is gone.
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                n_read = self.pipe.read(&mut buffer) => n_read?,
            };
            if n_read == 0 {
                return Ok(self.finish().await);
            }
            self.keep(&buffer[..n_read]).await;
        }
        // What the child itself wrote fits into the pipe; what exceeds it was written by others later.
        let mut left = rustix::pipe::fcntl_getpipe_size(&self.pipe)?;
        while left > 0 {
            // Not through tokio, which may not have heard yet that there is something.
            let n_read = match rustix::io::read(&self.pipe, &mut buffer) {
                Ok(0) | Err(Errno::WOULDBLOCK) => break,
                Ok(n_read) => n_read,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            left = left.saturating_sub(n_read);
            self.keep(&buffer[..n_read]).await;
        }
        Ok(self.finish().await)
    }

    async fn keep(&mut self, bytes: &[u8]) {
        self.total_bytes += bytes.len() as u64;
        if let Some(spill) = &mut self.spill {
            spill.write(bytes).await;
        }
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_limit - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.tail_limit)..];
        // The tail may grow to twice its limit, so that cutting it costs one copy per byte at most.
        if self.tail.len() + rest.len() > 2 * self.tail_limit {
            let excess = self.tail.len() + rest.len() - self.tail_limit;
            self.tail.drain(..excess.min(self.tail.len()));
        }
        self.tail.extend_from_slice(rest);
    }

    async fn finish(mut self) -> Captured {
        let excess = self.tail.len().saturating_sub(self.tail_limit);
        let head_bytes = self.head.len();
        let mut bytes = self.head;
        bytes.extend_from_slice(&self.tail[excess..]);
        let truncated = (bytes.len() as u64) < self.total_bytes;
        let mut captured = Captured {
            head_bytes: if truncated { head_bytes } else { bytes.len() },
            truncated,
            bytes,
            total_bytes: self.total_bytes,
            ..Captured::default()
        };
        if let Some(mut spill) = self.spill.take() {
            spill.flush().await;
            captured.spill = Some(spill.path);
            captured.spilled_bytes = spill.spilled_bytes;
            captured.spill_error = spill.error;
        }
        captured
    }
}

impl Spill {
    async fn write(&mut self, bytes: &[u8]) {
        let room = usize::try_from(self.room_bytes).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        if bytes.is_empty() || self.error.is_some() {
            return;
        }
        match self.file.write_all(bytes).await {
            Ok(()) => {
                self.room_bytes -= bytes.len() as u64;
                self.spilled_bytes += bytes.len() as u64;
            }
            Err(error) => self.error = Some(error),
        }
    }

    async fn flush(&mut self) {
        if let Err(error) = self.file.flush().await {
            self.error.get_or_insert(error);
        }
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("total_bytes", &self.total_bytes)
            .finish_non_exhaustive()
    }
}

/// Opens the file for a stream; a new one is readable by its owner alone.
pub(crate) fn open_spill(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}
