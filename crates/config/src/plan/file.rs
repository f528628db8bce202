//! The typed plan.

use std::time::Duration;

use crate::{
    finding::{Findings, Mark, Report, did_you_mean, quote},
    schema::{Kind, Names, Section, check},
    yaml::parse,
};

/// A plan as a file has it. Task ids are valid and stand once, dependencies lead to tasks and have no cycle;
/// whether the repositories exist is for those to check who know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFile {
    /// The plan's id; a valid one.
    pub id: Option<String>,
    /// The plan in one line.
    pub title: Option<String>,
    /// The tasks in the file's order; never empty where a file was read.
    pub tasks: Vec<PlanTask>,
}

/// A task of a plan file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTask {
    /// What other tasks call it by; a valid id.
    pub id: String,
    /// The task in one line, never empty.
    pub title: String,
    /// What is to be done; may be empty, may have several lines.
    pub description: String,
    /// The name of the repository it changes; `None` where there is only one.
    pub repository: Option<String>,
    /// The ids of tasks that must have succeeded before.
    pub dependencies: Vec<String>,
    /// Files it is expected to change.
    pub files: Vec<String>,
    /// How long it is expected to take; written to the millisecond.
    pub estimate: Option<Duration>,
    /// Where the task starts, for findings of later checks; not written.
    pub mark: Mark,
}

pub(crate) fn load(
    file: &str,
    text: &str,
    repositories: Option<&[&str]>,
) -> Result<PlanFile, Findings> {
    let mut report = Report::new(file);
    // An agent may have written the text: no variable of ours belongs in it.
    let Some(mut document) = parse(text, None, &mut report) else {
        return Err(report.into_findings());
    };
    check(Kind::Plan, &mut document, &mut report);
    let document = Section(&document);
    relate(document, &mut report);
    if let Some(repositories) = repositories {
        place(document, repositories, &mut report);
    }
    let plan = report.is_empty().then(|| PlanFile {
        id: document.optional_text("id"),
        title: document.optional_text("title"),
        tasks: document.sections("tasks").into_iter().map(task).collect(),
    });
    report.finish(plan)
}

/// What the tasks say about each other.
fn relate(document: Section<'_>, report: &mut Report) {
    let tasks = Names::gather(document, "tasks", "id", "task", report);
    if tasks.sections().is_empty() && document.is_list("tasks") {
        report.add(
            document.mark_of("tasks"),
            "tasks",
            "is empty; at least one is needed",
        );
    }
    let edges = tasks.sections().iter().enumerate();
    let edges: Vec<Vec<usize>> = edges
        .map(|(idx, task)| {
            tasks.resolve_all(*task, "dependencies", &format!("tasks[{idx}]"), report)
        })
        .collect();
    tasks.report_cycles("", "dependencies", &edges, report);
}

/// Whether each task is done in one of the repositories.
fn place(document: Section<'_>, repositories: &[&str], report: &mut Report) {
    for (idx, task) in document.sections("tasks").into_iter().enumerate() {
        let path = format!("tasks[{idx}].repository");
        match task.name("repository") {
            Some((name, mark)) if !repositories.contains(&name) => {
                let hint = did_you_mean(name, repositories.iter().copied());
                report.add(
                    mark,
                    path,
                    format!("unknown repository {}{hint}", quote(name)),
                );
            }
            None if repositories.len() > 1 => {
                let known = repositories.join(", ");
                let message = format!("missing; the repositories are {known}");
                report.add(task.mark(), path, message);
            }
            _ => {}
        }
    }
}

fn task(entry: Section<'_>) -> PlanTask {
    PlanTask {
        id: entry.text("id"),
        title: entry.text("title"),
        description: entry.optional_text("description").unwrap_or_default(),
        repository: entry.optional_text("repository"),
        dependencies: entry.texts("dependencies"),
        files: entry.texts("files"),
        estimate: entry.optional_duration("estimate"),
        mark: entry.mark(),
    }
}
