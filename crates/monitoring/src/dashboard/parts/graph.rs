//! The tasks of a run as a layered graph.

use std::{collections::HashMap, fmt::Write as _};

use core_types::{TaskId, TaskStatus};
use maud::{Markup, html};

use super::{Links, Mark, bars::rounded, icon, title_or_id};
use crate::{
    dashboard::text::{self, Foreign},
    fold::{Graph, Node, TaskRow},
};

/// Boxes are so much wider to each side than the layout has them: names need the room more than lines.
const GROWTH: f64 = 17.0;
/// Room for the lines of boxes at the edges.
const EDGE: f64 = 2.0;
/// Up to so many tasks each is a box with its name; above it the graph is a map of cells.
const MAX_BOXES: usize = 80;

/// The graph as a picture. The list of tasks beside it says the same in words, so the picture has
/// one name and no further parts for screen readers when it is a map.
pub(in crate::dashboard) fn graph(links: Links<'_>, graph: &Graph, tasks: &[TaskRow]) -> Markup {
    let rows: HashMap<&TaskId, &TaskRow> = tasks.iter().map(|row| (&row.task, row)).collect();
    let is_map = graph.nodes.len() > MAX_BOXES;
    let label = format!(
        "{} tasks and {} dependencies; the critical path has {} tasks and takes {}",
        graph.nodes.len(),
        graph.edges.len(),
        graph.critical_path.len(),
        text::duration(graph.critical_ms)
    );
    let scale = if is_map { map_scale(graph) } else { 1.0 };
    let (width, height) = (graph.width.max(1.0) + 2.0 * EDGE, graph.height.max(1.0));
    html! {
        svg class="graph" role=(if is_map { "img" } else { "group" }) aria-label=(label)
            viewBox={ (rounded(-EDGE)) " 0 " (rounded(width)) " " (rounded(height)) }
            width={ (rounded(width * scale)) } height={ (rounded(height * scale)) } {
            @let inset = if is_map { 0.0 } else { GROWTH };
            path class="edge" d=(edges(graph, Which::Others, inset)) {}
            path class="edge critical" d=(edges(graph, Which::Critical, inset)) {}
            @if is_map {
                (cells(graph, &rows))
            } @else {
                @for node in &graph.nodes {
                    @if let Some(row) = rows.get(&node.task) { (boxed(links, node, row)) }
                }
            }
        }
    }
}

