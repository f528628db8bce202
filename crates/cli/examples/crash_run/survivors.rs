//! Processes that outlived a kill.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long what was ended may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until no process belongs to the run; returns those that stay, in words.
pub(crate) fn wait(run: &str, home: &Path) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = find(run, home);
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A process belongs to a run by its environment, or by the run's home in its
/// folder or command line, as for git.
fn find(run: &str, home: &Path) -> Vec<String> {
    let mark = format!("AUTOMATION_RUN_ID={run}");
    let home = home.as_os_str().as_bytes();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let belongs = |process: fs::DirEntry| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let path = process.path();
        let is_marked = fs::read(path.join("environ"))
            .is_ok_and(|environment| split(&environment).any(|it| it == mark.as_bytes()));
        let is_inside = fs::read_link(path.join("cwd"))
            .is_ok_and(|folder| is_below(folder.as_os_str().as_bytes(), home));
        let command_line = fs::read(path.join("cmdline")).unwrap_or_default();
        let names_home = split(&command_line).any(|argument| is_below(argument, home));
        (is_marked || is_inside || names_home).then(|| {
            let words: Vec<_> = split(&command_line).map(String::from_utf8_lossy).collect();
            format!("process {pid} survived: {}", words.join(" "))
        })
    };
    processes.filter_map(belongs).collect()
}

fn split(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    block.split(|byte| *byte == 0)
}

/// Whether a text has the folder, or something below it, in it.
fn is_below(text: &[u8], folder: &[u8]) -> bool {
    text.windows(folder.len()).enumerate().any(|(at, window)| {
        window == folder && matches!(text.get(at + folder.len()), None | Some(b'/'))
    })
}
