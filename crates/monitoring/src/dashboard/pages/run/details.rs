//! The further parts of a run's page.

use std::collections::HashMap;

use core_types::{RunId, Scope, Timestamp};
use maud::{Markup, html};

use super::Log;
use crate::{
    dashboard::{
        parts::{Mark, heading},
        text::{Foreign, clock, duration, harmless, money, percent, short_commit},
    },
    fold::{LogChunk, RecoveryRow, RepositoryRow, RunView, SpendPoint, TaskRow},
};

/// So many points of the course of money are in its table.
const MAX_POINTS: usize = 100;
/// So many rows of what only grows are shown: the newest. All are in the JSON.
const MAX_ROWS: usize = 40;
/// So many running tasks are offered as logs.
const MAX_LOGS: usize = 12;

pub(super) fn log(run: &RunId, log: &Log, tasks: &[TaskRow]) -> Markup {
    let running: Vec<&TaskRow> = tasks
        .iter()
        .filter(|row| row.status == core_types::TaskStatus::Running)
        .take(MAX_LOGS)
        .collect();
    html! {
        section id="log" aria-label="Log" {
            div class="head" {
                h2 { "Log" }
                nav class="filters" aria-label="Which log" {
                    a href={ "/runs/" (run) "?log=run#log" } aria-current=[log.task.is_none().then_some("true")] { "Run" }
                    @for row in &running {
                        a href={ "/runs/" (run) "?log=" (row.task) "#log" } aria-current=[(log.task.as_ref() == Some(&row.task)).then_some("true")] { (row.task) }
                    }
                    @if let Some(task) = &log.task { @if !running.iter().any(|row| row.task == *task) {
                        a href={ "/runs/" (run) "?log=" (task) "#log" } aria-current="true" { (task) }
                    } }
                }
            }
            div class="sheet" { (log_list(run, log)) }
        }
    }
}

/// The lines that there are; the script adds those that come.
pub(in crate::dashboard::pages) fn log_list(run: &RunId, log: &Log) -> Markup {
    let LogChunk {
        lines,
        next,
        is_complete,
    } = &log.chunk;
    let of = log
        .task
        .as_ref()
        .map_or_else(String::new, |task| format!("task={task}"));
    let stream = (!is_complete).then(|| format!("/api/runs/{run}/log?{of}"));
    let last = harmless(lines.last().map_or("", |line| &line.file));
    let name = log.task.as_ref().map_or("run", |task| task.as_str());
    html! {
        @if lines.is_empty() && *is_complete {
            div class="empty" { "Nothing was written." }
        } @else {
            div class="log" id={ "log-" (name) } tabindex="0" role="log" aria-label="Lines, may be scrolled" data-stream=[stream] data-after=(next) data-file=(last) {
                ol {
                    @for (index, line) in lines.iter().enumerate() {
                        @if index == 0 || lines[index - 1].file != line.file { li class="from" { (Foreign(&line.file)) } }
                        li { (harmless(&line.text)) }
                    }
                }
            }
        }
    }
}

fn newest<T>(rows: &[T]) -> &[T] {
    &rows[rows.len().saturating_sub(MAX_ROWS)..]
}

fn how_many(number: usize) -> String {
    match number {
        0..=MAX_ROWS => number.to_string(),
        _ => format!("the newest {MAX_ROWS} of {number}"),
    }
}

pub(super) fn recovery_section(view: &RunView) -> Markup {
    html! {
        section id="recovery" aria-label="Recovery" {
            (heading("Recovery", &html! { @if view.recoveries.is_empty() { "nothing had to be repaired" } @else { (how_many(view.recoveries.len())) } }, &html! {}))
            @if !view.recoveries.is_empty() { div class="sheet scroll" { (recoveries(newest(&view.recoveries))) } }
        }
    }
}

pub(in crate::dashboard::pages) fn recoveries(rows: &[RecoveryRow]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Of" } th scope="col" { "Failure" } th scope="col" { "Strategy" } th scope="col" { "Result" }
                th scope="col" class="number" { "Began" } th scope="col" class="number" { "Took" }
            } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (scope(row.scope.as_ref())) @if row.attempt > 0 { span class="sub" { "attempt " (row.attempt) } } }
                        td { @if let Some(class) = row.class { (class.as_str().replace('_', " ")) } @else { "–" } }
                        td { (Foreign(&row.strategy.replace('_', " "))) @if row.round > 1 { span class="sub" { "try " (row.round) } } }
                        td class="wide" {
                            (Mark::repair(&row.outcome).status())
                            @if !row.reason.is_empty() { span class="sub" { (Foreign(&row.reason)) } }
                            @if let Some(until) = row.until { span class="sub" { "until " (clock(until)) " UTC" } }
                        }
                        td class="number" { @if let Some(at) = row.started { (clock(at)) } @else { "–" } }
                        td class="number" { @match (row.started, row.ended) { (Some(from), Some(to)) => (duration(to.since(from).as_millis().try_into().unwrap_or(u64::MAX))), _ => "–" } }
                    }
                }
            }
        }
    }
}

fn scope(scope: Option<&Scope>) -> String {
    match scope {
        Some(Scope::Task(task)) => task.to_string(),
        Some(Scope::Repository(repository)) => format!("repository {repository}"),
        Some(Scope::Run) => "the run".to_owned(),
        None => "–".to_owned(),
    }
}

pub(super) fn repositories(view: &RunView) -> Markup {
    html! {
        section id="repositories" aria-label="Repositories" {
            (heading("Repositories", &html! { (view.repositories.len()) }, &html! {}))
            div class="sheet scroll" {
                table {
                    thead { tr {
                        th scope="col" { "Repository" } th scope="col" { "State" } th scope="col" class="number" { "Tasks" }
                        th scope="col" { "Tests" } th scope="col" { "Review" } th scope="col" { "Change" } th scope="col" { "Landed" }
                    } }
                    tbody { @for row in &view.repositories { (repository(row)) } }
                }
            }
        }
    }
}

