//! `logs`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use facade::{
    assemble::{Error, HomeSource, RunRecord, RunStatus, printed},
    core_types::{RunId, TaskId},
    monitoring::fold::{LogLine, LogPosition, RunSource as _},
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::LogsArguments,
    failure::{DONE, INTERRUPTED},
    output::printable,
    session::{Session, refused},
};

/// How often is looked for more where it is followed.
const TICK: Duration = Duration::from_millis(300);

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
pub(crate) async fn logs(session: &Session, arguments: &LogsArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "has been begun", |_| true)?;
    let task = arguments.task.as_deref().map(TaskId::new);
    let task = task.transpose().map_err(refused)?;
    match task {
        Some(task) if !arguments.follow => shown(session, &run, &task),
        task => followed(session, &run, task).await,
    }
}

fn known(run: &RunId, status: &RunStatus, task: &TaskId) -> Result<(), Error> {
    if status.tasks.iter().any(|known| known.task == *task) {
        return Ok(());
    }
    let known: Vec<_> = status.tasks.iter().map(|task| task.task.as_str()).collect();
    Err(Error::Request {
        message: format!("run {run} has no task {task}"),
        hint: format!("its tasks are: {}", known.join(", ")),
    })
}

fn shown(session: &Session, run: &RunId, task: &TaskId) -> Result<u8> {
    known(run, &session.status(run)?, task)?;
    let record = RunRecord::read(&session.home, run, &session.surroundings)?;
    let kept_bytes = record.output_disk_bytes;
    let printed = printed(&session.home, run, task, SHOWN_BYTES)?;
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

/// A line of `logs --follow --json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// What it is from, such as `tasks/one/1.1/transcript.log`.
    file: &'a str,
    /// Without secrets.
    text: &'a str,
}

/// A log that is followed.
struct Follower<'a> {
    session: &'a Session,
    source: HomeSource,
    run: &'a RunId,
    task: Option<TaskId>,
    /// How far the log of each task is read, and of what is no task's.
    read: BTreeMap<Option<TaskId>, LogPosition>,
    /// What the last line was from.
    last: String,
}

/// What there is to follow.
#[derive(PartialEq, Eq)]
enum Left {
    /// More may come.
    More,
    /// Nobody works on the run, and all was shown.
    Nothing,
    /// Whoever read it has gone.
    NoReader,
}

async fn followed(session: &Session, run: &RunId, task: Option<TaskId>) -> Result<u8> {
    let mut interrupted = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    let mut follower = Follower {
        session,
        source: HomeSource::new(session.home.clone(), session.surroundings.clone()),
        run,
        task,
        read: BTreeMap::new(),
        last: String::new(),
    };
    loop {
        match follower.look().await? {
            Left::NoReader => return Ok(DONE),
            // What was printed between the looks at the logs and at who works.
            Left::Nothing => match follower.look().await? {
                Left::NoReader => return Ok(DONE),
                Left::Nothing => break,
                Left::More => {}
            },
            Left::More => {}
        }
        tokio::select! {
            _ = interrupted.recv() => return Ok(INTERRUPTED),
            () = tokio::time::sleep(TICK) => {}
        }
    }
    let status = session.status(run)?;
    if let Some(task) = &follower.task {
        known(run, &status, task)?;
    }
    let state = status.state.as_str();
    session.output.line(format!("--- run {run}: {state}"));
    Ok(DONE)
}

impl Follower<'_> {
    /// Shows what there is since the last look.
    async fn look(&mut self) -> Result<Left> {
        let status = self.session.status(self.run)?;
        let logs = match &self.task {
            // It may not be planned yet.
            Some(task) if !status.tasks.is_empty() => {
                known(self.run, &status, task)?;
                vec![Some(task.clone())]
            }
            Some(task) => vec![Some(task.clone())],
            None => {
                let tasks = status.tasks.iter().map(|it| Some(it.task.clone()));
                std::iter::once(None).chain(tasks).collect()
            }
        };
        let mut left = Left::Nothing;
        for log in logs {
            loop {
                let after = self.read.get(&log).cloned();
                let chunk = self.source.log(self.run, log.as_ref(), after).await?;
                self.read.insert(log.clone(), chunk.next);
                for line in &chunk.lines {
                    if !self.show(line)? {
                        return Ok(Left::NoReader);
                    }
                }
                if chunk.is_complete {
                    break;
                }
                left = Left::More;
                if chunk.lines.is_empty() {
                    break;
                }
            }
        }
        Ok(left)
    }

    /// `false` where nobody reads it.
    fn show(&mut self, line: &LogLine) -> Result<bool> {
        let output = self.session.output;
        let LogLine { file, text } = line;
        if output.is_json {
            let line = serde_json::to_string(&Line { file, text })?;
            return Ok(output.grown(&line));
        }
        let is_other = self.last != *file;
        if is_other {
            self.last.clone_from(file);
        }
        let is_read = !is_other || output.grown(&format!("--- {}", self.of(file)));
        Ok(is_read && output.grown(text))
    }

    /// `one 1.1 agent` for `tasks/one/1.1/transcript.log`.
    fn of(&self, file: &str) -> String {
        let of = file.strip_prefix("tasks/").unwrap_or(file);
        let task = self.task.as_ref().map(|task| format!("{task}/"));
        let of = task.and_then(|task| of.strip_prefix(&task)).unwrap_or(of);
        let of = of.trim_end_matches(".log").replace('/', " ");
        of.replace("transcript", "agent")
    }
}
