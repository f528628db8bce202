//! Finding processes that are not our children, and ending what outlived a killed engine, by a variable in its
//! environment.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use crate::table;

/// The variable that agents, tests and hooks carry; its value is the run's id.
pub const RUN_MARK: &str = "AUTOMATION_RUN_ID";

/// How often [`end_marked`] looks again: each look finds what those of the last one forked meanwhile.
const LOOKS: usize = 20;

/// A process found by its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The process id.
    pub pid: i32,
    /// Clock ticks from boot to its start; tells it from a later process with the same id.
    pub start_time: u64,
    /// Its command line, arguments separated by blanks; for people to read.
    pub command: String,
}

/// All processes that were started with `name=value` in their environment, by ascending id, without this
/// process and its ancestors. Processes of other users are not seen. Reads all of `/proc`: some milliseconds.
pub fn find_marked(name: &str, value: &str) -> Vec<Found> {
    let mark = format!("{name}={value}");
    let spared = ancestors();
    let mut found: Vec<Found> = table::entries()
        .into_iter()
        .filter(|entry| !spared.contains(&entry.pid))
        .filter(|entry| {
            fs::read(format!("/proc/{}/environ", entry.pid)).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark.as_bytes())
            })
        })
        .map(|entry| Found {
            pid: entry.pid,
            start_time: entry.start_time,
            command: command(entry.pid),
        })
        .collect();
    found.sort_by_key(|found| found.pid);
    found
}

/// Whether the process of this id and start time is still there.
pub fn is_running(pid: i32, start_time: u64) -> bool {
    table::entry(pid).is_some_and(|entry| entry.start_time == start_time)
}

/// All processes of a program's name whose current folder is one of these or below, by ascending id,
/// without this process and its children. Processes of other users are not seen.
pub fn find_at(name: &str, folders: &[&Path]) -> Vec<Found> {
    let ourselves = std::process::id();
    let is_there = |pid: i32| {
        // The system cuts names at 15 bytes.
        let named = fs::read_to_string(format!("/proc/{pid}/comm"));
        named.is_ok_and(|named| named.trim_end() == name)
            && fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| folders.iter().any(|folder| cwd.starts_with(folder)))
    };
    let mut found: Vec<Found> = table::entries()
        .into_iter()
        .filter(|entry| u32::try_from(entry.pid) != Ok(ourselves))
        .filter(|entry| u32::try_from(entry.parent) != Ok(ourselves))
        .filter(|entry| is_there(entry.pid))
        .map(|entry| Found {
            pid: entry.pid,
            start_time: entry.start_time,
            command: command(entry.pid),
        })
        .collect();
    found.sort_by_key(|found| found.pid);
    found
}

/// Ends all processes that [`find_marked`] finds, with SIGKILL, looks again until none is left, and
/// returns those it ended. Safe to repeat.
///
/// # Cancel safety
///
/// Dropping the future does not stop the work, which then ends by itself within seconds.
pub async fn end_marked(name: &str, value: &str) -> Vec<Found> {
    let (name, value) = (name.to_owned(), value.to_owned());
    let work = move || {
        let mut ended: Vec<Found> = Vec::new();
        for _ in 0..LOOKS {
            let found = find_marked(&name, &value);
            if found.is_empty() {
                break;
            }
            let signaled: Vec<_> = found
                .iter()
                .filter_map(|found| table::kill(found.pid, found.start_time))
                .collect();
            for pidfd in &signaled {
                table::wait_ended(pidfd, Duration::from_secs(1));
            }
            ended.extend(
                found
                    .into_iter()
                    .filter(|found| !ended.contains(found))
                    .collect::<Vec<_>>(),
            );
        }
        ended
    };
    // A join error would mean that the runtime is going down; nothing was learned then.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

fn ancestors() -> HashSet<i32> {
    let mut pid = i32::try_from(std::process::id()).unwrap_or(0);
    let mut ancestors = HashSet::new();
    while pid > 0 && ancestors.insert(pid) {
        pid = table::entry(pid).map_or(0, |entry| entry.parent);
    }
    ancestors
}

fn command(pid: i32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| std::ffi::OsStr::from_bytes(word).to_string_lossy())
        .collect();
    words.join(" ")
}
