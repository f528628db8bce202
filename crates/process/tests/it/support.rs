//! What the tests share.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use core_types::CancellationToken;
use process::{ContainedBy, Containment, Finished, Launch};

/// The ways to run a child. `Tree` means what the machine gives, `Fallback` what it gives without namespaces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Plain,
    Tree,
    Fallback,
}

pub(crate) const WAYS: [Way; 3] = [Way::Plain, Way::Tree, Way::Fallback];
pub(crate) const TREES: [Way; 2] = [Way::Tree, Way::Fallback];

pub(crate) fn launch(way: Way, program: &str) -> Launch {
    let launch = Launch::new(program).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    match way {
        Way::Plain => launch,
        Way::Tree => launch.containment(Containment::Tree),
        Way::Fallback => launch.containment(Containment::Tree).without_namespaces(),
    }
}

pub(crate) fn shell(way: Way, line: &str) -> Launch {
    launch(way, "sh").args(["-c", line])
}

pub(crate) async fn run(launch: Launch) -> Finished {
    launch.run().await.expect("the program starts")
}

pub(crate) fn contained_by(way: Way, finished: &Finished) -> bool {
    match way {
        Way::Plain => finished.contained_by == ContainedBy::Nothing,
        Way::Tree => finished.contained_by != ContainedBy::Nothing,
        Way::Fallback => finished.contained_by == ContainedBy::ProcessGroup,
    }
}

/// How many live processes have `mark` as an argument; a zombie has none. Each test uses a number of seconds of its
/// own as the mark of its `sleep`s.
pub(crate) fn alive(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("/proc is there");
    processes
        .flatten()
        .filter_map(|item| fs::read(item.path().join("cmdline")).ok())
        .filter(|line| {
            line.split(|byte| *byte == 0)
                .any(|word| word == mark.as_bytes())
        })
        .count()
}

/// Looks until `holds`, at most 10 s.
pub(crate) fn eventually(invariant: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{invariant}");
        std::thread::yield_now();
    }
}

/// Cancels once `holds`; to be joined with what is cancelled.
pub(crate) async fn cancel_when(cancel: &CancellationToken, mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
    cancel.cancel();
}

/// A line of our `/proc/self/status` as a number.
pub(crate) fn own_status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .expect("the field exists");
    line.trim_matches(|letter: char| !letter.is_ascii_digit())
        .parse()
        .expect("a number")
}

pub(crate) fn n_open_files() -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("/proc is there")
        .count()
}

/// Our children, zombies too.
pub(crate) fn n_children() -> usize {
    let me = std::process::id().to_string();
    let processes = fs::read_dir("/proc").expect("/proc is there");
    processes
        .flatten()
        .filter_map(|item| fs::read_to_string(item.path().join("stat")).ok())
        .filter(|stat| {
            let after_name = &stat[stat.rfind(')').map_or(0, |end| end + 1)..];
            after_name.split_ascii_whitespace().nth(1) == Some(me.as_str())
        })
        .count()
}

pub(crate) fn write(path: &Path, text: &str) {
    let mut file = fs::File::create(path).expect("a writable folder");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("space");
}

/// Runs `test` in a process of its own: what it counts (descriptors, children, memory) is the whole process's,
/// and other tests may run in this one. `name` is the test's path.
pub(crate) fn alone(name: &str, test: impl AsyncFnOnce()) {
    const ALONE: &str = "PROCESS_TEST_ALONE";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if std::env::var_os(ALONE).is_some() {
        return runtime.block_on(test());
    }
    let me = std::env::current_exe().expect("the test binary");
    let slow = std::env::vars_os().filter(|(name, _)| name == "RUN_SLOW");
    let launch = Launch::new(me)
        .args(["--exact", name, "--test-threads=1"])
        .env(ALONE, "1")
        .envs(slow);
    let finished = runtime.block_on(run(launch));
    let text = finished.stdout.tail(9999);
    assert!(
        finished.exit.is_success() && text.contains("1 passed"),
        "{text}{}",
        finished.stderr.tail(9999)
    );
}
