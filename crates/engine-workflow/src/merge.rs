//! Merging a task's verified result into its repository's integration branch.

use core_types::{
    CommitId, ErrorClass, Event, Failure, FailureKind, Merge, PortError, RefUpdate, Scope, StepKey,
    StepRef, Task, step::Fingerprint,
};
use serde::{Deserialize, Serialize};

use crate::{Error, run::Run, text};

/// What came of a merge into the integration branch, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Merged {
    /// The branch's new head.
    Into(CommitId),
    /// The task has failed.
    Failed(Failure),
}

/// Merges a commit, as the step `name`, while no other task merges into the same branch.
pub(crate) async fn merge(
    run: &Run,
    task: &Task,
    attempt: u32,
    commit: &CommitId,
    name: &'static str,
) -> Result<Merged, Error> {
    let _turn = run.merging(&task.repository).await;
    let key = StepKey::new(Scope::Task(task.id.clone()), attempt, name);
    let fingerprint = Fingerprint::new().with("commit", commit);
    let merged = run.step(key, fingerprint, |step| merge_once(run, task, commit, step));
    Ok(merged.await?)
}

/// Merging again after a crash finds the commit already held.
async fn merge_once(
    run: &Run,
    task: &Task,
    commit: &CommitId,
    step: StepRef,
) -> Result<Merged, PortError> {
    let repository = &run.repository(&task.repository)?.repository;
    let head = run.integration_head(&task.repository).await?;
    let subject = format!(
        "Merge task {}: {}",
        task.id,
        text::title(&task.title, "no title")
    );
    let message = text::commit_message(&subject, "", &run.trailers(&task.id));
    let merged = match repository.merge(&head, commit, &message).await {
        Ok(Merge::FastForward { commit } | Merge::Merged { commit }) => commit,
        Ok(Merge::Conflict { paths }) => return Ok(Merged::Failed(conflict(paths))),
        Err(error) => return run.as_failure(error).map(Merged::Failed),
    };
    if merged != head {
        let update = RefUpdate {
            name: run.reference("integration"),
            expected: Some(head),
            new: Some(merged.clone()),
        };
        repository.update_refs(&[update]).await?;
    }
    let event = Event::TaskMerged {
        repository: task.repository.clone(),
        commit: merged.clone(),
    };
    run.emit(Some(&step), event);
    Ok(Merged::Into(merged))
}

fn conflict(paths: Vec<String>) -> Failure {
    let list = text::start(&paths.join(", "), 500);
    let message = format!("merging into the integration branch met conflicts in {list}");
    let kind = FailureKind::MergeConflict { paths };
    Failure::new(ErrorClass::Conflict, kind, message)
}