/// A map is drawn at most 1,180 wide and 560 high.
fn map_scale(graph: &Graph) -> f64 {
    (1180.0 / graph.width.max(1.0))
        .min(560.0 / graph.height.max(1.0))
        .min(1.0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Critical,
    Others,
}

/// All edges of one kind as one path: thousands of them are one element.
fn edges(graph: &Graph, which: Which, inset: f64) -> String {
    let mut path = String::new();
    for edge in &graph.edges {
        if edge.is_critical != (which == Which::Critical) {
            continue;
        }
        let [(from_x, from_y), (to_x, to_y)] = edge.line;
        let (from_x, to_x) = (from_x + inset, to_x - inset);
        let bend = ((to_x - from_x) / 2.0).max(12.0);
        // Writing to a String does not fail.
        let _ = write!(
            path,
            "M{} {}C{} {} {} {} {} {}",
            rounded(from_x),
            rounded(from_y),
            rounded(from_x + bend),
            rounded(from_y),
            rounded(to_x - bend),
            rounded(to_y),
            rounded(to_x),
            rounded(to_y)
        );
    }
    path
}

fn boxed(links: Links<'_>, node: &Node, row: &TaskRow) -> Markup {
    let mark = Mark::task(row.status);
    let (left, width) = (node.x - GROWTH, node.width + 2.0 * GROWTH);
    let (middle, inner) = (node.y + node.height / 2.0, left + 32.0);
    // In the widest of the fonts that are asked for, so that no title lies on the box's edge.
    let n_chars = ((width - 40.0) / 6.9).max(4.0) as usize;
    let title = title_or_id(&row.title, row.task.as_str());
    let detail = match row.status {
        TaskStatus::Running => format!("{} · {}", mark.word, text::duration(row.running_ms)),
        status if !status.has_ended() => {
            format!("{} · about {}", mark.word, text::duration(node.duration_ms))
        }
        // Skipped, say.
        _ if row.running_ms == 0 => mark.word.to_owned(),
        _ => format!("{} · {}", mark.word, text::duration(node.duration_ms)),
    };
    html! {
        a class={ "node " (mark.tone.class()) (if node.is_critical { " critical" } else { "" }) }
            href=[links.task(&row.task)] {
            rect x={ (rounded(left)) } y={ (rounded(node.y)) } width={ (rounded(width)) } height={ (rounded(node.height)) } rx="7" { title { (Foreign(title)) } }
            svg class={ "icon " (mark.tone.class()) } x={ (rounded(left + 10.0)) } y={ (rounded(middle - 7.0)) } width="14" height="14" viewBox="0 0 16 16" {
                (icon(mark.icon))
            }
            @if node.height >= 34.0 {
                text x={ (rounded(inner)) } y={ (rounded(middle - 2.5)) } { (Foreign(&cut(title, n_chars))) }
                text class="quiet" x={ (rounded(inner)) } y={ (rounded(middle + 11.5)) } { (cut(&detail, n_chars + 2)) }
            } @else {
                text x={ (rounded(inner)) } y={ (rounded(middle + 4.0)) } { (Foreign(&cut(title, n_chars))) }
            }
        }
    }
}

/// How a cell of the map is drawn: its height says what it is before its colour does.
struct Cell {
    fill: &'static str,
    /// Its share of a box's height.
    height: f64,
    meaning: &'static str,
    holds: fn(TaskStatus) -> bool,
}

const CELLS: [Cell; 5] = [
    Cell {
        fill: "fill-faint",
        height: 0.3,
        meaning: "to do",
        holds: |status| matches!(status, TaskStatus::Waiting | TaskStatus::Ready),
    },
    Cell {
        fill: "fill-idle",
        height: 0.3,
        meaning: "skipped or cancelled",
        holds: |status| matches!(status, TaskStatus::Skipped | TaskStatus::Cancelled),
    },
    Cell {
        fill: "fill-good",
        height: 0.7,
        meaning: "done",
        holds: TaskStatus::is_good,
    },
    Cell {
        fill: "fill-live",
        height: 1.0,
        meaning: "running",
        holds: |status| matches!(status, TaskStatus::Running),
    },
    Cell {
        fill: "fill-bad",
        height: 1.4,
        meaning: "failed",
        holds: TaskStatus::has_failed,
    },
];

/// Cells instead of boxes, all of one kind as one path.
fn cells(graph: &Graph, rows: &HashMap<&TaskId, &TaskRow>) -> Markup {
    let path = |cell: &Cell| {
        let mut path = String::new();
        for node in &graph.nodes {
            let is_one = rows
                .get(&node.task)
                .is_some_and(|row| (cell.holds)(row.status));
            if is_one {
                let height = node.height * cell.height;
                let top = node.y + (node.height - height) / 2.0;
                let _ = write!(
                    path,
                    "M{} {}h{}v{}h-{}z",
                    rounded(node.x),
                    rounded(top),
                    rounded(node.width),
                    rounded(height),
                    rounded(node.width)
                );
            }
        }
        path
    };
    html! { @for cell in &CELLS { path class=(cell.fill) d=(path(cell)) {} } }
}

/// What the cells of a map mean; nothing for a graph of boxes.
pub(in crate::dashboard) fn map_legend(graph: &Graph) -> Markup {
    if graph.nodes.len() <= MAX_BOXES {
        return html! {};
    }
    html! {
        ul class="legend map" {
            @for cell in CELLS.iter().rev() {
                li {
                    svg viewBox="0 0 22 12" aria-hidden="true" {
                        rect class=(cell.fill) width="22" height=(rounded(cell.height * 8.0)) y=(rounded(6.0 - cell.height * 4.0)) {}
                    }
                    (cell.meaning)
                }
            }
        }
    }
}

fn cut(text: &str, n_chars: usize) -> String {
    if text.chars().count() <= n_chars {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(n_chars.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}
