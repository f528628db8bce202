//! Tables of money and tokens, which several pages share.

use std::collections::BTreeMap;

use core_types::{TokenUsage, Usd};
use maud::{Markup, html};

use crate::{
    dashboard::{
        parts::{Tone, share_bar},
        text::{self, Foreign, count, money, percent},
    },
    fold::Amounts,
};

/// Amounts by name, the dearest first, each with its share of all.
pub(super) fn amounts(head: &str, unnamed: &str, amounts: &BTreeMap<String, Amounts>) -> Markup {
    let mut rows: Vec<(&String, &Amounts)> = amounts.iter().collect();
    rows.sort_by_key(|(_, amounts)| std::cmp::Reverse((amounts.spent, amounts.usage.total())));
    let all: f64 = rows
        .iter()
        .map(|(_, amounts)| amounts.spent.pico() as f64)
        .sum();
    let share = |spent: Usd| {
        if all > 0.0 {
            spent.pico() as f64 / all
        } else {
            0.0
        }
    };
    html! {
        table {
            thead { tr {
                th scope="col" { (head) } th scope="col" { span class="hidden" { "Share" } }
                th scope="col" class="number" { "Spent" } th scope="col" class="number" { "Calls" } th scope="col" class="number" { "Tokens" }
            } }
            tbody {
                @for (name, amounts) in rows {
                    tr {
                        th scope="row" class="name" { @if name.is_empty() { span class="quiet" { (unnamed) } } @else { (Foreign(name)) } }
                        td class="share" { (share_bar(Tone::Live, share(amounts.spent))) span class="hidden" { (percent(share(amounts.spent))) } }
                        td class="number" { (money(amounts.spent)) }
                        td class="number" { (count(amounts.calls)) }
                        td class="number" { (text::tokens(amounts.usage.total())) }
                    }
                }
            }
        }
    }
}

/// Tokens by how they are priced.
pub(super) fn usage(usage: &TokenUsage) -> Markup {
    let parts = [
        ("input", usage.input),
        ("read from the cache", usage.cache_read),
        (
            "written to the cache",
            usage.cache_write_5m.saturating_add(usage.cache_write_1h),
        ),
        ("output", usage.output),
        ("of that reasoning", usage.reasoning),
    ];
    html! {
        dl class="facts" {
            @for (name, tokens) in parts {
                @if tokens > 0 { div { dt { (name) } dd { (text::tokens(tokens)) } } }
            }
        }
    }
}
