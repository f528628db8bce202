//! Texts for people: pull requests and comments, in Markdown.

use std::fmt::Write;

use core_types::{IssueNumber, Plan, Reference, RepositoryName, Review};

use crate::{
    TaskEnd,
    progress::Progress,
    run::Run,
    text::{one_line, start},
    verify::Verdict,
};

/// Forges refuse longer texts; GitHub takes 65,536 characters.
const MAX_BODY_BYTES: usize = 60_000;

/// The body of a repository's pull request. `others` are all repositories of
/// the run: where more than one has a pull request, a table links them.
pub(crate) fn pull_request_body(
    run: &Run,
    progress: &Progress,
    plan: &Plan,
    tasks: &[TaskEnd],
    others: &[Progress],
) -> String {
    let mut text = String::new();
    if let Some((home, number)) = &run.settings.issue_home {
        // In its own repository a forge makes a link of the number alone.
        let issue = match *home == progress.name {
            true => Reference(*number).to_string(),
            false => reference(run, home, *number),
        };
        let title = one_line(&run.settings.issue.title);
        line(&mut text, format_args!("For issue {issue}: {title}\n"));
    }
    line(
        &mut text,
        format_args!("| task | what | state |\n| --- | --- | --- |"),
    );
    for task in plan
        .tasks
        .iter()
        .filter(|task| task.repository == progress.name)
    {
        let status = tasks
            .iter()
            .find(|end| end.task == task.id)
            .map(|end| end.status.as_str());
        let status = status.unwrap_or("not run");
        line(
            &mut text,
            format_args!("| {} | {} | {status} |", task.id, cell(&task.title)),
        );
    }
    line(&mut text, format_args!(""));
    line(&mut text, format_args!("- Tests: {}", tests(progress)));
    for note in &run.ports.aids.notes {
        line(&mut text, format_args!("- {}", one_line(note)));
    }
    line(
        &mut text,
        format_args!("- Review: {}", review(progress.review.as_ref())),
    );
    line(&mut text, format_args!("- Commit: {}", progress.head));
    line(&mut text, format_args!("- Run: {}", run.settings.run));
    change_set(&mut text, run, others);
    if let Some(review) = &progress.review {
        if !review.comments.trim().is_empty() {
            line(&mut text, format_args!("\n{}", review.comments.trim()));
        }
        for issue in &review.issues_found {
            let place = issue
                .file
                .as_deref()
                .map(|file| format!("{file}: "))
                .unwrap_or_default();
            line(
                &mut text,
                format_args!(
                    "- {:?}: {place}{}",
                    issue.severity,
                    one_line(&issue.message)
                ),
            );
        }
    }
    start(&text, MAX_BODY_BYTES)
}

/// The pull requests that belong together, and what the caller said about them.
fn change_set(text: &mut String, run: &Run, members: &[Progress]) {
    let proposed = members.iter().filter(|it| it.pull_request.is_some());
    if proposed.clone().count() < 2 {
        return;
    }
    let heading = "\nThis change belongs together and lands in all repositories or in none:\n";
    line(text, format_args!("{heading}"));
    line(
        text,
        format_args!("| repository | pull request | commit | tests |\n| --- | --- | --- | --- |"),
    );
    for progress in proposed {
        let (name, number) = (&progress.name, progress.pull_request.unwrap_or_default());
        line(
            text,
            format_args!(
                "| {name} | {} | {} | {} |",
                reference(run, name, number),
                progress.head.short(),
                tests(progress)
            ),
        );
    }
    let context = run.settings.change_set.iter().flat_map(|it| &it.context);
    for (index, (key, value)) in context.enumerate() {
        if index == 0 {
            line(text, format_args!(""));
        }
        line(
            text,
            format_args!("- {}: {}", one_line(key), one_line(value)),
        );
    }
}

/// What the triggering issue is told.
pub(crate) fn issue_comment(run: &Run, repositories: &[Progress]) -> String {
    let mut text = format!("Run {} has made a change.\n\n", run.settings.run);
    line(
        &mut text,
        format_args!("| repository | pull request | tests | review |\n| --- | --- | --- | --- |"),
    );
    for progress in repositories {
        let pull_request = match (progress.pull_request, &progress.failed) {
            (Some(number), _) => reference(run, &progress.name, number),
            (None, Some(reason)) => cell(reason),
            (None, None) => "unchanged".to_owned(),
        };
        let review = review(progress.review.as_ref());
        line(
            &mut text,
            format_args!(
                "| {} | {pull_request} | {} | {review} |",
                progress.name,
                tests(progress)
            ),
        );
    }
    start(&text, MAX_BODY_BYTES)
}

/// An issue or pull request of any of the run's repositories: a link where its forge has pages.
/// The names of repositories are ours, so that no forge makes a link of `name#12` by itself.
fn reference(run: &Run, name: &RepositoryName, number: IssueNumber) -> String {
    let text = format!("{name}{}", Reference(number));
    let repository = run.repository(name).ok();
    match repository.and_then(|it| it.forge.page(number)) {
        Some(page) => format!("[{text}]({page})"),
        None => text,
    }
}

fn tests(progress: &Progress) -> &'static str {
    match progress.verified {
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Failed { .. }) => "failed",
        Some(Verdict::NotVerified) | None => "not verified",
    }
}

fn review(review: Option<&Review>) -> String {
    match review {
        None => "not reviewed".to_owned(),
        Some(Review {
            approved: true,
            confidence,
            ..
        }) => {
            format!("approved (confidence {confidence:.2})")
        }
        Some(Review { confidence, .. }) => format!("not approved (confidence {confidence:.2})"),
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{line}").expect("a string takes every text");
}

/// A text that cannot break a Markdown table.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
