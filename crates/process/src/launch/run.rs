//! From a launch to its end.

use std::fs::File;
use std::future::Future;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use core_types::Exit;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::{ContainedBy, Containment, Finished, Launch};
use crate::capture::{Capture, Captured, OutputLimit, open_spill};
use crate::child::{Child, Kind};
use crate::error::Error;
use crate::relay::Relay;
use crate::sandbox::{Confinement, Layers, SandboxSupport, SandboxedBy, sandbox_support};
use crate::spawn::{self, Failure, Image, Reach, Report, Stage, above_stdio};
use crate::table;

/// A contained tree whose program has not started: its id can be recorded first.
///
/// Dropped, it ends without the program having run.
#[derive(Debug)]
pub struct Held {
    launch: Launch,
    child: Child,
    control: UnixStream,
    layers: Layers,
    relay: Relay,
    stdout: Capture,
    stderr: Option<Capture>,
}

impl Launch {
    /// Runs it to its end.
    ///
    /// A program that fails is no error: see [`Finished::exit`].
    ///
    /// # Errors
    /// It could not be started: [`Error::NotFound`], [`Error::FolderNotFound`], [`Error::PermissionDenied`],
    /// [`Error::InvalidArgument`], [`Error::Spill`], [`Error::NoSandbox`], or [`Error::Io`] for all else. Or it was cancelled:
    /// [`Error::Cancelled`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the child at once (with [`Containment::Tree`] all of its tree); it is
    /// reaped in the background. Its output is lost, but for what is in the spill file.
    pub async fn run(self) -> Result<Finished, Error> {
        if self.containment == Containment::Tree || self.sandbox.is_some() {
            return self.hold().await?.run().await;
        }
        let (image, stdout, stderr) = self.lay_out().await?;
        let started = Instant::now();
        let spawned =
            spawn::on_spawner(move || spawn::spawn(&image).map(|pid| Child::new(pid, Kind::Group)))
                .await;
        let child = match spawned.map_err(|source| self.io("start", source))? {
            Ok(child) => child.map_err(|source| self.io("follow", source))?,
            Err(failure) => return Err(self.refused(failure)),
        };
        let ended = async { child.ended().await.map(Some) };
        let layers = Layers::default();
        self.follow(&child, ended, stdout, stderr, started, layers)
            .await
    }

