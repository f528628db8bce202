//! When each task did what, as bars over one axis of time.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use core_types::{TaskId, Timestamp};
use maud::{Markup, html};

use super::{Links, Mark, bars::percent, icon, title_or_id};
use crate::{
    dashboard::text::{self, Foreign},
    fold::{Lane, Segment, SegmentKind, TaskRow, Timeline},
};

/// The width that a time without a process takes, however long it was.
const GAP: f64 = 0.025;
/// Columns of the picture of slots in use.
const N_COLUMNS: usize = 200;

/// Which tasks are drawn, and how the rest of the page calls things.
#[derive(Debug)]
pub(in crate::dashboard) struct Rows<'a> {
    pub(in crate::dashboard) links: Links<'a>,
    pub(in crate::dashboard) rows: &'a [&'a TaskRow],
    /// How many may run at a time; 0 leaves out the picture of slots.
    pub(in crate::dashboard) max_workers: usize,
}

/// The bars of some tasks, the slots in use by all above them. Times without a process are
/// drawn as gaps of one width, so that a night between two sessions does not hide the work.
pub(in crate::dashboard) fn gantt(timeline: &Timeline, shown: &Rows<'_>) -> Markup {
    let scale = Scale::of(timeline);
    let lanes: HashMap<&TaskId, &Lane> = timeline
        .lanes
        .iter()
        .map(|lane| (&lane.task, lane))
        .collect();
    let ticks = scale.ticks();
    html! {
        div class="gantt" {
            svg class="gridlines" aria-hidden="true" {
                @for tick in &ticks {
                    line class="grid" x1=(percent(tick.0)) x2=(percent(tick.0)) y1="22" y2="100%" {}
                }
                @if timeline.stages.iter().any(|stage| stage.to.is_none()) {
                    line class="nowline" x1="100%" x2="100%" y1="22" y2="100%" {}
                }
            }
            ol {
                li class="axis" aria-hidden="true" {
                    span {}
                    svg {
                        @for (x, at) in &ticks {
                            text class="quiet" x=(percent(*x)) y="14" text-anchor=(anchor(*x)) { (tick_label(*at, scale.step)) }
                        }
                    }
                    span {}
                }
                @if shown.max_workers > 0 { (slots(timeline, &scale, shown.max_workers)) }
                @for row in shown.rows {
                    @if let Some(lane) = lanes.get(&row.task) { (bars(&scale, shown.links, row, lane)) }
                }
            }
        }
        div class="pad" { (legend(shown.rows, &lanes)) }
    }
}

fn bars(scale: &Scale, links: Links<'_>, row: &TaskRow, lane: &Lane) -> Markup {
    let mark = Mark::task(row.status);
    let title = title_or_id(&row.title, row.task.as_str());
    html! {
        li {
            span class="label" {
                span class={ "status " (mark.tone.class()) } { (icon(mark.icon)) span class="hidden" { (mark.word) } }
                a href=[links.task(&row.task)] title=(Foreign(title)) { (Foreign(title)) }
                @if row.is_critical { span class="key" title="on the critical path" { "◆" span class="hidden" { "on the critical path" } } }
            }
            svg class="lane" role="img" aria-label=(in_words(lane, scale.to)) {
                @for segment in &lane.segments {
                    @let (from, to) = (scale.x(segment.from), scale.x(segment.to.unwrap_or(scale.to)));
                    line class={ "seg " (segment.kind.as_str()) (tone(segment, row)) }
                        x1=(percent(from)) x2=(percent(to.max(from + 0.002))) y1="10" y2="10" {}
                }
            }
            span class="took" { @if row.running_ms > 0 { (text::duration(row.running_ms)) } }
        }
    }
}

/// Classes of what ran and ended well, and of what ran in vain.
const GOOD: &str = " good";
const BAD: &str = " bad";
const TONES: [&str; 3] = [GOOD, BAD, ""];

/// What ran in vain is red; what runs or ended well is blue or green.
fn tone(segment: &Segment, row: &TaskRow) -> &'static str {
    if segment.kind != SegmentKind::Running {
        ""
    } else if segment.attempt < row.attempt {
        BAD
    } else {
        match Mark::task(row.status).tone {
            super::Tone::Good => GOOD,
            super::Tone::Bad => BAD,
            _ => "",
        }
    }
}

