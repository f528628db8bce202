//! A run's end in words: its repositories, and what a person may do next.

use std::path::Path;

use facade::{
    assemble::Repair,
    core_types::{Gate, Reference, RunId, Scope},
    engine_workflow::{EndStatus, RepositoryEnd, RepositoryState, RunEnd},
};

use crate::output::{one_line, table};

/// A line for each repository: head, whether it is verified, what became of it, and behind an arrow what to do.
pub(crate) fn repository_lines(end: &RunEnd) -> Vec<String> {
    let mut rows = Vec::new();
    for repository in &end.repositories {
        rows.push(vec![
            format!("  {}", repository.repository),
            repository.head.short().to_owned(),
            verified(repository).to_owned(),
            one_line(&state(repository), 200),
        ]);
        if let RepositoryState::Ready { hint, .. } | RepositoryState::Blocked { hint, .. } =
            &repository.state
        {
            let blank = String::new;
            rows.push(vec![blank(), blank(), blank(), format!("→ {hint}")]);
        }
    }
    table(&rows)
}

fn state(repository: &RepositoryEnd) -> String {
    match (&repository.state, repository.pull_request) {
        (RepositoryState::Unchanged, _) => "unchanged".to_owned(),
        (RepositoryState::Failed { reason }, _) => format!("failed: {reason}"),
        (RepositoryState::Published, Some(number)) => {
            format!("proposed as {}{}", repository.repository, Reference(number))
        }
        (RepositoryState::Published, None) => "not proposed".to_owned(),
        (RepositoryState::Landed, _) => "landed".to_owned(),
        (RepositoryState::Ready { reason, .. } | RepositoryState::Blocked { reason, .. }, _) => {
            reason.clone()
        }
    }
}

fn verified(repository: &RepositoryEnd) -> &'static str {
    match (repository.tested, &repository.state) {
        _ if repository.base == repository.head => "",
        (Some(true), _) => "verified",
        (Some(false), _) => "tests failed",
        (None, RepositoryState::Failed { .. }) => "not tested",
        (None, _) => "not verified",
    }
}

/// A line for each repair: what, by which means, and how it ended.
pub(crate) fn repair_lines(repairs: &[Repair]) -> Vec<String> {
    let rows: Vec<_> = repairs
        .iter()
        .map(|repair| {
            let what = match &repair.scope {
                Some(Scope::Task(task)) => task.to_string(),
                Some(Scope::Repository(name)) => name.to_string(),
                Some(Scope::Run) | None => String::new(),
            };
            vec![
                format!("  {what}"),
                repair.strategy.replace('_', " "),
                outcome(&repair.outcome),
                one_line(&repair.reason, 160),
            ]
        })
        .collect();
    table(&rows)
}

/// How a repair ended, in words.
pub(crate) fn outcome(outcome: &str) -> String {
    match outcome {
        "retry" => "tried again".to_owned(),
        "park" => "parked".to_owned(),
        "handed_off" => "handed to a person".to_owned(),
        other => other.replace('_', " "),
    }
}

/// How it stands with the run, and the line that goes on where there is one.
pub(crate) fn summary(run: &RunId, end: &RunEnd, folder: &Path) -> String {
    let names = |wanted: fn(&RepositoryState) -> bool| {
        let found = end.repositories.iter().filter(|it| wanted(&it.state));
        found
            .map(|it| it.repository.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let proposed = names(|state| matches!(state, RepositoryState::Published));
    match end.status {
        EndStatus::Done if proposed.is_empty() => format!("run {run} is done"),
        EndStatus::Done => format!("run {run} is done; land it with: automation land {run}"),
        EndStatus::Failed => {
            let changed = end.repositories.iter().any(|it| it.base != it.head);
            let stays = if changed {
                format!("; what was done stays in the branch automation/{run}/change")
            } else {
                String::new()
            };
            format!("run {run} failed; nothing landed{stays}")
        }
        EndStatus::Aborted => {
            format!("run {run} was given up; nothing of it lands, and its branches stay")
        }
        EndStatus::Partial => {
            let waiting = names(|state| {
                matches!(
                    state,
                    RepositoryState::Ready { .. } | RepositoryState::Blocked { .. }
                )
            });
            let parts = [
                (
                    names(|state| matches!(state, RepositoryState::Failed { .. })),
                    "failed",
                ),
                (
                    names(|state| matches!(state, RepositoryState::Landed)),
                    "landed",
                ),
                (proposed.clone(), "proposed"),
                (waiting.clone(), "waiting for you"),
            ];
            let parts: Vec<_> = parts
                .iter()
                .filter(|(names, _)| !names.is_empty())
                .map(|(names, what)| format!("{names} {what}"))
                .collect();
            let next = match (waiting.as_str(), proposed.as_str()) {
                ("", "") => String::new(),
                ("", _) => format!(" (land with: automation land {run})"),
                _ => format!("; do what the arrow says, then: automation land {run}"),
            };
            format!("run {run} is done in part: {}{next}", parts.join(", "))
        }
        EndStatus::AtGate(gate) => gate_line(run, gate, folder),
        EndStatus::NeedsPerson if end.waits_for.is_some() => {
            let step = end.waits_for.as_ref().map(ToString::to_string);
            let step = step.unwrap_or_default();
            format!(
                "\"{step}\" may have acted before the run was cut off; look, and let it act again with: automation approve {run}"
            )
        }
        EndStatus::NeedsPerson => {
            let lands = |it: &RepositoryEnd| match &it.state {
                RepositoryState::Blocked { hint, .. } => hint.starts_with("automation "),
                RepositoryState::Ready { .. } => false,
                _ => true,
            };
            if end.repositories.iter().all(lands) {
                format!("run {run} waits for you: do what the arrow says")
            } else {
                format!(
                    "run {run} waits for you: do what the arrow says, then: automation land {run}"
                )
            }
        }
    }
}

/// How a person opens a gate.
pub(crate) fn gate_line(run: &RunId, gate: Gate, folder: &Path) -> String {
    match gate {
        Gate::Plan => {
            let plan = folder.join("plan.yaml");
            format!(
                "the plan waits for you in {}\n  as it is: automation approve {run}\n  changed:  automation approve {run} --plan YOUR-COPY",
                plan.display()
            )
        }
        Gate::Deploy => format!(
            "the change has landed; its deployment waits for approval: automation approve {run}"
        ),
        _ => format!("the landing waits for approval: automation approve {run}"),
    }
}
