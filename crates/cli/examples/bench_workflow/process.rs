//! What a process uses by itself, without its children.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

/// What `times(2)` and `/proc` count in, on all of Linux.
const TICKS_A_SECOND: u64 = 100;

const POLL: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time, as `RUSAGE_SELF` has it.
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
}

/// Runs a command to its end. What it prints goes to a file.
///
/// A process that has ended keeps its times until it is waited for, but not its
/// memory, whose peak is therefore looked at all the time.
pub(crate) fn follow(command: &mut Command, log: &Path) -> Result<(ExitStatus, Usage)> {
    let log = File::create(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let folder = PathBuf::from(format!("/proc/{}", child.id()));
    let mut usage = Usage::default();
    loop {
        let peak = peak_bytes(&fs::read_to_string(folder.join("status"))?);
        usage.peak_bytes = usage.peak_bytes.max(peak.unwrap_or(0));
        let stat = fs::read_to_string(folder.join("stat"))?;
        let (has_ended, cpu) = state_and_time(&stat).context("/proc/<pid>/stat is odd")?;
        usage.cpu = cpu;
        if has_ended {
            return Ok((child.wait()?, usage));
        }
        thread::sleep(POLL);
    }
}

fn peak_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// Fields 3, 14 and 15 of proc_pid_stat(5), counted from behind the name.
fn state_and_time(stat: &str) -> Option<(bool, Duration)> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let has_ended = fields.next()? == "Z";
    let user: u64 = fields.nth(10)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let cpu = Duration::from_millis((user + system) * 1000 / TICKS_A_SECOND);
    Some((has_ended, cpu))
}