/// The lane for who cannot see it: how long in which state.
fn in_words(lane: &Lane, end: Timestamp) -> String {
    let mut words = String::new();
    for kind in SegmentKind::ALL {
        let millis: u64 = lane
            .segments
            .iter()
            .filter(|segment| segment.kind == kind)
            .map(|segment| segment.to.unwrap_or(end).0.saturating_sub(segment.from.0))
            .sum();
        if millis > 0 {
            let separator = if words.is_empty() { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(
                words,
                "{separator}{} {}",
                kind.as_str(),
                text::duration(millis)
            );
        }
    }
    if words.is_empty() {
        words.push_str("nothing yet");
    }
    words
}

/// How many slots were in use, and how many tasks waited for one, over the whole run.
fn slots(timeline: &Timeline, scale: &Scale, max_workers: usize) -> Markup {
    let mut running = [0.0_f64; N_COLUMNS];
    let mut queued = [0.0_f64; N_COLUMNS];
    for segment in timeline.lanes.iter().flat_map(|lane| &lane.segments) {
        let columns = match segment.kind {
            SegmentKind::Running | SegmentKind::Recovery | SegmentKind::Lost => &mut running,
            SegmentKind::Queued => &mut queued,
            SegmentKind::Scheduled | SegmentKind::Retry | SegmentKind::Paused => continue,
        };
        let from = scale.x(segment.from) * N_COLUMNS as f64;
        let to = scale.x(segment.to.unwrap_or(scale.to)) * N_COLUMNS as f64;
        for (index, column) in columns
            .iter_mut()
            .enumerate()
            .take(to.ceil() as usize)
            .skip(from.floor() as usize)
        {
            let start = index as f64;
            *column += (to.min(start + 1.0) - from.max(start)).max(0.0);
        }
    }
    let slots = max_workers as f64;
    // Waiting tasks may be thousands: up to as many as there are slots are drawn.
    let waiting: Vec<f64> = running
        .iter()
        .zip(&queued)
        .map(|(running, queued)| running + queued.min(slots))
        .collect();
    let top = waiting.iter().copied().fold(slots, f64::max);
    let area = |columns: &[f64]| {
        let mut path = String::from("M0 36");
        let mut last = f64::NAN;
        for (index, value) in columns.iter().enumerate() {
            let y = (36.0 - value / top * 36.0).round();
            if y.total_cmp(&last).is_ne() {
                let _ = write!(path, "H{index}V{y}");
                last = y;
            }
        }
        let _ = write!(path, "H{N_COLUMNS}V36Z");
        path
    };
    let held = running.iter().sum::<f64>() / N_COLUMNS as f64;
    html! {
        li {
            span class="label quiet" { "Worker slots" }
            svg class="lane slots" viewBox={ "0 0 " (N_COLUMNS) " 36" } preserveAspectRatio="none" role="img"
                aria-label={ "on average " (format!("{held:.1}")) " of " (max_workers) " worker slots in use" } {
                path class="queue" d=(area(&waiting)) {}
                path class="used" d=(area(&running)) {}
            }
            span class="took" { (format!("{held:.1}")) " of " (max_workers) }
        }
    }
}

fn legend(rows: &[&TaskRow], lanes: &HashMap<&TaskId, &Lane>) -> Markup {
    let shown = rows
        .iter()
        .filter_map(|row| Some((row, lanes.get(&row.task)?)));
    let seen: HashSet<_> = shown
        .flat_map(|(row, lane)| lane.segments.iter().map(|it| (it.kind, tone(it, row))))
        .collect();
    let of_kind = |kind| TONES.iter().map(move |tone| (kind, *tone));
    html! {
        ul class="legend" {
            @if rows.iter().any(|row| row.is_critical) { li { span class="key" aria-hidden="true" { "◆" } "on the critical path" } }
            @for (kind, tone) in SegmentKind::ALL.into_iter().flat_map(of_kind).filter(|it| seen.contains(it)) {
                li {
                    svg viewBox="0 0 22 12" aria-hidden="true" { line class={ "seg " (kind.as_str()) (tone) } x1="0" x2="22" y1="6" y2="6" {} }
                    (meaning(kind, tone))
                }
            }
        }
    }
}

fn meaning(kind: SegmentKind, tone: &str) -> &'static str {
    match kind {
        SegmentKind::Scheduled => "scheduled: waits for dependencies",
        SegmentKind::Queued => "queued: waits for a worker slot",
        SegmentKind::Running => match tone {
            GOOD => "ran and did it",
            BAD => "ran in vain",
            _ => "running",
        },
        SegmentKind::Lost => "lost with a killed process",
        SegmentKind::Retry => "waits to be tried again",
        SegmentKind::Recovery => "is repaired",
        SegmentKind::Paused => "no process held the run",
    }
}