fn repository(row: &RepositoryRow) -> Markup {
    html! {
        tr {
            th scope="row" {
                span class="main" { (row.repository) }
                @if !row.waits.is_empty() {
                    span class="sub" { "after " @for (index, wait) in row.waits.iter().enumerate() { @if index > 0 { ", " } (wait.repository) " (" (wait.reason.as_str()) ")" } }
                }
            }
            td { (Mark::member(&row.state).status()) }
            td class="number" { (row.counts.succeeded + row.counts.unchanged) " of " (row.counts.total) }
            td {
                @match (row.is_tested, row.tested) {
                    (_, Some(passed)) => (Mark::passed(passed).status()),
                    (true, None) => span class="quiet" { "not verified" },
                    (false, None) => span class="quiet" { "–" },
                }
            }
            td {
                @match row.approved {
                    Some(true) => (Mark { word: "approved", ..Mark::passed(true) }.status()),
                    Some(false) => (Mark { word: "objections", ..Mark::passed(false) }.status()),
                    None => span class="quiet" { "–" },
                }
                @if row.review_issues > 0 { span class="sub" { (row.review_issues) " issues" } }
            }
            td {
                @if let Some(branch) = &row.branch { span class="mono" { (branch) } }
                @if let Some(number) = &row.pull_request { span class="sub" { "pull request " (number) } }
                @if row.branch.is_none() && row.pull_request.is_none() {
                    @if let Some(head) = &row.head { span class="mono quiet" { (short_commit(head)) } } @else { span class="quiet" { "–" } }
                }
            }
            td class="wide" {
                @if let Some((branch, commit)) = &row.landed {
                    (Mark { word: "landed", ..Mark::passed(true) }.status())
                    span class="sub" { (branch) " at " (short_commit(commit)) }
                } @else if let Some(reason) = &row.not_landed {
                    (Mark { word: "not landed", ..Mark::passed(false) }.status())
                    span class="sub" { (Foreign(reason)) }
                } @else { span class="quiet" { "–" } }
            }
        }
    }
}

pub(super) fn lessons(view: &RunView) -> Markup {
    html! {
        section id="lessons" aria-label="Lessons" {
            (heading("Lessons", &html! { "what prompts of this run were given, " (how_many(view.lessons.len())) }, &html! {}))
            div class="sheet scroll" {
                table {
                    thead { tr {
                        th scope="col" { "For" } th scope="col" { "Lessons" } th scope="col" { "Arm" }
                        th scope="col" class="number" { "Chance" } th scope="col" class="number" { "At" }
                    } }
                    tbody {
                        @for served in newest(&view.lessons) {
                            tr {
                                th scope="row" { @match &served.task { Some(task) => (task), None => "the run" } }
                                td { @if served.lessons.is_empty() { span class="quiet" { "none" } } @for (index, lesson) in served.lessons.iter().enumerate() { @if index > 0 { ", " } (Foreign(lesson)) } }
                                td { (Foreign(&served.arm)) }
                                td class="number" { (percent(served.propensity)) }
                                td class="number" { (clock(served.at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn warnings(view: &RunView) -> Markup {
    html! {
        section id="warnings" aria-label="Warnings" {
            (heading("Warnings", &html! { (how_many(view.warnings.len())) }, &html! {}))
            ul class="sheet reasons" {
                @for told in newest(&view.warnings) { li { span class="quiet nowrap" { (clock(told.at)) } span { (Foreign(&told.message)) } } }
            }
        }
    }
}

/// The bars of the timeline as a table.
pub(super) fn segments(view: &RunView, rows: &[&TaskRow], now: Timestamp) -> Markup {
    let lanes = view.timeline.lanes.iter().map(|lane| (&lane.task, lane));
    let lanes: HashMap<_, _> = lanes.collect();
    html! {
        table {
            thead { tr {
                th scope="col" { "Task" } th scope="col" { "What" } th scope="col" class="number" { "Attempt" }
                th scope="col" class="number" { "From" } th scope="col" class="number" { "To" } th scope="col" class="number" { "For" }
            } }
            tbody {
                @for row in rows {
                    @for segment in lanes.get(&row.task).into_iter().flat_map(|lane| &lane.segments) {
                        tr {
                            td { (row.task) } td { (segment.kind.as_str()) }
                            td class="number" { @if segment.attempt > 0 { (segment.attempt) } @else { "–" } }
                            td class="number" { (clock(segment.from)) }
                            td class="number" { @if let Some(to) = segment.to { (clock(to)) } @else { "goes on" } }
                            td class="number" { (duration(segment.to.unwrap_or(now).0.saturating_sub(segment.from.0))) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn course_table(points: &[SpendPoint]) -> Markup {
    let step = points.len().div_ceil(MAX_POINTS);
    html! {
        table {
            thead { tr { th scope="col" { "At" } th scope="col" class="number" { "Spent" } th scope="col" class="number" { "Set aside" } th scope="col" class="number" { "Limit" } } }
            tbody {
                @for (index, point) in points.iter().enumerate() {
                    @if index % step == 0 || index + 1 == points.len() {
                        tr {
                            th scope="row" { (clock(point.at)) } td class="number" { (money(point.spent)) } td class="number" { (money(point.reserved)) }
                            td class="number" { @if let Some(limit) = point.limit { (money(limit)) } @else { "–" } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn line_key(class: &str, meaning: &str) -> Markup {
    html! {
        li { svg class="course key" viewBox="0 0 22 12" aria-hidden="true" { path class=(class) d="M0 6H22" {} } (meaning) }
    }
}