    /// Prepares its tree, as with [`Containment::Tree`], and waits with the program.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for the errors of executing the program.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn hold(self) -> Result<Held, Error> {
        let (image, stdout, stderr) = self.lay_out().await?;
        let namespaces = self.namespaces;
        let support = sandbox_support();
        if self.sandbox.is_some() && matches!(support, SandboxSupport::Missing { .. }) {
            return Err(Error::NoSandbox {
                program: self.program.clone(),
                support,
            });
        }
        let sandbox = self.sandbox.clone();
        let spawned = spawn::on_spawner(move || {
            let confinement = sandbox.as_ref().map(Confinement::new).transpose();
            let confinement = confinement.map_err(|error| Failure {
                stage: Stage::Confine,
                errno: error.raw_os_error().unwrap_or(libc::EIO),
            })?;
            let kept = spawn::spawn_keeper(&image, namespaces, confinement.as_ref())?;
            let child = Child::new(kept.pid, Kind::Keeper(kept.reach));
            Ok(child.map(|child| (child, kept.control, kept.layers, kept.listeners)))
        });
        let spawned = spawned.await.map_err(|source| self.io("start", source))?;
        let (child, control, layers, listeners) = match spawned {
            Ok(spawned) => spawned.map_err(|source| self.io("follow", source))?,
            Err(failure) => return Err(self.refused(failure)),
        };
        let control = control
            .set_nonblocking(true)
            .and_then(|()| UnixStream::from_std(control));
        let control = control.map_err(|source| self.io("follow", source))?;
        let relay = Relay::new(listeners);
        let relay = relay.map_err(|source| self.io("carry its network", source))?;
        Ok(Held {
            launch: self,
            child,
            control,
            layers,
            relay,
            stdout,
            stderr,
        })
    }

    /// Makes the child's descriptors and our ends of them.
    async fn lay_out(&self) -> Result<(Image, Capture, Option<Capture>), Error> {
        let io = |source| self.io("prepare descriptors", source);
        let (stdout, stdout_end) = self.output(&self.stdout).await?;
        let (stderr, stderr_end) = match &self.stderr {
            Some(limit) => {
                let (stderr, end) = self.output(limit).await?;
                (Some(stderr), end)
            }
            None => (None, stdout_end.try_clone().map_err(io)?),
        };
        let stdin = self.input().map_err(io)?;
        let stdio = [
            above_stdio(stdin).map_err(io)?,
            above_stdio(stdout_end).map_err(io)?,
            above_stdio(stderr_end).map_err(io)?,
        ];
        Ok((self.image(stdio)?, stdout, stderr))
    }

    fn input(&self) -> io::Result<OwnedFd> {
        let Some(bytes) = &self.stdin else {
            return Ok(File::open("/dev/null")?.into());
        };
        let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file.into())
    }

    async fn output(&self, limit: &OutputLimit) -> Result<(Capture, OwnedFd), Error> {
        let spill = match limit.spill.clone() {
            Some(path) => Some(self.open_spill(path).await?),
            None => None,
        };
        let io = |source| self.io("prepare descriptors", source);
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| io(error.into()))?;
        Ok((Capture::new(ours, limit, spill).map_err(io)?, theirs))
    }

    async fn open_spill(&self, path: PathBuf) -> Result<File, Error> {
        let target = path.clone();
        tokio::task::spawn_blocking(move || open_spill(&target))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|source| Error::Spill { path, source })
    }

    /// Reads the output until the program has ended, which `ended` tells, or its deadline ends it.
    /// `ended` gives the program's status, or none if its keeper was killed.
    async fn follow(
        &self,
        child: &Child,
        ended: impl Future<Output = io::Result<Option<ExitStatus>>>,
        stdout: Capture,
        stderr: Option<Capture>,
        started: Instant,
        layers: Layers,
    ) -> Result<Finished, Error> {
        let (stop, stopped) = watch::channel(false);
        let supervised = async {
            let exit = supervise(child, ended, self, started).await;
            stop.send_replace(true);
            (exit, started.elapsed())
        };
        let captured = async {
            match stderr {
                Some(stderr) => stderr.run(stopped.clone()).await,
                None => Ok(Captured::default()),
            }
        };
        // Boxed: with its buffers and files this is too large for a future to carry inline.
        let ((exit, duration), stdout, stderr) =
            Box::pin(async { tokio::join!(supervised, stdout.run(stopped.clone()), captured) })
                .await;
        let exit = exit.map_err(|source| self.io("wait", source))?;
        let exit = exit.ok_or_else(|| Error::Cancelled {
            program: self.program.clone(),
        })?;
        Ok(Finished {
            exit,
            stdout: stdout.map_err(|source| self.io("read output", source))?,
            stderr: stderr.map_err(|source| self.io("read output", source))?,
            duration,
            contained_by: match child.kind() {
                Kind::Group => ContainedBy::Nothing,
                Kind::Keeper(Reach::Namespace) => ContainedBy::PidNamespace,
                Kind::Keeper(Reach::Descendants) => ContainedBy::ProcessGroup,
            },
            sandboxed_by: layers.sandboxed_by(),
            has_own_network: layers.has_own_network(),
        })
    }

    pub(super) fn refused(&self, failure: Failure) -> Error {
        let program = self.program.clone();
        let source = io::Error::from_raw_os_error(failure.errno);
        match (failure.stage, failure.errno, &self.folder) {
            (Stage::Folder, libc::ENOENT | libc::ENOTDIR, Some(folder)) => Error::FolderNotFound {
                folder: folder.clone(),
                program,
            },
            (Stage::Folder, libc::EACCES, Some(folder)) => Error::PermissionDenied {
                path: folder.clone(),
                program,
            },
            (Stage::Execute, libc::ENOENT | libc::ENOTDIR, _) => Error::NotFound { program },
            (Stage::Execute, libc::EACCES | libc::EPERM, _) => Error::PermissionDenied {
                path: PathBuf::from(&program),
                program,
            },
            (stage, ..) => self.io(
                match stage {
                    Stage::Started | Stage::Clone => "make a process",
                    Stage::Contain => "contain the process",
                    Stage::Prepare => "prepare the process",
                    Stage::Folder => "enter the folder",
                    Stage::Execute => "execute",
                    Stage::Confine => "keep to its sandbox",
                },
                source,
            ),
        }
    }

    pub(super) fn io(&self, operation: &'static str, source: io::Error) -> Error {
        Error::Io {
            program: self.program.clone(),
            operation,
            source,
        }
    }
}

