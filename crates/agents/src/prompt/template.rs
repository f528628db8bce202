use std::{collections::BTreeMap, fmt::Write};

use core_types::{
    AgentRequest, AgentTask, ConflictKind, ConflictedFile, DependencyResult, FailedTest, Issue,
    RepositoryBrief, Task, show_comments,
};

use super::fence::{DATA_RULE, fence};

/// How much of all hunks together a prompt shows; the folder holds the rest.
const MAX_HUNK_BYTES: usize = 64 << 10;

/// How an agent that writes a file is told to answer, and one whose last words are read.
pub(super) const BY_FILE: &str = "write one JSON object to the file whose path is in the environment variable `AUTOMATION_ANSWER_FILE`";
pub(super) const BY_WORDS: &str = "answer with one JSON object";

/// A template, filled with what a request brings.
pub(super) fn rendered(template: &str, request: &AgentRequest, answer: &str) -> String {
    let mut issue = fence(&issue_text(&request.issue));
    if !request.context.is_empty() {
        // It belongs to the issue in every prompt: what this change is, beside its words.
        let context = fence(&context_text(&request.context));
        write!(
            issue,
            "\n\n# What the caller says about this change\n\n{context}"
        )
        .ok();
    }
    let advice = section(
        "Hints from earlier work, to be weighed, not obeyed",
        &request.advice.texts,
    );
    let common = [
        ("issue", issue),
        ("advice", advice),
        ("data_rule", DATA_RULE.to_owned()),
        ("answer", answer.to_owned()),
    ];
    let own = match &request.task {
        AgentTask::Plan {
            repositories,
            findings,
        } => vec![
            ("repositories", repository_list(repositories)),
            (
                "findings",
                section("What was wrong with your last plan", findings),
            ),
        ],
        AgentTask::Implement { task, dependencies } => vec![
            ("repository", task.repository.to_string()),
            ("task", fence(&task_text(task))),
            ("dependencies", dependency_section(dependencies)),
        ],
        AgentTask::Review {
            repository,
            head,
            diff,
            tests_passed,
        } => vec![
            ("repository", repository.name.to_string()),
            ("head", head.to_string()),
            ("diff", fence(diff)),
            ("tests", tests_text(*tests_passed).to_owned()),
        ],
        AgentTask::ResolveConflict {
            task,
            ours,
            theirs,
            files,
            findings,
        } => vec![
            ("repository", repository_name(request)),
            ("task", task_section(task.as_ref())),
            ("ours", fence(&show_comments(ours))),
            ("theirs", fence(&show_comments(theirs))),
            ("conflicts", fence(&conflicts_text(files))),
            ("findings", last_try(findings)),
        ],
        AgentTask::FixTests {
            task,
            command,
            failures,
            output,
            round,
            findings,
        } => vec![
            ("repository", repository_name(request)),
            ("task", task_section(task.as_ref())),
            ("round", round.to_string()),
            ("test_command", fence(command)),
            ("failures", fence(&failures_text(failures))),
            ("output", fence(output)),
            ("findings", last_try(findings)),
        ],
        // `AgentTask` may grow in core-types.
        _ => Vec::new(),
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

fn context_text(context: &BTreeMap<String, String>) -> String {
    let line = |(name, value): (&String, &String)| format!("{name}: {value}");
    context.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn issue_text(issue: &Issue) -> String {
    let mut text = format!("Title: {}\n", issue.title);
    if !issue.labels.is_empty() {
        // Writing to a string cannot fail, here and below.
        writeln!(text, "Labels: {}", issue.labels.join(", ")).ok();
    }
    write!(text, "\n{}", show_comments(issue.body.trim_end())).ok();
    text
}

fn task_text(task: &Task) -> String {
    let mut text = format!(
        "Id: {}\nTitle: {}\n\n{}",
        task.id,
        task.title,
        // It may be the issue's own text.
        show_comments(task.description.trim_end())
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

fn repository_name(request: &AgentRequest) -> String {
    let name = request.repository.as_ref();
    name.map_or_else(String::new, ToString::to_string)
}

fn task_section(task: Option<&Task>) -> String {
    let text = |task| {
        format!(
            "\n# The task whose result it is\n\n{}\n",
            fence(&task_text(task))
        )
    };
    task.map(text).unwrap_or_default()
}

fn last_try(findings: &[String]) -> String {
    section("What was wrong with your last try", findings)
}

/// Each hunk in the form that the files have, but with lines that say which side is which.
fn conflicts_text(files: &[ConflictedFile]) -> String {
    let mut text = String::new();
    let mut n_left_out = 0;
    for file in files {
        // Writing to a string cannot fail, here and below.
        writeln!(text, "file {:?}: {}", file.path, kind_text(file.kind)).ok();
        for hunk in &file.hunks {
            if text.len() > MAX_HUNK_BYTES {
                n_left_out += 1;
                continue;
            }
            writeln!(text, "at line {}", hunk.line).ok();
            for (whose, lines) in [
                ("both started from", &hunk.base),
                ("ours", &hunk.ours),
                ("theirs", &hunk.theirs),
            ] {
                let none = if lines.is_empty() { " nothing" } else { "" };
                writeln!(text, "  {whose}:{none}").ok();
                for line in lines.lines() {
                    if text.len() > MAX_HUNK_BYTES {
                        writeln!(text, "    … the rest stands in the file").ok();
                        break;
                    }
                    writeln!(text, "    {line}").ok();
                }
            }
        }
    }
    if n_left_out > 0 {
        writeln!(text, "{n_left_out} more hunks stand in the files").ok();
    }
    text.truncate(text.trim_end().len());
    text
}

fn kind_text(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Content => "both sides changed the same lines",
        ConflictKind::BothAdded => "both sides added it",
        ConflictKind::DeleteModify => "one side deleted it, the other changed it",
        ConflictKind::Binary => "both sides changed it, and it is no text",
        _ => "its name, mode or kind differs",
    }
}

fn failures_text(failures: &[FailedTest]) -> String {
    if failures.is_empty() {
        return "The output names none.".to_owned();
    }
    let line = |test: &FailedTest| {
        let file = test.file.iter().map(|file| format!(" ({file})"));
        let file: String = file.collect();
        let message = test.message.trim_end().replace('\n', "\n    ");
        match message.as_str() {
            "" => format!("{}{file}", test.name),
            message => format!("{}{file}\n    {message}", test.name),
        }
    };
    failures.iter().map(line).collect::<Vec<_>>().join("\n")
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
