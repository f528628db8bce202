//! The system's process table, read from `/proc`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process as `/proc/<pid>/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// Clock ticks from boot to the start of the process; with the id it names the process for good.
    pub(crate) start_time: u64,
}

/// Reads one process; `None` if it is gone.
pub(crate) fn entry(pid: i32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may contain anything, parentheses too.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    Some(Entry {
        pid,
        parent: fields.nth(1)?.parse().ok()?,
        start_time: fields.nth(17)?.parse().ok()?,
    })
}

/// All processes that we can see, in no order.
pub(crate) fn entries() -> Vec<Entry> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    folder
        .flatten()
        .filter_map(|item| item.file_name().to_str()?.parse().ok())
        .filter_map(entry)
        .collect()
}

/// Ends every descendant of `root` that exists at this moment, but not `root` itself. What they fork
/// meanwhile takes another call.
pub(crate) fn kill_descendants(root: i32) {
    let entries = entries();
    let mut children: HashMap<i32, Vec<Entry>> = HashMap::new();
    for entry in entries {
        children.entry(entry.parent).or_default().push(entry);
    }
    let mut open = vec![root];
    let mut seen = HashSet::from([root]);
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            if seen.insert(child.pid) {
                kill(child.pid, child.start_time);
                open.push(child.pid);
            }
        }
    }
}

/// Sends SIGKILL to exactly this process, never to one that got its id later. Returns a descriptor that
/// becomes readable when the process has ended, or `None` if it is gone or not ours to end.
pub(crate) fn kill(pid: i32, start_time: u64) -> Option<std::os::fd::OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // The descriptor is bound to one process; only now does the comparison mean that very process.
    if entry(pid)?.start_time != start_time {
        return None;
    }
    pidfd_send_signal(&pidfd, Signal::KILL).ok()?;
    Some(pidfd)
}

/// Waits until the process of `pidfd` has ended; `false` if it still runs after `limit`.
pub(crate) fn wait_ended(pidfd: impl std::os::fd::AsFd, limit: Duration) -> bool {
    let limit = Timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    };
    let mut waited = [PollFd::new(&pidfd, PollFlags::IN)];
    matches!(poll(&mut waited, Some(&limit)), Ok(n_ready) if n_ready > 0)
}
