//! `logs`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use facade::{
    assemble::{Error, RunRecord, printed},
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
    /// The end of what the file holds, without secrets.
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
    let printed = printed(&session.home, &run, &task, SHOWN_BYTES)?;
    let logs: Vec<_> = printed
        .into_iter()
        .map(|it| Log {
            of: it.of,
            file: it.path,
            text: it.text,
            is_cut: it.n_bytes >= kept_bytes,
        })
        .collect();
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
