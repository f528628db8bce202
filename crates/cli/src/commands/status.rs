//! `status`.

use anyhow::Result;
use facade::{
    assemble::{RunState, RunStatus},
    core_types::{MemberState, Usd},
};

use super::cost::spent_by;
use crate::{
    args::StatusArguments,
    end::{repair_lines, repository_lines, summary},
    failure::DONE,
    output::{ago, one_line, table},
    session::Session,
};

/// `automation status`.
pub(crate) fn status(session: &Session, arguments: &StatusArguments) -> Result<u8> {
    match &arguments.run {
        Some(name) => {
            let run = session.home.find_run(name)?;
            let status = session.status(&run)?;
            let mut value = serde_json::to_value(&status)?;
            if let Some((spent, open)) = spent_by(session, &run) {
                value["spent"] = serde_json::json!({"settled": spent, "reserved": open});
            }
            session.output.json(&value)?;
            one(session, &status);
        }
        None => all(session)?,
    }
    Ok(DONE)
}

fn all(session: &Session) -> Result<()> {
    let now = session.surroundings.clock.now();
    let mut statuses = Vec::new();
    let mut rows = vec![
        ["run", "state", "stage", "tasks", "begun", "issue"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for run in session.home.runs()?.into_iter().rev() {
        // One damaged run does not hide the others.
        match session.status(&run) {
            Ok(status) => {
                let ended = status
                    .tasks
                    .iter()
                    .filter(|task| task.status.has_ended())
                    .count();
                rows.push(vec![
                    run.to_string(),
                    status.state.as_str().to_owned(),
                    status
                        .stage
                        .map(|stage| stage.to_string())
                        .unwrap_or_default(),
                    format!("{ended}/{}", status.tasks.len()),
                    ago(status.created, now),
                    one_line(&status.title, 60),
                ]);
                statuses.push(status);
            }
            Err(error) => rows.push(vec![
                run.to_string(),
                "unreadable".to_owned(),
                String::new(),
                String::new(),
                String::new(),
                one_line(&format!("{error:#}"), 100),
            ]),
        }
    }
    session.output.json(&statuses)?;
    if rows.len() == 1 {
        session
            .output
            .line(format!("no runs in {}", session.home.root().display()));
        return Ok(());
    }
    for line in table(&rows) {
        session.output.line(line);
    }
    Ok(())
}

/// Where each repository stands, and what one that has not started waits for.
fn standings(status: &RunStatus) -> Vec<Vec<String>> {
    let rows = status.repositories.iter().map(|it| {
        let detail = match &it.state {
            MemberState::Waiting { on } if !on.is_empty() => {
                let waits = on
                    .iter()
                    .map(|wait| format!("{} ({})", wait.repository, wait.reason.as_str()));
                format!("waits for {}", waits.collect::<Vec<_>>().join(", "))
            }
            MemberState::Failed { reason } => reason.clone(),
            _ => String::new(),
        };
        vec![
            format!("  {}", it.repository),
            it.state.as_str().to_owned(),
            detail,
        ]
    });
    rows.collect()
}

fn one(session: &Session, status: &RunStatus) {
    let (output, run) = (session.output, &status.run);
    let now = session.surroundings.clock.now();
    output.line(format!("run {run}: {}", one_line(&status.title, 100)));
    let stage = status
        .stage
        .map(|stage| format!(", stage {stage}"))
        .unwrap_or_default();
    output.line(format!(
        "{}{stage}, begun {}",
        status.state.as_str(),
        ago(status.created, now)
    ));
    let mut rows = Vec::new();
    for task in &status.tasks {
        let mut detail = match &task.failure {
            Some(failure) => failure.message.clone(),
            None if task.waits_for.is_empty() => String::new(),
            None if task.status.has_ended() => task.waits_for.clone(),
            None => format!("waits for {}", task.waits_for),
        };
        if detail.is_empty() && task.status == facade::core_types::TaskStatus::Running {
            detail = task
                .since
                .map(|since| format!("since {}", ago(since, now)))
                .unwrap_or_default();
        }
        rows.push(vec![
            format!("  {}", task.task),
            task.repository.clone(),
            task.status.to_string(),
            one_line(&detail, 120),
        ]);
    }
    for line in table(&rows) {
        output.line(line);
    }
    let is_over = status
        .end
        .as_ref()
        .is_some_and(|end| !end.repositories.is_empty());
    if !is_over && status.repositories.len() > 1 {
        output.line("repositories:");
        for line in table(&standings(status)) {
            output.line(line);
        }
    }
    if !status.repairs.is_empty() {
        output.line("repairs:");
        for line in repair_lines(&status.repairs) {
            output.line(line);
        }
    }
    if let Some(end) = &status.end
        && !end.repositories.is_empty()
    {
        output.line("repositories:");
        for line in repository_lines(end) {
            output.line(line);
        }
    }
    if let Some((spent, open)) = spent_by(session, run) {
        let open = match open {
            Usd::ZERO => String::new(),
            open => format!(", {open} set aside"),
        };
        output.line(format!("spent: {spent} USD{open}"));
    }
    for warning in &status.warnings {
        output.line(format!("warning: {warning}"));
    }
    match (status.state, &status.end) {
        // One that waits for a person has said where, unless its process was killed just then.
        (RunState::Paused, _) | (RunState::Waiting, None) => {
            output.line(format!("go on with: automation resume {run}"));
        }
        (_, Some(end)) => output.line(summary(run, end, &session.home.run_folder(run))),
        _ => {}
    }
}
