//! The lines with which a person goes on.

use core_types::{RecoveryRequest, Scope};

/// The one command that goes on, and the others that can be given instead.
pub(super) fn commands(request: &RecoveryRequest) -> (String, Vec<(String, &'static str)>) {
    let run = &request.run;
    match &request.scope {
        Scope::Task(task) => (
            format!("automation answer {run} {task} \"…\""),
            vec![
                (
                    format!("automation retry {run} {task}"),
                    "tries it again as it is; `--edit` changes its description first",
                ),
                (
                    format!("automation skip {run} {task}"),
                    "goes on without it and what depends on it",
                ),
            ],
        ),
        Scope::Repository(_) | Scope::Run => (format!("automation resume {run}"), Vec::new()),
    }
}
