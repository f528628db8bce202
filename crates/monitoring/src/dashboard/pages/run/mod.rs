//! A run: what it is, where it stands, and everything that is known of it.

mod details;
mod head;
mod tasks;

use std::collections::HashMap;

use core_types::TaskId;
use maud::{Markup, html};

pub(in crate::dashboard) use self::tasks::Filter;
pub(super) use self::{
    details::{log_list, recoveries},
    head::{actions, capital, head, word_waits},
};
use super::Context;
use crate::{
    dashboard::{
        parts::{
            Frame, Links, Live, Rows, course, framed, gantt, graph, heading, map_legend,
            title_or_id,
        },
        text::{count, duration, money},
    },
    fold::{Graph, LogChunk, RunState, RunView, TaskRow},
};

/// What the page of a run shows besides the run.
#[derive(Debug)]
pub(in crate::dashboard) struct RunPage<'a> {
    pub(in crate::dashboard) view: &'a RunView,
    pub(in crate::dashboard) graph: &'a Graph,
    pub(in crate::dashboard) log: Option<Log>,
    pub(in crate::dashboard) filter: Filter,
    /// Of the tasks, from 1.
    pub(in crate::dashboard) page: usize,
    /// The last event, where a person has told the run something since.
    pub(in crate::dashboard) told: Option<u64>,
}

/// The end of a log.
#[derive(Debug)]
pub(in crate::dashboard) struct Log {
    /// Whose; `None` for planning, testing and review.
    pub(in crate::dashboard) task: Option<TaskId>,
    pub(in crate::dashboard) chunk: LogChunk,
}

pub(in crate::dashboard) fn run(context: Context<'_>, page: &RunPage<'_>) -> Markup {
    let header = &page.view.header;
    let title = title_or_id(&header.title, header.run.as_str());
    let frame = Frame {
        title,
        place: None,
        live: Some(Live {
            events: format!("/api/runs/{}/events", header.run),
            is_running: header.state == RunState::Running,
        }),
        is_file: false,
        now: context.now,
    };
    framed(
        &frame,
        &html! {
            (head(context, page.view, title, Links::Run(&header.run)))
            @if page.told.is_some() { (word_waits(header)) }
            (jump(page))
            (sections(context, page, Links::Run(&header.run)))
        },
    )
}

/// Everything below the head.
pub(super) fn sections(context: Context<'_>, page: &RunPage<'_>, links: Links<'_>) -> Markup {
    let view = page.view;
    let shown = tasks::Shown::of(
        &view.tasks,
        page.filter,
        page.page,
        if links.is_file() {
            usize::MAX
        } else {
            tasks::PAGE
        },
    );
    html! {
        @if view.tasks.is_empty() {
            div class="sheet" { div class="empty" {
                @if view.header.state.has_ended() {
                    strong { "No tasks" } p { "The run ended before it had a plan." }
                } @else {
                    strong { "No plan yet" } p { "Tasks, graph and timeline are shown as soon as the plan is settled." }
                }
            } }
        } @else {
            (timeline(context, view, &shown, links))
            (graph_section(page, links))
            (tasks::section(view, &shown, links))
        }
        @if let Some(log) = &page.log { (details::log(&view.header.run, log, &view.tasks)) }
        (spend(view))
        (details::recovery_section(view))
        @if !view.repositories.is_empty() { (details::repositories(view)) }
        @if !view.lessons.is_empty() { (details::lessons(view)) }
        @if !view.warnings.is_empty() { (details::warnings(view)) }
    }
}

fn jump(page: &RunPage<'_>) -> Markup {
    let view = page.view;
    let has_tasks = !view.tasks.is_empty();
    let parts = [
        ("timeline", "Timeline", has_tasks),
        ("graph", "Graph", has_tasks),
        ("tasks", "Tasks", has_tasks),
        ("log", "Log", page.log.is_some()),
        ("spend", "Spend", true),
        ("recovery", "Recovery", true),
        (
            "repositories",
            "Repositories",
            !view.repositories.is_empty(),
        ),
        ("lessons", "Lessons", !view.lessons.is_empty()),
        ("warnings", "Warnings", !view.warnings.is_empty()),
    ];
    html! {
        nav class="jump" aria-label="Parts of this page" {
            ul { @for (id, title, is_there) in parts { @if is_there { li { a href={ "#" (id) } { (title) } } } } }
        }
    }
}

