//! Small charts: stacked bars, and columns of days.

use core_types::Usd;
use maud::{Markup, html};

use super::{Tone, marks::parts};
use crate::{
    dashboard::text,
    fold::{DayCount, TaskCounts},
};

/// A bar of parts, each a share of 1, left to right. Its figures must stand beside it in words:
/// it is hidden from screen readers.
fn stacked(shares: impl IntoIterator<Item = (&'static str, f64)>) -> Markup {
    let mut x = 0.0;
    html! {
        svg class="bar" aria-hidden="true" {
            @for (fill, share) in shares {
                @let share = share.clamp(0.0, 1.0 - x);
                @if share > 0.0 {
                    rect class=(fill) x={ (percent(x)) } width={ (percent(share)) } height="100%" {}
                }
                @let () = x += share;
            }
        }
    }
}

/// How far a run's tasks are: done, failed, running, skipped, and the rest.
pub(in crate::dashboard) fn task_bar(counts: &TaskCounts) -> Markup {
    let total = counts.total.max(1) as f64;
    let shares = parts(counts)
        .into_iter()
        .filter_map(|(_, tone, number)| tone.map(|tone| (tone.fill(), number as f64 / total)));
    stacked(shares)
}

/// How much of a limit is spent and set aside: blue, amber from 80 % on, red from 100 % on.
pub(in crate::dashboard) fn limit_bar(spent: Usd, reserved: Usd, limit: Option<Usd>) -> Markup {
    let Some(limit) = limit.filter(|limit| *limit > Usd::ZERO) else {
        return html! {};
    };
    let share = |amount: Usd| amount.pico() as f64 / limit.pico() as f64;
    let tone = match share(spent.saturating_add(reserved)) {
        used if used >= 1.0 => Tone::Bad,
        used if used >= 0.8 => Tone::Person,
        _ => Tone::Live,
    };
    stacked([
        (tone.fill(), share(spent)),
        (Tone::Idle.fill(), share(reserved)),
    ])
}

/// One share of a whole.
pub(in crate::dashboard) fn share_bar(tone: Tone, share: f64) -> Markup {
    stacked([(tone.fill(), share)])
}

/// The legend of [`task_bar`], with its figures.
pub(in crate::dashboard) fn parts_bar(counts: &TaskCounts) -> Markup {
    html! {
        (task_bar(counts))
        ul class="legend" {
            @for (word, tone, number) in parts(counts) {
                @if number > 0 {
                    li {
                        svg class="dot" viewBox="0 0 10 10" aria-hidden="true" {
                            rect class=(tone.map_or("fill-faint", Tone::fill)) width="10" height="10" rx="3" {}
                        }
                        (text::count(number)) " " (word)
                    }
                }
            }
        }
    }
}

/// Columns of days, good on top of bad, oldest first; its figures must stand beside it.
pub(in crate::dashboard) fn days(
    days: &[DayCount],
    value: impl Fn(&DayCount) -> [(Tone, f64); 2],
) -> Markup {
    let top = days
        .iter()
        .map(|day| value(day).iter().map(|(_, number)| number).sum::<f64>())
        .fold(0.0, f64::max);
    html! {
        svg class="spark" viewBox={ "0 0 " (days.len().max(1)) " 20" } preserveAspectRatio="none" aria-hidden="true" {
            @for (index, day) in days.iter().enumerate() {
                @let mut bottom = 20.0;
                rect class="fill-faint" x={ (rounded(index as f64 + 0.12)) } y="19.2" width="0.76" height="0.8" {}
                @for (tone, number) in value(day) {
                    @let height = if top > 0.0 { number / top * 19.0 } else { 0.0 };
                    @if height > 0.0 {
                        @let () = bottom -= height;
                        rect class=(tone.fill()) x={ (rounded(index as f64 + 0.12)) } y={ (rounded(bottom)) } width="0.76" height={ (rounded(height)) } {}
                    }
                }
            }
        }
    }
}

/// A coordinate with two decimals: more would only make pages larger.
pub(super) fn rounded(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn percent(share: f64) -> String {
    format!("{}%", rounded(share * 100.0))
}
