//! Handing a failure to the [`Recovery`](core_types::Recovery) port, recorded.

use core_types::{
    CommitId, Conversation, DependencyResult, Failure, RecoveryOutcome, RecoveryRequest,
    RepositoryCommands, RepositoryName, Scope, StepKey, Task, step::Fingerprint,
};
use serde::{Deserialize, Serialize};

use crate::{Error, run::Run, verify::environment};

/// What failed, and how far it came.
pub(crate) struct Failed<'a> {
    pub(crate) scope: Scope,
    pub(crate) attempt: u32,
    pub(crate) task: Option<&'a Task>,
    pub(crate) repository: &'a RepositoryName,
    pub(crate) base: &'a CommitId,
    pub(crate) commit: Option<&'a CommitId>,
    pub(crate) failure: &'a Failure,
    pub(crate) conversation: Option<&'a Conversation>,
}

/// What the repair starts from, fixed before it acts: other tasks merge meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seen {
    head: CommitId,
    merged: Vec<DependencyResult>,
}

/// Tries to repair a failure, as steps of its scope. `merged` tells what the
/// integration branch holds beside the base.
pub(crate) async fn recover(
    run: &Run,
    failed: Failed<'_>,
    merged: impl FnOnce() -> Vec<DependencyResult>,
) -> Result<RecoveryOutcome, Error> {
    let key = |name| StepKey::new(failed.scope.clone(), failed.attempt, name);
    let seen: Seen = run
        .step(key("recover-from"), Fingerprint::new(), |_| async {
            Ok(Seen {
                head: run.integration_head(failed.repository).await?,
                merged: merged(),
            })
        })
        .await?;
    let fingerprint = Fingerprint::new()
        .with_json("failure", &failed.failure.kind)
        .with("commit", failed.commit.map_or("", CommitId::as_str));
    let outcome = run.step(key("recover"), fingerprint, |_| async {
        let request = request(run, &failed, seen);
        let recovery = &run.ports.aids.recovery;
        recovery.recover(&request, &run.cancel).await
    });
    Ok(outcome.await?)
}

fn request(run: &Run, failed: &Failed<'_>, seen: Seen) -> RecoveryRequest {
    let settings = run.settings.repository(failed.repository);
    let limits = &run.settings.limits;
    let scratch = match failed.task {
        Some(task) => format!("tasks/{}/{}.recovery", task.id, failed.attempt),
        None => format!(
            "repositories/{}/recovery.{}",
            failed.repository, failed.attempt
        ),
    };
    RecoveryRequest {
        run: run.settings.run.clone(),
        plan: run.settings.plan_id.clone(),
        scope: failed.scope.clone(),
        attempt: failed.attempt,
        issue: run.settings.issue.clone(),
        task: failed.task.cloned(),
        repository: failed.repository.clone(),
        commands: RepositoryCommands {
            setup: settings.and_then(|it| it.setup_command.clone()),
            setup_timeout: limits.setup_timeout,
            test: settings.and_then(|it| it.test_command.clone()),
            test_timeout: settings
                .and_then(|it| it.test_timeout)
                .unwrap_or(limits.test_timeout),
            agent_timeout: limits.agent_timeout,
            environment: environment(run, Some(failed.repository)),
        },
        base: failed.base.clone(),
        commit: failed.commit.cloned(),
        head: seen.head,
        merged: seen.merged,
        failure: failed.failure.clone(),
        conversation: failed.conversation.cloned(),
        context: run.context(),
        answers: run.reopened().answers(&failed.scope),
        reports: run.scratch("reports"),
        scratch: run.scratch(scratch),
    }
}
