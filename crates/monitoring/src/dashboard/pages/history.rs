//! All runs, also those that are removed.

use maud::{Markup, html};

use super::{Context, overview::ended_table};
use crate::{
    dashboard::{
        parts::{Frame, Live, Place, Tone, days, framed, heading},
        text::{count, day, money},
    },
    fold::{DayCount, History, RunState},
};

/// Runs on one page.
const PAGE: usize = 100;

pub(in crate::dashboard) fn history(context: Context<'_>, view: &History, page: usize) -> Markup {
    let frame = Frame {
        title: "History",
        place: Some(Place::History),
        live: Some(Live {
            events: "/api/events".to_owned(),
            is_running: view.runs.iter().any(|row| row.state == RunState::Running),
        }),
        is_file: false,
        now: context.now,
    };
    let n_pages = view.runs.len().div_ceil(PAGE).max(1);
    let page = page.clamp(1, n_pages);
    let runs = view.runs.chunks(PAGE).nth(page - 1).unwrap_or_default();
    let mut last_days: Vec<DayCount> = view.days.iter().take(60).copied().collect();
    last_days.reverse();
    html! {
        (framed(&frame, &html! {
            h1 { "History" }
            @if view.runs.is_empty() {
                div class="sheet" { div class="empty" { strong { "No run yet" } p { "What ends stays here, also after its files are removed." } } }
            } @else {
                section aria-label="Days" {
                    (heading("Days with runs", &html! { "the last " (last_days.len()) }, &html! {}))
                    div class="sheet" {
                        div class="pad" { (days(&last_days, |day| [(Tone::Good, day.succeeded as f64), (Tone::Bad, day.failed as f64)])) }
                        details class="as-table" { summary { "As a table" } div class="scroll" { (day_table(&view.days)) } }
                    }
                }
                section aria-label="Runs" {
                    (heading("Runs", &html! { (count(view.runs.len() as u64)) }, &html! {}))
                    div class="sheet" {
                        div class="scroll" { (ended_table(context, runs)) }
                        @if n_pages > 1 {
                            nav class="pager" aria-label="Pages of runs" {
                                @if page > 1 { a href={ "/history?page=" (page - 1) } { "Newer" } }
                                span { "Page " (page) " of " (n_pages) }
                                @if page < n_pages { a href={ "/history?page=" (page + 1) } { "Older" } }
                            }
                        }
                    }
                }
            }
        }))
    }
}

pub(super) fn day_table(days: &[DayCount]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Day" } th scope="col" class="number" { "Begun" } th scope="col" class="number" { "Ended well" }
                th scope="col" class="number" { "Ended otherwise" } th scope="col" class="number" { "Spent" }
            } }
            tbody {
                @for it in days {
                    tr {
                        th scope="row" { (day(it.day)) }
                        td class="number" { (count(it.begun)) } td class="number" { (count(it.succeeded)) }
                        td class="number" { (count(it.failed)) } td class="number" { (money(it.spent)) }
                    }
                }
            }
        }
    }
}
