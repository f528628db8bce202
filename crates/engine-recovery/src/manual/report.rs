//! The report's text.

use std::fmt::Write as _;

use core_types::{RecoveryRequest, Scope};

use super::{command::commands, publish::Entry};
use crate::{
    RecoveryContext, Spending, StrategyOutcome, Tried,
    classify::{Confidence, classify_failure},
};

/// Beyond this many lines of a list the report names only their number.
const MAX_LINES: usize = 20;

/// What failed, in a few words.
pub(super) fn subject(request: &RecoveryRequest) -> String {
    match (&request.scope, &request.task) {
        (Scope::Task(id), Some(task)) => format!("Task `{id}` ({})", one_line(&task.title)),
        (Scope::Task(id), None) => format!("Task `{id}`"),
        (Scope::Repository(name), _) => format!("Repository `{name}`"),
        (Scope::Run, _) => "The run".to_owned(),
    }
}

/// Writes the report in Markdown. The same failure gives the same text.
pub(super) fn render(
    request: &RecoveryRequest,
    context: &RecoveryContext<'_>,
    history: &[Entry],
) -> String {
    let mut text = String::new();
    let failure = &request.failure;
    push(
        &mut text,
        format_args!("# {} needs a person\n", subject(request)),
    );
    push(
        &mut text,
        format_args!(
            "Run `{}`, repository `{}`, attempt {}.\n",
            request.run, request.repository, request.attempt
        ),
    );

    push(&mut text, format_args!("## What went wrong\n"));
    let found = classify_failure(failure);
    let sure = match found.confidence {
        Confidence::High => "",
        Confidence::Low => ", read from its text alone",
    };
    push(&mut text, format_args!("Class `{}`{sure}:\n", found.class));
    let detail = failure.detail.trim_end();
    let gap = if detail.is_empty() { "" } else { "\n\n" };
    push(
        &mut text,
        format_args!("{}\n", fenced(&format!("{}{gap}{detail}", failure.message))),
    );

    push(&mut text, format_args!("## What was tried\n"));
    for entry in history {
        push(
            &mut text,
            format_args!("- attempt {}: {}", entry.attempt, one_line(&entry.message)),
        );
        for line in &entry.tried {
            push(&mut text, format_args!("  - {line}"));
        }
    }
    let tried = lines_of(context.earlier);
    if tried.is_empty() && history.is_empty() {
        push(
            &mut text,
            format_args!("Nothing: no strategy repairs this kind of failure."),
        );
    }
    for line in &tried {
        push(&mut text, format_args!("- {line}"));
    }
    push(&mut text, format_args!(""));
    push(&mut text, format_args!("{}\n", spent(&context.spent)));

    push(&mut text, format_args!("## What is there\n"));
    for line in salvage(request, context.spent.requests) {
        push(&mut text, format_args!("- {line}"));
    }
    push(&mut text, format_args!(""));

    let (command, others) = commands(request);
    push(&mut text, format_args!("## How it goes on\n"));
    push(&mut text, format_args!("    {command}\n"));
    if !others.is_empty() {
        push(&mut text, format_args!("Or:\n"));
        for (line, what) in others {
            push(&mut text, format_args!("- `{line}` {what}"));
        }
    }
    text
}

/// What each strategy answered, one line each, with its own lines below.
pub(super) fn lines_of(earlier: &[Tried]) -> Vec<String> {
    let mut lines = Vec::new();
    for Tried { strategy, outcome } in earlier {
        let (reason, more) = match outcome {
            StrategyOutcome::Refused { reason, evidence } => (
                format!("the repair was refused: {}", one_line(reason)),
                evidence,
            ),
            StrategyOutcome::Failed { reason, tried } => (one_line(reason), tried),
            _ => continue,
        };
        lines.push(format!("`{strategy}`: {reason}"));
        for line in more.iter().take(MAX_LINES) {
            lines.push(format!("`{strategy}`: {}", one_line(line)));
        }
        if more.len() > MAX_LINES {
            lines.push(format!("`{strategy}`: and {} more", more.len() - MAX_LINES));
        }
    }
    lines
}

/// Costs are counted in this process; the run's whole sum stands in its end.
const SINCE: &str = " (this repair alone, since the run was last started)";

/// What the repair cost, as far as agents said.
fn spent(spending: &Spending) -> String {
    let tokens = spending.usage.total();
    match (spending.requests, spending.cost) {
        (0, _) => "No agent was asked for this repair since the run was last started.".to_owned(),
        (n, None) => {
            format!("Agents were asked {n} times: {tokens} tokens, cost not reported{SINCE}.")
        }
        (n, Some(cost)) => format!("Agents were asked {n} times: {tokens} tokens, {cost}{SINCE}."),
    }
}

/// Where the work so far and the evidence are.
fn salvage(request: &RecoveryRequest, asked: u32) -> Vec<String> {
    let mut lines = Vec::new();
    match &request.commit {
        Some(commit) => {
            let kept = match &request.scope {
                Scope::Task(task) => format!(
                    ", kept in the mirror as `refs/automation/{}/task/{task}/{}`",
                    request.run, request.attempt
                ),
                Scope::Repository(_) | Scope::Run => String::new(),
            };
            lines.push(format!("the work so far: commit `{commit}`{kept}"));
        }
        None => lines.push("no work of this attempt was kept".to_owned()),
    }
    if asked > 0 {
        let scope = match &request.scope {
            Scope::Run => "run".to_owned(),
            Scope::Repository(name) => format!("repository/{name}"),
            Scope::Task(task) => format!("task/{task}"),
        };
        lines.push(format!(
            "what agents left in the repair: kept in the mirror below `refs/automation/{}/recovery/{scope}/{}/`",
            request.run, request.attempt
        ));
    }
    lines.push(format!("it started from commit `{}`", request.base));
    lines.push(format!(
        "the integration branch `refs/automation/{}/integration` is at `{}`",
        request.run, request.head
    ));
    lines.push(format!(
        "logs and transcripts of the repair: `{}`",
        request.scratch.display()
    ));
    lines
}

/// A block in which no line of the text can end the block.
fn fenced(text: &str) -> String {
    let mut fence = 3;
    for line in text.lines() {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        fence = fence.max(ticks + 1);
    }
    let fence = "`".repeat(fence);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

/// One line in which nothing is markup that a forge acts on: no tag, no comment, no mention.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('<', "&lt;").replace('@', "&#64;")
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a text cannot fail");
}
