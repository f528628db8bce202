//! `logs`.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use facade::{
    assemble::{Error, RunRecord},
    core_types::TaskId,
};
use serde::Serialize;

use crate::{
    args::LogsArguments,
    failure::DONE,
    output::printable,
    session::{Session, refused},
};

/// How much of one log is shown: its end.
const SHOWN_BYTES: u64 = 64 * 1024;

#[derive(Debug, Serialize)]
struct Log {
    /// Attempt, execution and what it belongs to, such as `1.1 agent`.
    of: String,
    file: PathBuf,
    /// The end of what the file holds.
    text: String,
    /// Whether more was printed than the run keeps.
    is_cut: bool,
}

/// `automation logs`.
pub(crate) fn logs(session: &Session, arguments: &LogsArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "has been begun", |_| true)?;
    let status = session.status(&run)?;
    let task = TaskId::new(&arguments.task).map_err(refused)?;
    if !status.tasks.iter().any(|known| known.task == task) {
        let known: Vec<_> = status.tasks.iter().map(|task| task.task.as_str()).collect();
        bail!(Error::Request {
            message: format!("run {run} has no task {task}"),
            hint: format!("its tasks are: {}", known.join(", ")),
        })
    }
    let record = RunRecord::read(&session.home, &run, &session.surroundings)?;
    let kept_bytes = record.output_disk_bytes;
    let folder = session
        .home
        .run_folder(&run)
        .join("tasks")
        .join(task.as_str());
    let mut logs = Vec::new();
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let attempt = entry.file_name().to_string_lossy().into_owned();
        for name in ["setup.log", "transcript.log", "test.log"] {
            let file = entry.path().join(name);
            let Ok((n_bytes, text)) = end_of(&file) else {
                continue;
            };
            let what = name.trim_end_matches(".log").replace("transcript", "agent");
            logs.push(Log {
                of: format!("{attempt} {what}"),
                file,
                text,
                is_cut: n_bytes >= kept_bytes,
            });
        }
    }
    logs.sort_by(|one, other| one.of.cmp(&other.of));
    session.output.json(&logs)?;
    if logs.is_empty() {
        session
            .output
            .line(format!("task {task} of run {run} has printed nothing"));
    }
    for log in &logs {
        session
            .output
            .line(format!("--- {} ({})", log.of, log.file.display()));
        session.output.line(printable(log.text.trim_end()));
        if log.is_cut {
            let line =
                format!("--- more was printed; limits.output_disk keeps {kept_bytes} bytes of it");
            session.output.line(line);
        }
    }
    Ok(DONE)
}

/// The length of a file, and its last bytes as text.
fn end_of(file: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(file)?;
    let n_bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(n_bytes.saturating_sub(SHOWN_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(SHOWN_BYTES).read_to_end(&mut bytes)?;
    Ok((n_bytes, String::from_utf8_lossy(&bytes).into_owned()))
}
