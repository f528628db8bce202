//! A graph of tasks as a picture.

use core_types::TaskId;

use super::{Edge, Graph, Node};

/// The size of a task in the picture, and the space between two.
const WIDTH: f64 = 168.0;
const HEIGHT: f64 = 40.0;
const GAP_X: f64 = 64.0;
const GAP_Y: f64 = 16.0;
/// The space around the picture.
const MARGIN: f64 = 16.0;

/// How often the tasks of each column are put in the order of their neighbors; more changes little.
const SWEEPS: usize = 4;

/// Places tasks in columns, each right of all that it depends on, and in a column so that lines cross
/// rarely. `dependencies[i]` are the indices that task `i` needs. Nothing recurses; a circle, which no
/// valid plan has, is cut. Durations, slack and the critical path are left empty.
#[must_use]
pub fn layout(tasks: &[TaskId], dependencies: &[Vec<usize>]) -> Graph {
    let layers = layers(dependencies);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for (task, &layer) in layers.iter().enumerate() {
        if columns.len() <= layer {
            columns.resize(layer + 1, Vec::new());
        }
        columns[layer].push(task);
    }
    let rows = rows(&mut columns, dependencies);
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let height = stack(tallest);
    let place = |task: usize| {
        let (layer, row) = (layers[task], rows[task]);
        let x = MARGIN + float(layer) * (WIDTH + GAP_X);
        // A short column stands in the middle.
        let top = MARGIN + (height - stack(columns[layer].len())) / 2.0;
        (x, top + float(row) * (HEIGHT + GAP_Y))
    };
    let nodes: Vec<_> = (0..tasks.len())
        .map(|idx| {
            let (x, y) = place(idx);
            Node {
                task: tasks[idx].clone(),
                layer: layers[idx],
                row: rows[idx],
                x,
                y,
                width: WIDTH,
                height: HEIGHT,
                duration_ms: 0,
                slack_ms: 0,
                is_critical: false,
            }
        })
        .collect();
    let mut edges = Vec::with_capacity(dependencies.iter().map(Vec::len).sum());
    for (to, needed) in dependencies.iter().enumerate() {
        for &from in needed {
            let (a, b) = (&nodes[from], &nodes[to]);
            edges.push(Edge {
                from,
                to,
                line: [(a.x + WIDTH, a.y + HEIGHT / 2.0), (b.x, b.y + HEIGHT / 2.0)],
                is_critical: false,
            });
        }
    }
    let width = (float(columns.len()) * (WIDTH + GAP_X) - GAP_X).max(0.0);
    Graph {
        width: width + 2.0 * MARGIN,
        height: height + 2.0 * MARGIN,
        nodes,
        edges,
        critical_path: Vec::new(),
        critical_ms: 0,
    }
}

/// How high so many tasks are on top of each other.
fn stack(n_rows: usize) -> f64 {
    (float(n_rows) * (HEIGHT + GAP_Y) - GAP_Y).max(0.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a picture has far fewer than 2^52 rows"
)]
fn float(n: usize) -> f64 {
    n as f64
}

/// The column of each task: one more than the furthest right that it needs.
fn layers(dependencies: &[Vec<usize>]) -> Vec<usize> {
    let n_tasks = dependencies.len();
    let mut after = vec![Vec::new(); n_tasks];
    let mut missing = vec![0_usize; n_tasks];
    for (task, needed) in dependencies.iter().enumerate() {
        missing[task] = needed.len();
        for &it in needed {
            after[it].push(task);
        }
    }
    let mut layers = vec![0; n_tasks];
    let mut queue: Vec<usize> = (0..n_tasks).filter(|&it| missing[it] == 0).collect();
    let mut place = 0;
    while let Some(&task) = queue.get(place) {
        place += 1;
        for &next in &after[task] {
            layers[next] = layers[next].max(layers[task] + 1);
            missing[next] -= 1;
            if missing[next] == 0 {
                queue.push(next);
            }
        }
    }
    layers
}

/// The place of each task in its column: sorted by the middle of its neighbors, to and fro.
fn rows(columns: &mut [Vec<usize>], dependencies: &[Vec<usize>]) -> Vec<usize> {
    let n_tasks = dependencies.len();
    let mut after = vec![Vec::new(); n_tasks];
    for (task, needed) in dependencies.iter().enumerate() {
        for &it in needed {
            after[it].push(task);
        }
    }
    let mut rows = vec![0; n_tasks];
    for column in columns.iter() {
        place(column, &mut rows);
    }
    for sweep in 0..SWEEPS {
        let is_forth = sweep % 2 == 0;
        let neighbors = if is_forth { dependencies } else { &after };
        let mut order: Vec<usize> = (0..columns.len()).collect();
        if !is_forth {
            order.reverse();
        }
        for column_idx in order {
            let column = &mut columns[column_idx];
            let mut keyed: Vec<(f64, usize, usize)> = column
                .iter()
                .map(|&task| {
                    let sum: f64 = neighbors[task].iter().map(|&it| float(rows[it])).sum();
                    let n_neighbors = neighbors[task].len();
                    let middle = match n_neighbors {
                        0 => float(rows[task]),
                        n => sum / float(n),
                    };
                    (middle, rows[task], task)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (place, (_, _, task)) in column.iter_mut().zip(keyed) {
                *place = task;
            }
            place(column, &mut rows);
        }
    }
    rows
}

fn place(column: &[usize], rows: &mut [usize]) {
    for (row, &task) in column.iter().enumerate() {
        rows[task] = row;
    }
}
