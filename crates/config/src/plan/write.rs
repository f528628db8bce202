//! A plan as a file that people like to read and edit.

use super::{PlanFile, PlanTask};
use crate::{
    units::format_duration,
    yaml::{block, comment, scalar},
};

/// Writes a plan so that [`load_plan`](crate::load_plan) reads the same back, marks apart: a header of comment lines
/// (may be empty), then the tasks with descriptions of several lines as blocks.
///
/// A plan that a file could not have (an invalid id, a title of two lines, no task) is written as it is and refused when
/// read, as is one of more than 256 KiB.
pub fn to_yaml(plan: &PlanFile, header: &str) -> String {
    let mut text = comment("", header);
    let PlanFile { id, title, tasks } = plan;
    for (key, value) in [("id", id), ("title", title)] {
        if let Some(value) = value {
            text.push_str(&format!("{key}: {}\n", scalar(value)));
        }
    }
    text.push_str(if tasks.is_empty() {
        "tasks: []\n"
    } else {
        "tasks:\n"
    });
    for (idx, task) in tasks.iter().enumerate() {
        text.push_str(if idx > 0 { "\n" } else { "" });
        push_task(&mut text, task);
    }
    text
}

fn push_task(text: &mut String, task: &PlanTask) {
    let PlanTask {
        id,
        title,
        description,
        repository,
        dependencies,
        files,
        estimate,
        mark: _,
    } = task;
    text.push_str(&format!(
        "  - id: {}\n    title: {}\n",
        scalar(id),
        scalar(title)
    ));
    if let Some(repository) = repository {
        text.push_str(&format!("    repository: {}\n", scalar(repository)));
    }
    for (key, list) in [("dependencies", dependencies), ("files", files)] {
        if !list.is_empty() {
            text.push_str(&format!("    {key}:\n"));
            text.extend(
                list.iter()
                    .map(|item| format!("      - {}\n", scalar(item))),
            );
        }
    }
    if let Some(estimate) = estimate {
        text.push_str(&format!("    estimate: {}\n", format_duration(*estimate)));
    }
    if !description.is_empty() {
        text.push_str(&format!(
            "    description: {}\n",
            block("      ", description)
        ));
    }
}
