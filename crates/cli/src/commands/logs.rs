//! `logs`.

use std::{fs, path::PathBuf};

use anyhow::{Result, bail};
use facade::{assemble::Error, core_types::TaskId};
use serde::Serialize;

use crate::{args::LogsArguments, failure::DONE, output::printable, session::Session};

/// How much of one log is shown: its end.
const SHOWN_BYTES: usize = 64 * 1024;

#[derive(Debug, Serialize)]
struct Log {
    /// Attempt, execution and what it belongs to, such as `1.1 agent`.
    of: String,
    file: PathBuf,
    text: String,
}

/// `automation logs`.
pub(crate) fn logs(session: &Session, arguments: &LogsArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "has been begun", |_| true)?;
    let status = session.status(&run)?;
    let task = TaskId::new(&arguments.task)?;
    if !status.tasks.iter().any(|known| known.task == task) {
        let known: Vec<_> = status.tasks.iter().map(|task| task.task.as_str()).collect();
        bail!(Error::Request {
            message: format!("run {run} has no task {task}"),
            hint: format!("its tasks are: {}", known.join(", ")),
        })
    }
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
            let Ok(bytes) = fs::read(&file) else { continue };
            let end = &bytes[bytes.len().saturating_sub(SHOWN_BYTES)..];
            let what = name.trim_end_matches(".log").replace("transcript", "agent");
            let (of, text) = (
                format!("{attempt} {what}"),
                String::from_utf8_lossy(end).into_owned(),
            );
            logs.push(Log { of, file, text });
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
    }
    Ok(DONE)
}
