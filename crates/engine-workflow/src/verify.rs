//! Set-up and test commands in a clone.

use std::path::Path;

use core_types::{
    CommandLine, CommandPurpose, CommandRequest, CommitId, Event, Exit, Failure, FailureKind,
    PortError, RepositoryName, StepRef, Workspace,
};
use serde::{Deserialize, Serialize};

use crate::run::Run;

/// What the tests say, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub(crate) enum Verdict {
    Passed,
    NotVerified,
    Failed { failure: Failure },
}

impl Verdict {
    pub(crate) fn passed(&self) -> Option<bool> {
        match self {
            Self::Passed => Some(true),
            Self::NotVerified => None,
            Self::Failed { .. } => Some(false),
        }
    }
}

/// Runs the repository's set-up command, if it has one.
pub(crate) async fn set_up(
    run: &Run,
    repository: &RepositoryName,
    folder: &Path,
    scratch: &Path,
    step: Option<&StepRef>,
) -> Result<Option<Failure>, PortError> {
    let settings = run.settings.repository(repository);
    let Some(command) = settings.and_then(|it| it.setup_command.clone()) else {
        return Ok(None);
    };
    let timeout = run.settings.limits.setup_timeout;
    let purpose = CommandPurpose::Setup;
    let request = CommandRequest {
        step: step.cloned(),
        purpose,
        command,
        folder: folder.to_owned(),
        environment: environment(run, Some(repository)),
        timeout,
        tail_bytes: CommandRequest::TAIL_BYTES,
        log: scratch.join("setup.log"),
    };
    execute(run, repository, request).await
}

/// Tests a commit: in the workspace it was made in, or in a fresh clone of it.
pub(crate) async fn verify(
    run: &Run,
    repository: &RepositoryName,
    commit: &CommitId,
    workspace: Option<&dyn Workspace>,
    scratch: &Path,
    step: &StepRef,
) -> Result<Verdict, PortError> {
    let Some(settings) = run.settings.repository(repository) else {
        return Ok(Verdict::NotVerified);
    };
    let Some(command) = settings.test_command.clone() else {
        return Ok(Verdict::NotVerified);
    };
    let fresh;
    let folder = match workspace {
        Some(workspace) => workspace.folder(),
        None => {
            fresh = run.repository(repository)?.repository.lease(commit).await?;
            if let Some(failure) =
                set_up(run, repository, fresh.folder(), scratch, Some(step)).await?
            {
                return Ok(Verdict::Failed { failure });
            }
            fresh.folder()
        }
    };
    let request = CommandRequest {
        step: Some(step.clone()),
        purpose: CommandPurpose::Test,
        command,
        folder: folder.to_owned(),
        environment: environment(run, Some(repository)),
        timeout: settings
            .test_timeout
            .unwrap_or(run.settings.limits.test_timeout),
        tail_bytes: CommandRequest::TAIL_BYTES,
        log: scratch.join("test.log"),
    };
    let failure = execute(run, repository, request).await?;
    Ok(failure.map_or(Verdict::Passed, |failure| Verdict::Failed { failure }))
}

/// What commands of a run see beside the allowed variables: the run, the
/// repository, and what the caller said about the change set, as a JSON object.
pub(crate) fn environment(run: &Run, repository: Option<&RepositoryName>) -> Vec<(String, String)> {
    let mut variables = vec![("AUTOMATION_RUN_ID".to_owned(), run.settings.run.to_string())];
    if let Some(repository) = repository {
        variables.push(("AUTOMATION_REPOSITORY".to_owned(), repository.to_string()));
    }
    if let Some(change_set) = &run.settings.change_set {
        let context = serde_json::json!(change_set.context).to_string();
        variables.push(("AUTOMATION_CONTEXT".to_owned(), context));
    }
    variables
}

/// Runs a command; a failure of the command is a value, what stops the run an error.
pub(crate) async fn execute(
    run: &Run,
    repository: &RepositoryName,
    request: CommandRequest,
) -> Result<Option<Failure>, PortError> {
    let CommandRequest {
        step,
        purpose,
        command,
        ..
    } = request.clone();
    let outcome = match run.ports.commands.run(request, &run.cancel).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let failure = run.as_failure(error)?;
            let kind = failure_kind(purpose, &command);
            return Ok(Some(Failure { kind, ..failure }));
        }
    };
    let event = Event::CommandEnded {
        repository: repository.clone(),
        purpose: purpose.as_str().to_owned(),
        passed: outcome.exit.is_success(),
        duration: outcome.duration,
    };
    run.emit(step.as_ref(), event);
    if outcome.exit.is_success() {
        return Ok(None);
    }
    Ok(Some(
        command_failure(purpose, &command, outcome.exit).with_detail(outcome.tail),
    ))
}

fn failure_kind(purpose: CommandPurpose, command: &CommandLine) -> FailureKind {
    match purpose {
        CommandPurpose::Setup => FailureKind::Setup,
        CommandPurpose::Deploy => FailureKind::Other,
        CommandPurpose::Test => FailureKind::Tests {
            command: command.to_string(),
        },
    }
}

fn command_failure(purpose: CommandPurpose, command: &CommandLine, exit: Exit) -> Failure {
    let kind = failure_kind(purpose, command);
    Failure::new(
        exit.class(purpose.into()),
        kind,
        format!("{} command `{command}` failed: {exit}", purpose.as_str()),
    )
}
