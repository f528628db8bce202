//! What is run once after a change has landed, behind a gate of its own.

use core_types::{
    CommandPurpose, CommandRequest, Event, Failure, Gate, Message, Scope, StepKey,
    step::{self, Fingerprint, Step, WhenUnknown},
};

use crate::{
    Error,
    end::{RepositoryEnd, RepositoryState},
    run::Run,
    verify,
};

/// What became of the deployments.
pub(crate) enum Deployed {
    /// There were none, or all went well.
    Done,
    /// They wait for a person to open the gate.
    AtGate,
    /// Some failed.
    Failed,
}

/// Runs the deploy command of each member that has landed.
///
/// Nobody but a person can say whether a deployment that was cut off has
/// acted, so such a one waits for consent.
pub(crate) async fn deploy(run: &Run, ends: &mut [RepositoryEnd]) -> Result<Deployed, Error> {
    let Some(change_set) = &run.settings.change_set else {
        return Ok(Deployed::Done);
    };
    let mut any_failed = false;
    for member in &change_set.members {
        let end = ends
            .iter_mut()
            .find(|it| it.repository == member.repository);
        let (Some(command), Some(end)) = (&member.deploy, end) else {
            continue;
        };
        if end.state != RepositoryState::Landed {
            continue;
        }
        if run.settings.approvals.deploy && !is_open(run).await? {
            let gate = Gate::Deploy.as_str().to_owned();
            run.emit(None, Event::GateReached { gate });
            return Ok(Deployed::AtGate);
        }
        let name = &member.repository;
        let key = StepKey::new(Scope::Repository(name.clone()), 1, "deploy");
        let fingerprint = Fingerprint::new()
            .with("head", &end.head)
            .with("deploy_command", command.to_string());
        let step = Step::new(key, fingerprint, WhenUnknown::Manual);
        let head = end.head.clone();
        let failure: Option<Failure> = step::run(&*run.ports.steps, step, |step| async move {
            let repository = &run.repository(name)?.repository;
            let workspace = repository.lease(&head).await?;
            let scratch = run.scratch(format!("repositories/{name}/deploy.{}", step.execution));
            let request = CommandRequest {
                step: Some(step.clone()),
                purpose: CommandPurpose::Deploy,
                command: command.clone(),
                folder: workspace.folder().to_owned(),
                environment: verify::environment(run, Some(name)),
                timeout: run.settings.limits.test_timeout,
                tail_bytes: CommandRequest::TAIL_BYTES,
                log: scratch.join("deploy.log"),
            };
            verify::execute(run, name, request).await
        })
        .await?;
        any_failed |= failure.is_some();
        end.deployed = Some(failure.is_none());
    }
    Ok(if any_failed {
        Deployed::Failed
    } else {
        Deployed::Done
    })
}

async fn is_open(run: &Run) -> Result<bool, Error> {
    let messages = run.ports.inbox.messages().await?;
    Ok(messages.iter().any(|message| {
        let gate = Gate::Deploy;
        matches!(message, Message::Approve { gate: opened, .. } if *opened == gate)
    }))
}
