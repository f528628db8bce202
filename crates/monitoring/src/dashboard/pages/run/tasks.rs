//! The tasks of a run as a list.

use core_types::TaskStatus;
use maud::{Markup, html};

use crate::{
    dashboard::{
        parts::{Links, Mark, title_or_id},
        text::{self, Foreign, count, duration, money},
    },
    fold::{RunView, TaskRow},
};

/// Tasks on one page. More would be slow to draw and are not read at a glance anyhow.
pub(super) const PAGE: usize = 60;

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dashboard) enum Filter {
    #[default]
    All,
    Running,
    Waiting,
    Failed,
    Ended,
}

impl Filter {
    const ALL: [Self; 5] = [
        Self::All,
        Self::Running,
        Self::Waiting,
        Self::Failed,
        Self::Ended,
    ];

    /// By its word in an address; all for any other.
    pub(in crate::dashboard) fn named(word: Option<&str>) -> Self {
        let named = |filter: &Self| Some(filter.word()) == word;
        Self::ALL.into_iter().find(named).unwrap_or_default()
    }

    const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }

    fn holds(self, row: &TaskRow) -> bool {
        match self {
            Self::All => true,
            Self::Running => row.status == TaskStatus::Running,
            Self::Waiting => matches!(row.status, TaskStatus::Waiting | TaskStatus::Ready),
            Self::Failed => row.status.has_failed(),
            Self::Ended => row.status.has_ended(),
        }
    }
}

/// One page of the list.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    rows: Vec<&'a TaskRow>,
    filter: Filter,
    page: usize,
    n_pages: usize,
}

impl<'a> Shown<'a> {
    /// In the order of the plan; where that takes several pages, what fails and runs comes first.
    pub(super) fn of(tasks: &'a [TaskRow], filter: Filter, page: usize, size: usize) -> Self {
        let mut rows: Vec<&TaskRow> = tasks.iter().filter(|row| filter.holds(row)).collect();
        if rows.len() > size {
            rows.sort_by_key(|row| match row.status {
                status if status.has_failed() => 0,
                TaskStatus::Running => 1,
                TaskStatus::Ready => 2,
                TaskStatus::Waiting => 3,
                _ => 4,
            });
        }
        let n_pages = rows.len().div_ceil(size).max(1);
        let page = page.clamp(1, n_pages);
        let rows = rows
            .into_iter()
            .skip((page - 1) * size)
            .take(size)
            .collect();
        Self {
            rows,
            filter,
            page,
            n_pages,
        }
    }

    /// The first `n` of this page.
    pub(super) fn first(&self, n: usize) -> Vec<&'a TaskRow> {
        self.rows.iter().take(n).copied().collect()
    }
}

pub(super) fn section(view: &RunView, shown: &Shown<'_>, links: Links<'_>) -> Markup {
    let run = &view.header.run;
    let number = |filter: Filter| view.tasks.iter().filter(|row| filter.holds(row)).count();
    html! {
        section id="tasks" aria-label="Tasks" {
            div class="head" {
                h2 { "Tasks" }
                @if links.is_file() { span class="quiet" { (count(view.tasks.len() as u64)) } } @else {
                    nav class="filters" aria-label="Which tasks" {
                        @for filter in Filter::ALL {
                            @let number = number(filter);
                            @if number > 0 || filter == shown.filter {
                                a href={ "/runs/" (run) "?show=" (filter.word()) "#tasks" } aria-current=[(filter == shown.filter).then_some("true")] {
                                    (super::head::capital(filter.word())) " " (count(number as u64))
                                }
                            }
                        }
                    }
                }
            }
            div class="sheet" {
                @if shown.rows.is_empty() { div class="empty" { "No task is " (shown.filter.word()) "." } }
                @else { div class="scroll" { (table(links, &shown.rows)) } }
                @if shown.n_pages > 1 {
                    nav class="pager" aria-label="Pages of tasks" {
                        @let to = |page: usize| format!("/runs/{run}?show={}&page={page}#tasks", shown.filter.word());
                        @if shown.page > 1 { a href=(to(shown.page - 1)) { "Earlier" } }
                        span { "Page " (shown.page) " of " (shown.n_pages) }
                        @if shown.page < shown.n_pages { a href=(to(shown.page + 1)) { "Later" } }
                    }
                }
            }
        }
    }
}

fn table(links: Links<'_>, rows: &[&TaskRow]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Task" } th scope="col" { "State" } th scope="col" class="number" { "Attempt" }
                th scope="col" class="number" { "Ran" } th scope="col" class="number" { "Slack" }
                th scope="col" class="number" { "Tokens" } th scope="col" class="number" { "Spent" }
            } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" class="wide" { (name(links, row)) }
                        td class="wide" { (Mark::task(row.status).status()) @let why = why(row); @if !why.is_empty() { span class="sub" { (Foreign(&why)) } } }
                        td class="number" { @if row.attempt > 0 { (row.attempt) } @else { span class="quiet" { "–" } } }
                        td class="number" {
                            @if row.running_ms > 0 { (duration(row.running_ms)) } @else { span class="quiet" { "–" } }
                            @if let Some(estimate) = row.estimate_ms { @if !row.status.has_ended() { span class="sub" { "of about " (duration(estimate)) } } }
                        }
                        td class="number" { @if row.is_critical { span class="crit" { "critical" } } @else if matches!(row.status, TaskStatus::Skipped | TaskStatus::Cancelled) { "–" } @else { (duration(row.slack_ms)) } }
                        td class="number" { (text::tokens(row.tokens)) }
                        td class="number" { (money(row.cost)) }
                    }
                }
            }
        }
    }
}

fn name(links: Links<'_>, row: &TaskRow) -> Markup {
    let title = title_or_id(&row.title, row.task.as_str());
    html! {
        a class="main" href=[links.task(&row.task)] { (Foreign(title)) }
        span class="sub" { (row.task) @if let Some(repository) = &row.repository { " · " (repository) } }
    }
}

/// Why the task is where it is, in one line.
fn why(row: &TaskRow) -> String {
    match (&row.failure, &row.because_of) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(task)) => format!("{task} did not succeed"),
        (None, None) => row.waits_for.clone(),
    }
}

/// The critical path, first to last.
pub(super) fn path_table(links: Links<'_>, rows: &[&TaskRow]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Task" } th scope="col" { "State" } th scope="col" { "Needs" } th scope="col" class="number" { "Takes" } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (name(links, row)) }
                        td { (Mark::task(row.status).status()) }
                        td { @for (index, task) in row.dependencies.iter().take(8).enumerate() { @if index > 0 { ", " } (task) } @if row.dependencies.len() > 8 { " and " (row.dependencies.len() - 8) " more" } }
                        td class="number" { (duration(row.running_ms.max(row.estimate_ms.unwrap_or(0)))) }
                    }
                }
            }
        }
    }
}
