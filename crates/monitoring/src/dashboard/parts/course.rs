//! How a run's spending grew.

use std::fmt::Write as _;

use core_types::{Timestamp, Usd};
use maud::{Markup, html};

use super::bars::rounded;
use crate::{
    dashboard::text::{clock_of_day, money},
    fold::SpendPoint,
};

/// More points than that are drawn as fewer.
const MAX_POINTS: usize = 400;

/// Spent as a line over a filled area, what is set aside above it, the limit as a dashed line.
pub(in crate::dashboard) fn course(points: &[SpendPoint], to: Timestamp) -> Markup {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return html! {};
    };
    let used = |point: &SpendPoint| point.spent.saturating_add(point.reserved);
    let most = points.iter().map(used).max().unwrap_or(Usd::ZERO);
    // A far limit would press the line flat: it is drawn where it is at most four times as high.
    let limit = last
        .limit
        .filter(|limit| limit.pico() / 4 <= most.pico().max(1));
    let top = limit.unwrap_or(Usd::ZERO).max(most).pico().max(1) as f64 * 1.05;
    let span = to.since(first.at).as_millis().max(1) as f64;
    let x = |at: Timestamp| at.since(first.at).as_millis() as f64 / span * 1000.0;
    let y = |amount: Usd| 100.0 - amount.pico() as f64 / top * 100.0;
    let step = points.len().div_ceil(MAX_POINTS);
    let steps = |amount: &dyn Fn(&SpendPoint) -> Usd| {
        let mut path = String::new();
        for (index, point) in points.iter().enumerate() {
            if index % step != 0 && index + 1 != points.len() {
                continue;
            }
            let (x, y) = (rounded(x(point.at)), rounded(y(amount(point))));
            // Writing to a String does not fail.
            let _ = match index {
                0 => write!(path, "M{x} {y}"),
                _ => write!(path, "H{x}V{y}"),
            };
        }
        path.push_str("H1000");
        path
    };
    let spent = steps(&|point| point.spent);
    html! {
        svg class="course" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img"
            aria-label={ (money(last.spent)) " spent and " (money(last.reserved)) " set aside from " (clock_of_day(first.at)) " to " (clock_of_day(to)) " UTC" } {
            path class="area" d={ (spent) "V100H0Z" } {}
            path class="reserved" d=(steps(&used)) {}
            path class="spent" d=(spent) {}
            @if let Some(limit) = limit {
                path class="limit" d={ "M0 " (rounded(y(limit))) "H1000" } {}
            }
        }
    }
}
