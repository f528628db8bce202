//! Talking with a child while it runs.

use std::io;

use core_types::Exit;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::{Launch, run::exit};
use crate::child::{Child, Kind};
use crate::error::Error;
use crate::spawn::{self, Image, above_stdio};
use crate::table;

/// The longest line that is read; the rest of a longer one is taken for the next.
const LINE_BYTES: u64 = 64 << 10;

/// A child that is told what to do while it runs, and answers line by line.
///
/// Dropped, it is ended at once and reaped in the background.
#[derive(Debug)]
pub struct Dialog {
    launch: Launch,
    child: Child,
    stdin: pipe::Sender,
    output: BufReader<pipe::Receiver>,
}

impl Launch {
    /// Starts it for a [`Dialog`]: what it writes, errors too, comes line by line, and what it reads is
    /// said to it. For programs that we trust: its tree is not contained, and neither the bytes of
    /// [`stdin`](Self::stdin) nor limits of output are used.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn converse(self) -> Result<Dialog, Error> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from);
        let lay_out = || {
            let (stdin_end, stdin) = pipe()?;
            let (output, stdout_end) = pipe()?;
            let stderr_end = stdout_end.try_clone()?;
            let stdio = [
                above_stdio(stdin_end)?,
                above_stdio(stdout_end)?,
                above_stdio(stderr_end)?,
            ];
            Ok((
                stdio,
                pipe::Sender::from_owned_fd(stdin)?,
                pipe::Receiver::from_owned_fd(output)?,
            ))
        };
        let (stdio, stdin, output) =
            lay_out().map_err(|source| self.io("prepare descriptors", source))?;
        let image = self.image(stdio)?;
        let spawned =
            spawn::on_spawner(move || spawn::spawn(&image).map(|pid| Child::new(pid, Kind::Group)))
                .await;
        let child = match spawned.map_err(|source| self.io("start", source))? {
            Ok(child) => child.map_err(|source| self.io("follow", source))?,
            Err(failure) => return Err(self.refused(failure)),
        };
        let output = BufReader::new(output);
        Ok(Dialog {
            launch: self,
            child,
            stdin,
            output,
        })
    }

    pub(super) fn image(&self, stdio: [std::os::fd::OwnedFd; 3]) -> Result<Image, Error> {
        Image::new(
            &self.program,
            &self.arguments,
            &self.environment,
            self.folder.as_deref(),
            stdio,
        )
        .map_err(|value| Error::InvalidArgument {
            program: self.program.clone(),
            value,
        })
    }
}

impl Dialog {
    /// The child's process id.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// When it started, in clock ticks from boot; with the id it names the process for good.
    pub fn start_time(&self) -> u64 {
        // A child that is not reaped has an entry.
        table::entry(self.pid()).map_or(0, |entry| entry.start_time)
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    /// [`Error::Io`]: it has ended, or closed its input.
    ///
    /// # Cancel safety
    /// Dropping the future may have written a part.
    pub async fn say(&mut self, text: &str) -> Result<(), Error> {
        let said = self.stdin.write_all(text.as_bytes()).await;
        said.map_err(|source| self.launch.io("write to its input", source))
    }

    /// Its next line without its end, at most 64 KiB, invalid UTF-8 replaced; `None` when its output has ended.
    ///
    /// # Errors
    /// [`Error::Io`]: `TimedOut` where the line does not come within the [`deadline`](Launch::deadline).
    ///
    /// # Cancel safety
    /// Dropping the future loses the part of a line that has come.
    pub async fn line(&mut self) -> Result<Option<String>, Error> {
        let mut line = Vec::new();
        let mut limited = (&mut self.output).take(LINE_BYTES);
        let read = limited.read_until(b'\n', &mut line);
        let read = match self.launch.deadline {
            Some(deadline) => timeout(deadline, read)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            None => read.await,
        };
        match read.map_err(|source| self.launch.io("read its answer", source))? {
            0 => Ok(None),
            _ => {
                let end = line.strip_suffix(b"\n").unwrap_or(&line);
                Ok(Some(String::from_utf8_lossy(end).into_owned()))
            }
        }
    }

    /// Closes its input, waits for its end, and reaps it. What it still writes is read and let go. One
    /// that has not ended at the [`deadline`](Launch::deadline) is ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the child at once.
    pub async fn end(self) -> Result<Exit, Error> {
        let Self {
            launch,
            child,
            stdin,
            mut output,
        } = self;
        drop(stdin);
        let mut drained = tokio::io::sink();
        let ended = async {
            // The end of the output says nothing: the end of the child does.
            let (_, status) = tokio::join!(
                tokio::io::copy_buf(&mut output, &mut drained),
                child.ended()
            );
            status
        };
        let status = match launch.deadline {
            Some(deadline) => match timeout(deadline, ended).await {
                Ok(status) => status,
                Err(_) => return Ok(Exit::TimedOut),
            },
            None => ended.await,
        };
        Ok(exit(Some(
            status.map_err(|source| launch.io("wait", source))?,
        )))
    }
}
