//! The combined heads of a change set, tested side by side.

use core_types::{
    CommandPurpose, CommandRequest, ErrorClass, Event, PortError, Scope, StepKey, StepRef,
    step::Fingerprint,
};

use crate::{Error, planning, progress::Progress, run::Run, verify};

/// Runs the change set's test command, if it has one, over a clone of each
/// repository's head, side by side and named after them. `None` if it passes.
pub(crate) async fn test(
    run: &Run,
    repositories: &[Progress],
    attempt: u32,
) -> Result<Option<String>, Error> {
    let mut failure = None;
    match Box::pin(pass(run, repositories, attempt, &mut failure)).await {
        Err(_) if failure.is_some() => Ok(failure),
        result => result.map(|()| None),
    }
}

/// Only a pass is recorded: after a failure somebody may change what is tested.
async fn pass(
    run: &Run,
    repositories: &[Progress],
    attempt: u32,
    failed: &mut Option<String>,
) -> Result<(), Error> {
    let change_set = run.settings.change_set.as_ref();
    let Some(command) = change_set.and_then(|it| it.test_command.clone()) else {
        return Ok(());
    };
    let heads: serde_json::Value = repositories
        .iter()
        .map(|progress| (progress.name.to_string(), serde_json::json!(progress.head)))
        .collect();
    let fingerprint = Fingerprint::new()
        .with_json("heads", &heads)
        .with("workflow_test_command", command.to_string());
    let attempt = run.reopened().rounds_so_far() * 1000 + attempt;
    let key = StepKey::new(Scope::Run, attempt, "workflow-test");
    let passed = run.step(key, fingerprint, |step: StepRef| async move {
        let scratch = run.scratch(format!("workflow-test/{attempt}.{}", step.execution));
        let folder = scratch.join("repositories");
        for progress in repositories {
            let clone = folder.join(progress.name.as_str());
            let repository = &run.repository(&progress.name)?.repository;
            repository.clone_to(&progress.head, &clone).await?;
        }
        let request = CommandRequest {
            step: Some(step.clone()),
            purpose: CommandPurpose::Test,
            command: command.clone(),
            folder: folder.clone(),
            environment: verify::environment(run, None),
            timeout: run.settings.limits.test_timeout,
            tail_bytes: CommandRequest::TAIL_BYTES,
            log: scratch.join("test.log"),
        };
        let outcome = run.ports.commands.run(request, &run.cancel).await;
        let failure = match outcome {
            Ok(outcome) if outcome.exit.is_success() => None,
            Ok(outcome) => Some(format!(
                "the workflow's test command `{command}` failed: {}\n{}",
                outcome.exit, outcome.tail
            )),
            Err(error) => Some(run.as_failure(error)?.message),
        };
        let message = match &failure {
            None => "the combined heads pass the workflow's tests".to_owned(),
            Some(failure) => failure.lines().next().unwrap_or_default().to_owned(),
        };
        run.emit(
            Some(&step),
            Event::ChangeSetTested {
                passed: failure.is_none(),
                message,
            },
        );
        planning::remove(run, &step, folder).await;
        match failure {
            None => Ok(()),
            Some(text) => {
                *failed = Some(text);
                let operation = "pass the workflow's tests";
                Err(PortError::new(ErrorClass::TestFailure, operation))
            }
        }
    });
    Ok(passed.await?)
}
