//! `answer`, `retry` and `skip`: what a person says of work that was handed off.

use std::io::Read as _;

use anyhow::{Context, Result, bail};
use facade::{
    assemble::{Error, RunRecord, RunState, RunStatus, TaskState},
    core_types::{Message, RepositoryName, RunId, Scope, TaskId, TaskStatus},
};

use super::{drive::AtGate, gates::tell};
use crate::{
    args::{AnswerArguments, RetryArguments, SkipArguments},
    session::Session,
};

/// `automation answer`.
pub(crate) async fn answer(session: Session, arguments: AnswerArguments) -> Result<u8> {
    let (run, scope) = named(&session, arguments.run.as_deref(), &arguments.task)?;
    let text = text_or_input(arguments.text)?;
    if text.trim().is_empty() {
        bail!(Error::Request {
            message: "the answer is empty".to_owned(),
            hint: "`automation retry` tries again without a word".to_owned(),
        })
    }
    Box::pin(tell(
        &session,
        run,
        &Message::Answer { scope, text },
        AtGate::Exit,
    ))
    .await
}

/// `automation retry`.
pub(crate) async fn retry(session: Session, arguments: RetryArguments) -> Result<u8> {
    let (run, scope) = named(&session, arguments.run.as_deref(), &arguments.task)?;
    let description = match (arguments.edit, arguments.description) {
        (false, None) => None,
        (false, Some(text)) => Some(text_or_input(text)?),
        (true, _) => Some(edited(&session, &run, &scope)?),
    };
    if let (Some(_), Scope::Repository(name)) = (&description, &scope) {
        bail!(Error::Request {
            message: format!("{name} is a repository; only a task has a description"),
            hint: format!("leave the description out: automation retry {name}"),
        })
    }
    let message = Message::Retry { scope, description };
    Box::pin(tell(&session, run, &message, AtGate::Exit)).await
}

/// `automation skip`.
pub(crate) async fn skip(session: Session, arguments: SkipArguments) -> Result<u8> {
    let (run, scope) = named(&session, arguments.run.as_deref(), &arguments.task)?;
    let Scope::Task(task) = scope else {
        bail!(Error::Request {
            message: format!(
                "{} is a repository; only a task can be left out",
                arguments.task
            ),
            hint: "`automation status RUN` lists its tasks".to_owned(),
        })
    };
    Box::pin(tell(&session, run, &Message::Skip { task }, AtGate::Exit)).await
}

/// The run, and the task or repository of that name in it.
fn named(session: &Session, run: Option<&str>, name: &str) -> Result<(RunId, Scope)> {
    let has_task = |status: &RunStatus| status.tasks.iter().any(|it| it.task.as_str() == name);
    let run = session.pick(run, "can be told something", |_| true)?;
    let status = session.status(&run)?;
    if has_task(&status) {
        let task = status.tasks.iter().find(|it| it.task.as_str() == name);
        let failed = |task: &TaskState| {
            task.status.has_ended() && !task.status.is_good() && task.status != TaskStatus::Skipped
        };
        // A task of a live run may fail yet.
        if status.state != RunState::Running && !task.is_some_and(failed) {
            let state = task.map(|it| it.status.to_string()).unwrap_or_default();
            bail!(Error::Request {
                message: format!("task {name} has not failed; it is {state}"),
                hint: format!("`automation status {run}` shows what failed first"),
            })
        }
        return Ok((run, Scope::Task(TaskId::new(name)?)));
    }
    let record = RunRecord::read(&session.home, &run, &session.surroundings)?;
    let mut repositories = record.settings.repositories.iter();
    if repositories.any(|it| it.name.as_str() == name) {
        let own = status
            .repositories
            .iter()
            .find(|it| it.repository.as_str() == name);
        let has_failed = own.is_some_and(|it| it.tested == Some(false));
        if status.state != RunState::Running && !has_failed {
            bail!(Error::Request {
                message: format!("the tests of repository {name} have not failed"),
                hint: format!("`automation status {run}` shows what failed"),
            })
        }
        return Ok((run, Scope::Repository(RepositoryName::new(name)?)));
    }
    bail!(Error::Request {
        message: format!("run {run} has neither a task nor a repository {name:?}"),
        hint: format!("`automation status {run}` lists its tasks"),
    })
}

/// The text, or standard input for `-`.
fn text_or_input(text: String) -> Result<String> {
    if text != "-" {
        return Ok(text);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input cannot be read")?;
    Ok(text)
}

/// The task's description, as the person leaves it in an editor.
fn edited(session: &Session, run: &RunId, scope: &Scope) -> Result<String> {
    let Scope::Task(task) = scope else {
        return Ok(String::new());
    };
    let variable = |name| session.surroundings.variable(name);
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let Some(editor) = editor.filter(|editor| !editor.trim().is_empty()) else {
        bail!(Error::Request {
            message: "no editor is set".to_owned(),
            hint: "set EDITOR, or give the text by --description".to_owned(),
        })
    };
    let status = session.status(run)?;
    let task = status.tasks.iter().find(|it| it.task == *task);
    let description = task.map(|it| it.description.clone()).unwrap_or_default();
    let file = session.home.run_folder(run).join("description.md");
    facade::journal::atomic_write(&file, description.as_bytes())
        .with_context(|| format!("{} cannot be written", file.display()))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "an editor belongs to the person's terminal, not to the run"
    )]
    let ended = std::process::Command::new("sh")
        .args(["-c", "exec $0 \"$1\"", &editor])
        .arg(&file)
        .status();
    let ended = ended.with_context(|| format!("the editor {editor} cannot be started"))?;
    if !ended.success() {
        bail!("the editor {editor} ended with {ended}; nothing was said to the run")
    }
    std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
}
