//! Where the report goes: a file and a comment, each written by a step.

use std::path::PathBuf;

use core_types::{
    ErrorClass, Event, NewComment, Operated, OperationId, PortError, RecoveryRequest, Scope,
    StepKey,
    step::{self, Fingerprint, Look, Step, StepState, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use super::report::{lines_of, one_line};
use crate::{RecoveryContext, step_error, stops_the_run};

/// One earlier hand-off of the same scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) attempt: u32,
    pub(super) message: String,
    pub(super) tried: Vec<String>,
}

pub(super) fn report_key(request: &RecoveryRequest, attempt: u32) -> StepKey {
    StepKey::new(request.scope.clone(), attempt, "recovery-report")
}

/// The hand-offs of earlier attempts, oldest first.
pub(super) fn history(
    request: &RecoveryRequest,
    context: &RecoveryContext<'_>,
) -> Result<Vec<Entry>, PortError> {
    let mut entries = Vec::new();
    for attempt in 1..request.attempt {
        let key = report_key(request, attempt);
        if let StepState::Finished { result, .. } = context.steps.state(&key) {
            let entry = serde_json::from_value(result).map_err(|error| {
                PortError::new(ErrorClass::Internal, "read an earlier report").because(error)
            })?;
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Writes the file. Its name is that of the scope, so that there is one for each.
pub(super) async fn file(
    request: &RecoveryRequest,
    context: &RecoveryContext<'_>,
    report: &str,
) -> Result<(), PortError> {
    let name = match &request.scope {
        Scope::Run => "run.md".to_owned(),
        Scope::Repository(name) => format!("repository-{name}.md"),
        Scope::Task(id) => format!("task-{id}.md"),
    };
    let path = request.reports.join(name);
    let entry = Entry {
        attempt: request.attempt,
        message: one_line(&request.failure.message),
        tried: lines_of(context.earlier),
    };
    let step = Step::new(
        report_key(request, request.attempt),
        Fingerprint::new(),
        // A file that is replaced as a whole.
        WhenUnknown::Idempotent,
    );
    // A request without a folder for reports wants no file.
    let is_wanted = !request.reports.as_os_str().is_empty();
    let text = report.to_owned();
    let written: Result<Entry, _> = step::run(context.steps, step, |_| async {
        if is_wanted {
            write(path, text).await?;
        }
        Ok(entry)
    })
    .await;
    let written = written.map_err(|error| step_error(error, "write a report"));
    written.map(drop)
}

async fn write(path: PathBuf, text: String) -> Result<(), PortError> {
    let work = move || -> Result<(), PortError> {
        let exhausted = |error: std::io::Error| {
            PortError::new(class_of(&error), "write a report").because(error)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(exhausted)?;
        }
        journal::atomic_write(&path, text.as_bytes()).map_err(|error| {
            let class = match error.class_hint() {
                journal::ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                _ => ErrorClass::Internal,
            };
            PortError::new(class, "write a report").because(error)
        })
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|cut_off| {
        Err(PortError::new(ErrorClass::Internal, "write a report").because(cut_off))
    })
}

fn class_of(error: &std::io::Error) -> ErrorClass {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::ReadOnlyFilesystem
        | std::io::ErrorKind::QuotaExceeded => ErrorClass::ResourceExhausted,
        _ => ErrorClass::Internal,
    }
}

/// Writes the comment, or changes the one that an earlier hand-off of the scope left. A forge
/// that does not take it costs a warning; the file is there.
pub(super) async fn comment(
    request: &RecoveryRequest,
    context: &RecoveryContext<'_>,
    report: &str,
) -> Result<(), PortError> {
    let Some(forge) = context.forge else {
        return Ok(());
    };
    if request.issue.number == 0 {
        return Ok(());
    }
    let key = StepKey::new(request.scope.clone(), request.attempt, "recovery-comment");
    // The first hand-off of the scope names the comment, whichever attempt it was.
    let first = report_key(request, 1).operation(&request.run);
    let change = key.operation(&request.run);
    let look = async {
        let left = forge.find(&change).await?;
        Ok(id_of(left).map_or(Look::NotActed, |id| Look::Acted(Some(id))))
    };
    let step = Step::new(key, Fingerprint::new(), WhenUnknown::reconcile(look));
    let commented: Result<Option<u64>, _> = step::run(context.steps, step, |step| {
        let (first, change) = (&first, &change);
        async move {
            match say(request, context, first, change, report).await {
                Ok(id) => Ok(Some(id)),
                Err(error) if stops_the_run(error.class()) => Err(error),
                Err(error) => {
                    let message = format!("the report is a file only: {}", error.to_line());
                    context.events.emit(Some(&step), Event::Warning { message });
                    Ok(None)
                }
            }
        }
    })
    .await;
    let commented = commented.map_err(|error| step_error(error, "comment a report"));
    commented.map(drop)
}

async fn say(
    request: &RecoveryRequest,
    context: &RecoveryContext<'_>,
    first: &OperationId,
    change: &OperationId,
    report: &str,
) -> Result<u64, PortError> {
    let forge = context.forge.ok_or_else(|| {
        PortError::new(ErrorClass::Internal, "comment a report").because("there is no forge")
    })?;
    let body = report.to_owned();
    let comment = match id_of(forge.find(first).await?) {
        Some(id) => forge.update_comment(change, id, body).await?,
        None => {
            let issue = request.issue.number;
            let created = forge.create_comment(first, NewComment { issue, body });
            created.await?
        }
    };
    Ok(comment.id)
}

fn id_of(left: Option<Operated>) -> Option<u64> {
    match left {
        Some(Operated::Comment(comment)) => Some(comment.id),
        _ => None,
    }
}
