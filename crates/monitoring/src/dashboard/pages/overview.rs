//! The first page: what needs a person, what runs, how it goes.

use core_types::RunId;
use maud::{Markup, html};

use super::{Context, run::capital};
use crate::{
    dashboard::{
        parts::{
            Frame, Live, Mark, Place, Tone, command_line, days, framed, heading, icon, limit_bar,
            task_bar, time, title_or_id,
        },
        text::{self, Foreign, count, money, percent},
    },
    fold::{Attention, AttentionKind, Overview, RunRow},
};

pub(in crate::dashboard) fn overview(context: Context<'_>, view: &Overview) -> Markup {
    let frame = Frame {
        title: "Overview",
        place: Some(Place::Overview),
        live: Some(Live {
            events: "/api/events".to_owned(),
            is_running: view.running > 0,
        }),
        is_file: false,
        now: context.now,
    };
    framed(
        &frame,
        &html! {
            h1 class="hidden" { "Overview" }
            @let needs_person = !view.attention.is_empty() || !view.unreadable.is_empty();
            @if needs_person { (attention(context, view)) }
            @if view.total_runs == 0 { @if !needs_person { (welcome()) } } @else {
                (figures(view))
                (active(&view.active))
                @if !view.recent.is_empty() { (recent(context, &view.recent)) }
            }
        },
    )
}

fn welcome() -> Markup {
    html! {
        div class="sheet" {
            div class="empty" {
                strong { "No run yet" }
                p { "This page fills itself as soon as one begins." }
                p { (command_line("automation run ISSUE")) }
            }
        }
    }
}