/// From times to places from 0 to 1.
#[derive(Debug)]
struct Scale {
    /// When a process held the run, in order: from, to, and where that begins and ends.
    held: Vec<(Timestamp, Timestamp, f64, f64)>,
    to: Timestamp,
    /// Between ticks, in milliseconds.
    step: u64,
}

impl Scale {
    fn of(timeline: &Timeline) -> Self {
        let mut held: Vec<(Timestamp, Timestamp)> = timeline
            .sessions
            .iter()
            .map(|session| (session.from, session.to.unwrap_or(timeline.to)))
            .filter(|(from, to)| from < to)
            .collect();
        if held.is_empty() {
            held.push((
                timeline.from,
                timeline.to.max(Timestamp(timeline.from.0 + 1)),
            ));
        }
        let total: u64 = held.iter().map(|(from, to)| to.0 - from.0).sum();
        let gap = GAP.min(0.3 / held.len() as f64);
        let width = 1.0 - gap * (held.len() - 1) as f64;
        let mut x = 0.0;
        let held = held
            .into_iter()
            .map(|(from, to)| {
                let start = x;
                let end = start + (to.0 - from.0) as f64 / total.max(1) as f64 * width;
                x = end + gap;
                (from, to, start, end)
            })
            .collect();
        Self {
            held,
            to: timeline.to,
            step: step(total),
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let index = self.held.partition_point(|(_, to, ..)| *to < at);
        let Some((from, to, start, end)) = self.held.get(index) else {
            return 1.0;
        };
        let into = at.0.saturating_sub(from.0) as f64 / (to.0 - from.0).max(1) as f64;
        start + into * (end - start)
    }

    /// Where ticks stand, and the times they name.
    fn ticks(&self) -> Vec<(f64, Timestamp)> {
        let mut ticks: Vec<(f64, Timestamp)> = Vec::new();
        for (from, to, ..) in &self.held {
            let first = from.0.next_multiple_of(self.step);
            for at in (first..=to.0).step_by(usize::try_from(self.step).unwrap_or(usize::MAX)) {
                let x = self.x(Timestamp(at));
                if ticks.last().is_none_or(|(last, _)| x - last > 0.09) {
                    ticks.push((x, Timestamp(at)));
                }
            }
        }
        ticks
    }
}

/// A round span of which at most 8 fit into `total` milliseconds.
fn step(total: u64) -> u64 {
    const SECONDS: [u64; 19] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
        86_400, 604_800,
    ];
    SECONDS
        .into_iter()
        .map(|seconds| seconds * 1000)
        .find(|step| total / step <= 8)
        .unwrap_or(total.max(1000))
}

fn tick_label(at: Timestamp, step: u64) -> String {
    match step {
        0..60_000 => text::clock(at),
        60_000..86_400_000 => text::clock_of_day(at),
        _ => text::day(at),
    }
}

fn anchor(x: f64) -> &'static str {
    match x {
        ..0.03 => "start",
        0.97.. => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use core_types::{Stage, Timestamp};

    use super::{super::bars::rounded, *};
    use crate::fold::Span;

    #[test]
    fn a_night_between_two_sessions_takes_little_room() {
        let hour = 3_600_000;
        let session = |of, from: u64, to: u64| Span {
            of,
            from: Timestamp(from),
            to: Some(Timestamp(to)),
        };
        let timeline = Timeline {
            from: Timestamp(0),
            to: Timestamp(12 * hour),
            stages: vec![Span {
                of: Stage::Planning,
                from: Timestamp(0),
                to: None,
            }],
            sessions: vec![session(1, 0, hour), session(2, 11 * hour, 12 * hour)],
            lanes: Vec::new(),
        };
        let scale = Scale::of(&timeline);
        let at = |hours: u64| rounded(scale.x(Timestamp(hours * hour)));
        assert_eq!(
            [at(0), at(1), at(11), at(12)],
            ["0", "0.49", "0.51", "1"],
            "ten hours without a process are a gap"
        );
        assert_eq!(at(6), "0.51", "a time in a gap is its end");
        assert!(
            scale
                .ticks()
                .is_sorted_by(|(left, _), (right, _)| left < right)
        );
    }
}
