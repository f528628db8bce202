//! What was spent, and for what.

use maud::{Markup, html};

use super::{
    Context,
    history::day_table,
    overview::run_name,
    spend::{amounts, usage},
};
use crate::{
    dashboard::{
        parts::{Frame, Live, Mark, Place, Tone, days, framed, heading, limit_bar},
        text::{Foreign, count, money, tokens},
    },
    fold::{Costs, LimitStanding},
};

/// So many of the dearest runs are shown.
const MAX_RUNS: usize = 50;

pub(in crate::dashboard) fn costs(context: Context<'_>, view: &Costs) -> Markup {
    let frame = Frame {
        title: "Costs",
        place: Some(Place::Costs),
        live: Some(Live {
            events: "/api/events".to_owned(),
            is_running: false,
        }),
        is_file: false,
        now: context.now,
    };
    let mut last_days: Vec<_> = view.days.iter().take(60).copied().collect();
    last_days.reverse();
    html! {
        (framed(&frame, &html! {
            h1 { "Costs" }
            dl class="figures" {
                div {
                    dt { "Spent today" }
                    @if let Some(day) = &view.day {
                        dd class="value" { (money(day.spent)) @if let Some(limit) = day.limit { " " small { "of " (money(limit)) } } }
                        dd class="note" { (limit_bar(day.spent, day.reserved, day.limit)) (money(day.reserved)) " set aside" }
                    } @else {
                        dd class="value" { "–" }
                        dd class="note" { "the ledger cannot be read" }
                    }
                }
                div {
                    dt { "Spent in all" }
                    dd class="value" { (money(view.spent)) }
                    dd class="note" { (money(view.reserved)) " set aside" }
                }
                div {
                    dt { "Tokens" }
                    dd class="value" { (tokens(view.usage.total())) }
                    dd class="note" { (tokens(view.usage.output)) " of them output, " (tokens(view.usage.cache_read)) " from the cache" }
                }
                div {
                    dt { "By day" }
                    dd class="note" { (days(&last_days, |day| [(Tone::Live, day.spent.pico() as f64), (Tone::Bad, 0.0)])) "the last " (last_days.len()) " days with runs" }
                }
            }
            @if view.by_model.is_empty() {
                div class="sheet" { div class="empty" { strong { "Nothing spent yet" } p { "What agents report is shown here by model, stage, repository and run." } } }
            } @else {
                div class="two" {
                    section aria-label="By model" { (heading("By model", &html! {}, &html! {})) div class="sheet scroll" { (amounts("Model", "not named", &view.by_model)) } }
                    section aria-label="By stage" { (heading("By stage", &html! { "repairs apart" }, &html! {})) div class="sheet scroll" { (amounts("Stage", "no stage", &view.by_component)) } }
                    section aria-label="By repository" { (heading("By repository", &html! {}, &html! {})) div class="sheet scroll" { (amounts("Repository", "the run as a whole", &view.by_repository)) } }
                    section aria-label="Tokens" { (heading("Tokens", &html! { "by how they are priced" }, &html! {})) div class="sheet" { div class="pad" { (usage(&view.usage)) } } }
                }
                @if let Some(day) = &view.day { @if !day.limits.is_empty() { (limits(&day.limits)) } }
                (by_run(view))
                section aria-label="By day" {
                    (heading("By day", &html! {}, &html! {}))
                    div class="sheet" { details class="as-table" { summary { "All days as a table" } div class="scroll" { (day_table(&view.days)) } } }
                }
            }
        }))
    }
}

fn limits(limits: &[LimitStanding]) -> Markup {
    html! {
        section aria-label="Limits" {
            (heading("Limits", &html! {}, &html! {}))
            div class="sheet scroll" {
                table {
                    thead { tr {
                        th scope="col" { "Limit" } th scope="col" { span class="hidden" { "Used" } }
                        th scope="col" class="number" { "Spent" } th scope="col" class="number" { "Set aside" } th scope="col" class="number" { "Of" }
                    } }
                    tbody {
                        @for limit in limits {
                            tr {
                                th scope="row" { (Foreign(&limit.name)) }
                                td class="share" { (limit_bar(limit.spent, limit.reserved, limit.limit)) }
                                td class="number" { (money(limit.spent)) } td class="number" { (money(limit.reserved)) }
                                td class="number" { @if let Some(limit) = limit.limit { (money(limit)) } @else { "no limit" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn by_run(view: &Costs) -> Markup {
    html! {
        section aria-label="By run" {
            (heading("By run", &html! { "the dearest first" }, &html! {}))
            div class="sheet scroll" {
                table {
                    thead { tr {
                        th scope="col" { "Run" } th scope="col" { "State" } th scope="col" class="number" { "Tasks" }
                        th scope="col" class="number" { "Tokens" } th scope="col" class="number" { "Limit" } th scope="col" class="number" { "Spent" }
                    } }
                    tbody {
                        @for run in view.by_run.iter().take(MAX_RUNS) {
                            tr {
                                th scope="row" class="wide" {
                                    (run_name(&run.run, &run.title, view.removed.contains(&run.run)))
                                }
                                td { (Mark::run(run.state).status()) }
                                td class="number" { (count(run.counts.total as u64)) }
                                td class="number" { (tokens(run.usage.total())) }
                                td class="number" { @if let Some(limit) = run.limit { (money(limit)) } @else { "–" } }
                                td class="number" { (money(run.spent)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