fn attention(context: Context<'_>, view: &Overview) -> Markup {
    let mut groups: Vec<Vec<&Attention>> = Vec::new();
    for call in &view.attention {
        let same = |group: &&mut Vec<&Attention>| {
            group
                .first()
                .is_some_and(|it| it.run == call.run && it.kind == call.kind)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(call),
            None => groups.push(vec![call]),
        }
    }
    html! {
        section aria-label="Needs you" {
            (heading("Needs you", &html! { (view.unreadable.len() + groups.len()) }, &html! {}))
            ul class="sheet calls" {
                @for reason in &view.unreadable { (unreadable(reason)) }
                @for group in groups.iter().take(MAX_CALLS) { (call(context, group)) }
                @if groups.len() > MAX_CALLS {
                    li class="more" {
                        details id="more-calls" {
                            summary class="plain" { (groups.len() - MAX_CALLS) " more" }
                            ul class="calls" { @for group in &groups[MAX_CALLS..] { (call(context, group)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What is not urgent is folded away after so many.
const MAX_CALLS: usize = 5;

/// What is known of no run alone, such as the ledger.
fn unreadable(reason: &str) -> Markup {
    let mark = Mark::attention(&AttentionKind::Unreadable);
    html! {
        li {
            span class=(mark.tone.class()) { (icon(mark.icon)) }
            div {
                p class="what" { "Not all of this home can be read" }
                p class="why" { strong class=(mark.tone.class()) { (capital(mark.word)) } ": " (Foreign(reason)) }
            }
            span {}
        }
    }
}

/// All of one kind in one run.
fn call(context: Context<'_>, group: &[&Attention]) -> Markup {
    let Some(first) = group.first() else {
        return html! {};
    };
    let mark = Mark::attention(&first.kind);
    let path = match (&first.task, group.len()) {
        (Some(task), 1) => format!("/runs/{}/tasks/{task}", first.run),
        (Some(_), _) => format!("/runs/{}?show=failed#tasks", first.run),
        (None, _) => format!("/runs/{}", first.run),
    };
    html! {
        li {
            span class=(mark.tone.class()) { (icon(mark.icon)) }
            div {
                a class="what" href=(path) { (Foreign(&first.title)) }
                p class="why" {
                    strong class=(mark.tone.class()) {
                        @if group.len() > 1 { (group.len()) " tasks handed off" } @else { (attention_word(&first.kind, mark)) }
                    }
                    @if group.len() > 1 {
                        ": " @for (index, it) in group.iter().take(4).enumerate() { @if index > 0 { ", " } @if let Some(task) = &it.task { (task) } }
                        @if group.len() > 4 { " …" }
                    } @else {
                        @if let Some(task) = &first.task { " " (task) }
                        @if !first.message.is_empty() { ": " (Foreign(&first.message)) }
                    }
                }
            }
            @if let Some(since) = group.iter().filter_map(|it| it.since).max() { (time(context.now, since)) } @else { span {} }
        }
    }
}

fn attention_word(kind: &AttentionKind, mark: Mark) -> String {
    match kind {
        AttentionKind::Gate(gate) => format!("Gate {}", text::harmless(gate)),
        _ => capital(mark.word),
    }
}

fn figures(view: &Overview) -> Markup {
    let n_begun: u64 = view.days.iter().map(|day| day.begun).sum();
    let ended_of = |count: u64| count as f64;
    html! {
        section aria-label="How it goes" {
            div class="sheet" {
            dl class="figures" {
                div {
                    dt { "Running now" }
                    dd class="value" { (count(view.running)) " " small { "of " (count(view.active.len() as u64)) " open" } }
                    dd class="note" { (count(view.total_runs)) " runs in all" }
                }
                div {
                    dt { "Runs that ended well" }
                    dd class="value" { @if view.ended > 0 { (percent(view.success_rate)) } @else { "–" } }
                    dd class="note" { (count(view.succeeded)) " of " (count(view.ended)) " ended" }
                }
                div {
                    dt { "Begun in 14 days" }
                    dd class="value" { (count(n_begun)) " " small { "runs" } }
                    dd class="note" {
                        (days(&view.days, |day| [(Tone::Good, ended_of(day.succeeded)), (Tone::Bad, ended_of(day.failed))]))
                        (count(view.tasks_ended)) " tasks ended in all"
                    }
                }
                div {
                    dt { "Spent today" }
                    @if let Some(day) = &view.day {
                        dd class="value" { (money(day.spent)) @if let Some(limit) = day.limit { " " small { "of " (money(limit)) } } }
                        dd class="note" {
                            (limit_bar(day.spent, day.reserved, day.limit))
                            (money(view.spent)) " in all"
                            @if day.reserved.pico() > 0 { ", " (money(day.reserved)) " set aside" }
                        }
                    } @else {
                        dd class="value" { "–" }
                        dd class="note" { "the ledger cannot be read; " (money(view.spent)) " in all" }
                    }
                }
            }
            details class="as-table" {
                summary { "The last 14 days as a table" }
                div class="scroll" { (super::history::day_table(&view.days)) }
            }
            }
        }
    }
}

fn active(runs: &[RunRow]) -> Markup {
    html! {
        section aria-label="Open runs" {
            (heading("Open runs", &html! {}, &html! {}))
            div class="sheet scroll" {
                @if runs.is_empty() {
                    div class="empty" { strong { "Nothing runs" } p { "Start one with " code { "automation run ISSUE" } "." } }
                } @else {
                    table {
                        thead { tr {
                            th scope="col" { "Run" } th scope="col" { "State" } th scope="col" { "Tasks" }
                            th scope="col" class="number" { "Elapsed" } th scope="col" class="number" { "Ends about" }
                            th scope="col" class="number" { "Spent" }
                        } }
                        tbody {
                            @for row in runs {
                                tr {
                                    th scope="row" class="wide" { (run_name(&row.run, &row.title, row.is_removed)) }
                                    td { (Mark::run(row.state).status()) @if let Some(stage) = row.stage { span class="sub" { (stage) } } }
                                    td class="progress" {
                                        @if row.counts.total == 0 { span class="quiet" { "no plan yet" } } @else {
                                            (count(row.counts.ended() as u64)) " of " (count(row.counts.total as u64)) @if row.counts.failed > 0 { span class="bad" { ", " (row.counts.failed) " failed" } }
                                            (task_bar(&row.counts))
                                        }
                                    }
                                    td class="number" { (text::duration(row.elapsed_ms)) }
                                    td class="number" {
                                        @if let Some(eta) = &row.eta {
                                            (text::clock_of_day(eta.at)) span class="sub" { (text::clock_of_day(eta.earliest)) " – " (text::clock_of_day(eta.latest)) }
                                        } @else { "–" }
                                    }
                                    td class="number" {
                                        (money(row.spent))
                                        @if let Some(limit) = row.limit { span class="sub" { "of " (money(limit)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn recent(context: Context<'_>, runs: &[RunRow]) -> Markup {
    html! {
        section aria-label="Ended last" {
            (heading("Ended last", &html! {}, &html! { a href="/history" { "All runs" } }))
            div class="sheet scroll" { (ended_table(context, runs)) }
        }
    }
}

/// Runs that need no attention any more.
pub(super) fn ended_table(context: Context<'_>, runs: &[RunRow]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Run" } th scope="col" { "State" } th scope="col" { "Tasks" }
                th scope="col" class="number" { "Took" } th scope="col" class="number" { "Spent" } th scope="col" class="number" { "Began" }
            } }
            tbody {
                @for row in runs {
                    tr {
                        th scope="row" class="wide" { (run_name(&row.run, &row.title, row.is_removed)) }
                        td { (Mark::run(row.state).status()) }
                        td {
                            (count((row.counts.succeeded + row.counts.unchanged) as u64)) " of " (count(row.counts.total as u64))
                            @if row.counts.failed > 0 { span class="bad" { ", " (row.counts.failed) " failed" } }
                        }
                        td class="number" { (text::duration(row.elapsed_ms)) }
                        td class="number" { (money(row.spent)) }
                        td class="number" { @if let Some(at) = row.started { (time(context.now, at)) } @else { "–" } }
                    }
                }
            }
        }
    }
}

/// A run's title as a link where it has a page, its id below.
pub(super) fn run_name(run: &RunId, title: &str, is_removed: bool) -> Markup {
    let title = title_or_id(title, run.as_str());
    html! {
        @if is_removed {
            span class="main" { (Foreign(title)) }
            span class="sub" { (run) ", removed" }
        } @else {
            a class="main" href={ "/runs/" (run) } { (Foreign(title)) }
            span class="sub" { (run) }
        }
    }
}
