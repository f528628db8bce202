//! A plan of 10,000 tasks and 50,000 dependencies as a picture.

use std::{hint::black_box, time::Duration, time::Instant};

use anyhow::{Result, ensure};
use core_types::{Event, EventRecord, RepositoryName, Stage, TaskId, TaskStatus, Timestamp};
use monitoring::fold::RunFold;
use serde_json::{Value, json};
use testkit::Rounds;

use crate::{ROUNDS, verdict};

const TASKS: usize = 10_000;
const DEPENDENCIES: usize = 5;
const GOAL_MS: f64 = 500.0;

/// What the run has told: a plan of layers a hundred wide, of which a third has ended.
fn events() -> Result<Vec<(u64, EventRecord)>> {
    let task = |idx: usize| TaskId::new(format!("task-{idx}"));
    let repository: RepositoryName = "app".parse()?;
    let mut events = vec![Event::RunStarted {
        session: 1,
        max_workers: 8,
        title: "A large plan".to_owned(),
    }];
    for idx in 0..TASKS {
        // Spread over the two layers before, by a fixed rule.
        let reach = idx.min(200);
        let needed =
            (0..DEPENDENCIES.min(reach)).map(|nth| idx - 1 - (idx * 31 + nth * 41) % reach);
        let mut needed: Vec<usize> = needed.collect();
        needed.sort_unstable();
        needed.dedup();
        let mut dependencies = Vec::with_capacity(needed.len());
        for it in needed {
            dependencies.push(task(it)?);
        }
        events.push(Event::TaskPlanned {
            task: task(idx)?,
            title: format!("Task number {idx}"),
            repository: repository.clone(),
            dependencies,
            estimate: Some(Duration::from_secs(60 + (idx as u64 * 37) % 240)),
        });
    }
    events.push(Event::PlanReady {
        plan: "large".parse()?,
        tasks: TASKS,
    });
    events.push(Event::StageStarted {
        stage: Stage::Implementation,
    });
    for idx in 0..TASKS / 3 {
        for status in [TaskStatus::Running, TaskStatus::Succeeded] {
            events.push(Event::TaskChanged {
                task: task(idx)?,
                status,
                attempt: 1,
                failure: None,
                because_of: None,
            });
        }
    }
    let records = events.into_iter().zip(1..).map(|(event, seq)| {
        let record = EventRecord {
            v: 1,
            at: Timestamp(1_700_000_000_000 + seq * 1000),
            step: None,
            event,
        };
        (seq, record)
    });
    Ok(records.collect())
}

/// The time of a first picture from its events on, and of those after it.
pub(crate) fn ten_thousand() -> Result<Vec<Value>> {
    let events = events()?;
    let now = Timestamp(1_700_100_000_000);
    let (mut folding, mut drawing, mut viewing) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    let mut n_edges = 0;
    // The first round warms up.
    for round in 0..=ROUNDS {
        let fresh = events.clone();
        let start = Instant::now();
        let mut fold = RunFold::new("large".parse()?);
        fold.extend(fresh);
        fold.set_held(true);
        let folded = start.elapsed();
        let start = Instant::now();
        let graph = black_box(fold.graph(now));
        let drawn = start.elapsed();
        let start = Instant::now();
        let view = black_box(fold.view(now));
        let viewed = start.elapsed();
        ensure!(graph.nodes.len() == TASKS && view.tasks.len() == TASKS);
        ensure!(!graph.critical_path.is_empty());
        n_edges = graph.edges.len();
        if round > 0 {
            folding.add(folded.as_secs_f64() * 1e3);
            drawing.add(drawn.as_secs_f64() * 1e3);
            viewing.add(viewed.as_secs_f64() * 1e3);
        }
    }
    let claim = |what: String, figures: &Rounds| {
        json!({
            "claim": what, "ours": figures.median(), "unit": "ms", "goal": "≤ 500 ms",
            "spread": figures.spread(), "verdict": verdict(figures.median() <= GOAL_MS),
        })
    };
    let of = format!("{TASKS} tasks and {n_edges} dependencies");
    Ok(vec![
        claim(
            format!("{of} laid out, with critical path and slack"),
            &drawing,
        ),
        claim(
            format!(
                "all views of a live run of {of}, with its expected end ({:.0} ms more to fold its \
                 {} events at first)",
                folding.median(),
                events.len()
            ),
            &viewing,
        ),
    ])
}