impl Held {
    /// The process id of the tree's keeper, which lives as long as the tree.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// When the keeper started, in clock ticks from boot; with the id it names the process for good.
    pub fn start_time(&self) -> u64 {
        // A child that is not reaped has an entry.
        table::entry(self.pid()).map_or(0, |entry| entry.start_time)
    }

    /// What keeps it to its sandbox.
    pub fn sandboxed_by(&self) -> SandboxedBy {
        self.layers.sandboxed_by()
    }

    /// Whether its network is one of its own: see [`Finished::has_own_network`].
    pub fn has_own_network(&self) -> bool {
        self.layers.has_own_network()
    }

    /// Starts the program and runs it to its end.
    ///
    /// # Errors
    /// As [`Launch::run`].
    ///
    /// # Cancel safety
    /// As [`Launch::run`].
    pub async fn run(self) -> Result<Finished, Error> {
        let Self {
            launch,
            child,
            mut control,
            layers,
            relay,
            stdout,
            stderr,
        } = self;
        let started = Instant::now();
        let start = async {
            control.write_all(&[1]).await?;
            read_report(&mut control).await
        };
        let report = start.await.map_err(|source| launch.io("start", source))?;
        report
            .success()
            .map_err(|failure| launch.refused(failure))?;
        let ended = async {
            let status = match read_report(&mut control).await {
                Ok(report) => Some(ExitStatus::from_raw(report.wait_status())),
                Err(_) => None,
            };
            if child.kind() == Kind::Keeper(Reach::Namespace) {
                child.ended().await?;
            } else {
                child.end_descendants().await?;
            }
            Ok(status)
        };
        let followed = launch.follow(&child, ended, stdout, stderr, started, layers);
        tokio::select! {
            finished = followed => finished,
            never = relay.run() => match never {},
        }
    }
}

async fn read_report(control: &mut UnixStream) -> io::Result<Report> {
    let mut report = [0; Report::BYTES];
    control.read_exact(&mut report).await?;
    Ok(Report::from_bytes(report))
}

/// Waits for the end, or brings it about; `None` if it was cancelled.
async fn supervise(
    child: &Child,
    ended: impl Future<Output = io::Result<Option<ExitStatus>>>,
    launch: &Launch,
    started: Instant,
) -> io::Result<Option<Exit>> {
    tokio::pin!(ended);
    let overdue = async {
        match launch.deadline {
            Some(deadline) => sleep_until(started + deadline).await,
            None => std::future::pending().await,
        }
    };
    let cancelled = async {
        match &launch.cancel {
            Some(cancel) => cancel.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let exit = tokio::select! {
        // Who has ended was neither late nor cancelled.
        biased;
        status = &mut ended => return Ok(Some(exit(status?))),
        () = cancelled => None,
        () = overdue => Some(Exit::TimedOut),
    };
    child.terminate();
    if let Ok(status) = timeout(launch.grace, &mut ended).await {
        status?;
    } else {
        child.kill();
        ended.await?;
    }
    Ok(exit)
}

pub(super) fn exit(status: Option<ExitStatus>) -> Exit {
    // Without a status the keeper was killed, and its program with it.
    let signal = status.map_or(Some(libc::SIGKILL), |status| status.signal());
    match (signal, status.and_then(|status| status.code())) {
        (None, Some(code)) => Exit::Code(code),
        (signal, _) => Exit::Signal(signal.unwrap_or(libc::SIGKILL)),
    }
}
