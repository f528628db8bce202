//! `approve` and `land`: what a person says to a run, which then goes on.

use anyhow::{Result, bail};
use facade::{
    assemble::{Error, RepositoryStanding, RunState, plan_from_file, send},
    core_types::{Gate, MemberState, Message, RunId},
    engine_workflow::{EndStatus, plan::validate},
};

use super::{
    drive::AtGate,
    run::{GoOn, go_on},
};
use crate::{
    args::{AbortArguments, ApproveArguments, GateName, LandArguments},
    failure::DONE,
    session::Session,
};

/// `automation approve`.
pub(crate) async fn approve(session: Session, arguments: ApproveArguments) -> Result<u8> {
    let waits = |state| state == RunState::Waiting;
    let run = session.pick(arguments.run.as_deref(), "waits for approval", waits)?;
    let end = session.status(&run)?.end;
    if let (None, Some(key)) = (
        arguments.gate,
        end.as_ref().and_then(|end| end.waits_for.clone()),
    ) {
        let message = Message::Consent { key };
        return tell(&session, run, &message, AtGate::from_flag(arguments.wait)).await;
    }
    let gate = match arguments.gate {
        Some(GateName::Plan) => Gate::Plan,
        Some(GateName::Landing) => Gate::Landing,
        Some(GateName::Deploy) => Gate::Deploy,
        None => match end.map(|end| end.status) {
            Some(EndStatus::AtGate(gate)) => gate,
            _ => {
                let message = format!("run {run} does not wait at a gate");
                let hint = format!("`automation status {run}` shows where it stands");
                bail!(Error::Request { message, hint })
            }
        },
    };
    let plan = match (&arguments.plan, gate) {
        (None, _) => None,
        (Some(file), Gate::Plan) => {
            let record =
                facade::assemble::RunRecord::read(&session.home, &run, &session.surroundings)?;
            let settings = &record.settings;
            let names: Vec<_> = settings
                .repositories
                .iter()
                .map(|it| it.name.clone())
                .collect();
            let path = session.surroundings.current_dir.join(file);
            let plan = plan_from_file(&path, &settings.plan_id, &names)?;
            let change_set = settings.change_set.as_ref();
            let findings = validate(&plan, &settings.repositories, change_set);
            if !findings.is_empty() {
                bail!(Error::from(facade::engine_workflow::Error::Plan(findings)))
            }
            Some(plan)
        }
        (Some(_), _) => bail!(Error::Request {
            message: "a plan can be changed only at the gate plan".to_owned(),
            hint: "leave --plan out".to_owned(),
        }),
    };
    refuse_failed(&session, &run)?;
    let message = Message::Approve { gate, plan };
    tell(&session, run, &message, AtGate::from_flag(arguments.wait)).await
}

/// `automation land`.
pub(crate) async fn land(session: Session, arguments: LandArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "can land", |_| true)?;
    refuse_failed(&session, &run)?;
    let message = Message::Land {
        update_checkout: arguments.consent.update_checkout,
        allow_unverified: arguments.consent.allow_unverified,
    };
    tell(&session, run, &message, AtGate::Exit).await
}

fn refuse_failed(session: &Session, run: &RunId) -> Result<()> {
    if session.status(run)?.state == RunState::Failed {
        let message = format!("run {run} has failed; nothing of it can be approved or landed");
        bail!(Error::Request {
            message,
            hint: format!("see `automation status {run}`")
        })
    }
    Ok(())
}

/// `automation abort`.
pub(crate) async fn abort(session: Session, arguments: AbortArguments) -> Result<u8> {
    let run = session.pick(Some(&arguments.run), "can be given up", |_| true)?;
    if session.status(&run)?.state == RunState::Running {
        let message = format!("a process is working on run {run}");
        bail!(Error::Request {
            message,
            hint: "pause it first, by Ctrl-C in its terminal".to_owned(),
        })
    }
    let has_landed = |it: &RepositoryStanding| matches!(it.state, MemberState::Landed);
    if session.status(&run)?.repositories.iter().any(has_landed) {
        let message = format!("run {run} has landed, in part at least; that cannot be given up");
        bail!(Error::Request {
            message,
            hint: format!("`automation status {run}` shows where"),
        })
    }
    let code = tell(&session, run.clone(), &Message::Abort, AtGate::Exit).await?;
    // That it was given up is what was asked for.
    let is_done = session.status(&run)?.state == RunState::Aborted;
    Ok(if is_done { DONE } else { code })
}

/// Says it, and goes on with the run unless a process holds it. The run must exist.
pub(super) async fn tell(
    session: &Session,
    run: RunId,
    message: &Message,
    at_gate: AtGate,
) -> Result<u8> {
    let is_held = send(&session.home, &run, message, &session.surroundings).await?;
    if !is_held {
        match Box::pin(go_on(session, run.clone(), GoOn::default(), at_gate)).await {
            // Another process took it in between, and has read the message.
            Err(error) if matches!(error.downcast_ref(), Some(Error::Held { .. })) => {}
            result => return result,
        }
    }
    let line = format!("run {run} has been told; the process that works on it goes on");
    session.output.line(line);
    session
        .output
        .json(&serde_json::json!({ "run": run, "exit_code": DONE, "told": true }))?;
    Ok(DONE)
}
