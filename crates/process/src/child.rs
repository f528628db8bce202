//! A started process that is ours to end and to reap.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::spawn::Reach;
use crate::table;

/// How long one look at a dying tree lasts before the next.
const LOOK: Duration = Duration::from_millis(5);

/// What belongs to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program in its own process group.
    Group,
    /// A keeper with what it reaches.
    Keeper(Reach),
}

/// Dropped before it was reaped, it is ended at once and reaped by a thread of its own.
#[derive(Debug)]
pub(crate) struct Child(Arc<Process>);

#[derive(Debug)]
struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    kind: Kind,
    reaped: AtomicBool,
}

impl Child {
    /// Takes over a child that has just been started.
    pub(crate) fn new(pid: i32, kind: Kind) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self(Arc::new(Process {
                pid,
                pidfd,
                kind,
                reaped: AtomicBool::new(false),
            }))),
            Err(error) => {
                // Out of descriptors. A keeper has not begun yet, so this ends all there is.
                let _ = rustix::process::kill_process(pid, Signal::KILL);
                reap(pid)?;
                Err(error.into())
            }
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.0.pid.as_raw_pid()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Asks the program and its process group to end. A keeper ignores it.
    pub(crate) fn terminate(&self) {
        self.0.signal_group(Signal::TERM);
    }

    /// Ends everything that it reaches; where that is done process by process, those of this moment.
    pub(crate) fn kill(&self) {
        self.0.kill();
    }

    /// Waits for its end, ends what is left of its process group, and reaps it.
    ///
    /// Cancel safe: nothing is lost, it can be called again.
    pub(crate) async fn ended(&self) -> io::Result<ExitStatus> {
        #[expect(
            unsafe_code,
            reason = "tokio cannot know that a type keeps its descriptor"
        )]
        // SAFETY: a borrowed descriptor is open for its lifetime, which is longer than the registration's.
        let pidfd =
            unsafe { AsyncFd::register_with_interest(self.0.pidfd.as_fd(), Interest::READABLE) };
        pidfd?.readable().await?.retain_ready();
        // The id of a group stays its own until its leader is reaped.
        self.0.signal_group(Signal::KILL);
        let status = reap(self.0.pid)?;
        self.0.reaped.store(true, Ordering::Release);
        Ok(status)
    }

    /// Ends all descendants of a keeper whose program has ended, until the keeper goes too.
    pub(crate) async fn end_descendants(&self) -> io::Result<()> {
        loop {
            self.kill();
            if let Ok(status) = tokio::time::timeout(LOOK, self.ended()).await {
                return status.map(drop);
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.0.reaped.load(Ordering::Acquire) {
            return;
        }
        self.kill();
        let process = Arc::clone(&self.0);
        // Reaping waits for the kernel, which may take its time; a drop must not. Without a thread the
        // process has been ended all the same.
        drop(
            std::thread::Builder::new()
                .name("reaper".into())
                .spawn(move || process.finish_off()),
        );
    }
}

impl Process {
    fn kill(&self) {
        match self.kind {
            Kind::Group => self.signal_group(Signal::KILL),
            Kind::Keeper(Reach::Namespace) => self.kill_itself(),
            Kind::Keeper(Reach::Descendants) => table::kill_descendants(self.pid.as_raw_pid()),
        }
    }

    fn kill_itself(&self) {
        // One that has ended needs no signal.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }

    /// Blocks until a killed tree is gone.
    fn finish_off(&self) {
        if self.kind == Kind::Keeper(Reach::Descendants) {
            // 2,000 looks are 10 s at least: only a process that the kernel cannot end survives that.
            for _ in 0..2000 {
                if table::wait_ended(&self.pidfd, LOOK) {
                    break;
                }
                self.kill();
            }
            self.kill_itself();
        }
        // Nobody is left to hear of a failure.
        drop(reap(self.pid));
    }
}

/// Waits until the process has ended, and removes it from the process table.
fn reap(pid: Pid) -> io::Result<ExitStatus> {
    let status = loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED) {
            Ok(status) => break status.ok_or(io::ErrorKind::NotFound)?,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let raw = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xFF) << 8,
        (None, signal) => signal.unwrap_or(libc::SIGKILL),
    };
    Ok(ExitStatus::from_raw(raw))
}
