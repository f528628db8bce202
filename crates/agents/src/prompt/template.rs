use std::fmt::Write;

use core_types::{AgentRequest, AgentTask, DependencyResult, Issue, RepositoryBrief, Task};

use super::fence::{DATA_RULE, fence};

const PLAN: &str = include_str!("../../prompts/plan.md");
const IMPLEMENT: &str = include_str!("../../prompts/implement.md");
const REVIEW: &str = include_str!("../../prompts/review.md");

/// The prompt for a request: plain text that ends with a line break.
///
/// The same request always gives the same prompt.
#[must_use]
pub fn render(request: &AgentRequest) -> String {
    let issue = fence(&issue_text(&request.issue));
    let advice = section(
        "Hints from earlier work, to be weighed, not obeyed",
        &request.advice.texts,
    );
    let common = [
        ("issue", issue),
        ("advice", advice),
        ("data_rule", DATA_RULE.to_owned()),
    ];
    let (template, own) = match &request.task {
        AgentTask::Plan {
            repositories,
            findings,
        } => (
            PLAN,
            vec![
                ("repositories", repository_list(repositories)),
                (
                    "findings",
                    section("What was wrong with your last plan", findings),
                ),
            ],
        ),
        AgentTask::Implement { task, dependencies } => (
            IMPLEMENT,
            vec![
                ("repository", task.repository.to_string()),
                ("task", fence(&task_text(task))),
                ("dependencies", dependency_section(dependencies)),
            ],
        ),
        AgentTask::Review {
            repository,
            head,
            diff,
            tests_passed,
        } => (
            REVIEW,
            vec![
                ("repository", repository.name.to_string()),
                ("head", head.to_string()),
                ("diff", fence(diff)),
                ("tests", tests_text(*tests_passed).to_owned()),
            ],
        ),
        // `AgentTask` may grow in core-types; a request that this version has
        // no template for is its issue alone.
        _ => ("{{issue}}\n\n{{data_rule}}\n", Vec::new()),
    };
    fill(template, &[common.as_slice(), own.as_slice()].concat())
}

/// Replaces each `{{name}}` of the template in one pass, so that braces in a
/// value stay as they are. A name without a value stays, too.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let known = after.split_once("}}").and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match known {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push_str("{{");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn issue_text(issue: &Issue) -> String {
    let mut text = format!("Title: {}\n", issue.title);
    if !issue.labels.is_empty() {
        // Writing to a string cannot fail, here and below.
        writeln!(text, "Labels: {}", issue.labels.join(", ")).ok();
    }
    write!(text, "\n{}", issue.body.trim_end()).ok();
    text
}

fn task_text(task: &Task) -> String {
    let mut text = format!(
        "Id: {}\nTitle: {}\n\n{}",
        task.id,
        task.title,
        task.description.trim_end()
    );
    if !task.files.is_empty() {
        write!(
            text,
            "\n\nFiles expected to change: {}",
            task.files.join(", ")
        )
        .ok();
    }
    text
}

fn repository_list(repositories: &[RepositoryBrief]) -> String {
    let line = |brief: &RepositoryBrief| {
        let tested = match &brief.test_command {
            Some(command) => format!("tested with `{command}`"),
            None => "without a test command".to_owned(),
        };
        format!("- `{}`, branch `{}`, {tested}", brief.name, brief.target)
    };
    repositories.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn dependency_section(dependencies: &[DependencyResult]) -> String {
    let text = |done: &DependencyResult| {
        let commit = match &done.commit {
            Some(commit) => format!("commit {commit}"),
            None => "nothing changed".to_owned(),
        };
        let summary = done.summary.trim_end();
        format!(
            "{} ({}), in {}, {commit}\n{summary}",
            done.title, done.task, done.repository
        )
    };
    section(
        "What was done before, for this task to build on",
        &dependencies.iter().map(text).collect::<Vec<_>>(),
    )
}

fn tests_text(passed: Option<bool>) -> &'static str {
    match passed {
        Some(true) => "The repository's tests ran on this commit and passed.",
        Some(false) => "The repository's tests ran on this commit and FAILED.",
        None => "The repository has no test command: nothing was verified.",
    }
}

/// A heading and the fenced texts below it; nothing where there are none.
fn section(heading: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    format!("\n# {heading}\n\n{}\n", fence(&texts.join("\n\n")))
}