fn graph_section(page: &RunPage<'_>, links: Links<'_>) -> Markup {
    let view = page.view;
    let rows: HashMap<_, _> = view.tasks.iter().map(|row| (&row.task, row)).collect();
    let critical: Vec<&TaskRow> = page
        .graph
        .critical_path
        .iter()
        .filter_map(|task| rows.get(task).copied())
        .collect();
    let n_shown = if links.is_file() {
        critical.len()
    } else {
        critical.len().min(tasks::PAGE)
    };
    html! {
        section id="graph" aria-label="Graph" {
            (heading("Graph", &html! { "critical path: " (count(critical.len() as u64)) " tasks, " (duration(page.graph.critical_ms)) ", drawn thick" }, &html! {}))
            div class="sheet" {
                div class="pad scroll" tabindex="0" role="region" aria-label="Graph of tasks, may be scrolled" { (graph(links, page.graph, &view.tasks)) (map_legend(page.graph)) }
                details class="as-table" {
                    summary { "The critical path as a table" }
                    div class="scroll" { (tasks::path_table(links, &critical[..n_shown])) }
                    @if n_shown < critical.len() { p class="quiet pad" { "and " (count((critical.len() - n_shown) as u64)) " more" } }
                }
            }
        }
    }
}

fn timeline(
    context: Context<'_>,
    view: &RunView,
    shown: &tasks::Shown<'_>,
    links: Links<'_>,
) -> Markup {
    let rows = shown.first(if links.is_file() {
        usize::MAX
    } else {
        MAX_BARS
    });
    let note = if rows.len() < view.tasks.len() {
        format!(
            "{} of {} tasks, those at the top of the list below",
            rows.len(),
            view.tasks.len()
        )
    } else {
        String::new()
    };
    html! {
        section id="timeline" aria-label="Timeline" {
            (heading("Timeline", &html! { (note) }, &html! { "UTC" }))
            div class="sheet" {
                (gantt(&view.timeline, &Rows { links, rows: &rows, max_workers: view.header.max_workers }))
                details class="as-table" {
                    summary { "As a table" }
                    div class="scroll" { (details::segments(view, &rows, context.now)) }
                }
            }
        }
    }
}

/// So many bars are drawn on one page.
const MAX_BARS: usize = 40;

fn spend(view: &RunView) -> Markup {
    let spend = &view.spend;
    html! {
        section id="spend" aria-label="Spend" {
            (heading("Spend", &html! {
                (money(spend.spent)) " spent, " (money(spend.reserved)) " set aside"
                @if let Some(limit) = spend.limit { ", " (money(limit)) " at most" }
            }, &html! {}))
            @if spend.calls == 0 && spend.by_model.is_empty() {
                div class="sheet" { div class="empty" { strong { "Nothing spent yet" } } }
            } @else {
                @if spend.spent.pico() > 0 || spend.reserved.pico() > 0 {
                    div class="sheet" {
                        div class="pad" { (course(&spend.course, view.timeline.to)) }
                        div class="pad" { ul class="legend" {
                            (details::line_key("spent", "spent")) (details::line_key("reserved", "with what is set aside"))
                            @if spend.limit.is_some() { (details::line_key("limit", "the limit, where it is near")) }
                        } }
                        details class="as-table" { summary { "As a table" } div class="scroll" { (details::course_table(&spend.course)) } }
                    }
                }
                div class="two after" {
                    div class="sheet scroll" { (super::spend::amounts("Model", "not named", &spend.by_model)) }
                    div class="sheet scroll" { (super::spend::amounts("Stage", "no stage", &spend.by_component)) }
                }
                @if spend.usage.total() > 0 { div class="pad" { (super::spend::usage(&spend.usage)) } }
            }
        }
    }
}
