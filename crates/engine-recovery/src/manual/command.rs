//! The lines with which a person goes on.

use core_types::{RecoveryRequest, Scope};

/// The one command that goes on, and the others that can be given instead.
pub(super) fn commands(request: &RecoveryRequest) -> (String, Vec<(String, &'static str)>) {
    let run = &request.run;
    match &request.scope {
        Scope::Task(task) => (
            format!("automation answer {task} \"…\" --run {run}"),
            vec![
                (
                    format!("automation retry {task} --run {run}"),
                    "tries it again as it is; `--edit` changes its description first",
                ),
                (
                    format!("automation skip {task} --run {run}"),
                    "goes on without it and what depends on it",
                ),
            ],
        ),
        Scope::Repository(name) => (format!("automation retry {name} --run {run}"), Vec::new()),
        Scope::Run => (format!("automation resume {run}"), Vec::new()),
    }
}
