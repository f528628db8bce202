//! The typed path beside an atomic addition, and what the path by text takes.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::{Result, ensure};
use core_types::Stage;
use monitoring::metrics::{Metrics, Status};
use serde_json::{Value, json};
use testkit::Rounds;

use crate::{ROUNDS, TURNS, verdict};

const INCREMENTS: usize = 10_000_000;
const GOAL: f64 = 1.3;

/// Which stage ended how, as the processor cannot know before.
fn ends() -> Vec<(Stage, Status)> {
    let mut seed = 1_u64;
    (0..1024)
        .map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let stage = Stage::ALL[(seed >> 33) as usize % Stage::ALL.len()];
            let failed = seed >> 60 == 0;
            (
                stage,
                if failed {
                    Status::Failed
                } else {
                    Status::Success
                },
            )
        })
        .collect()
}

pub(crate) fn typed() -> Result<Value> {
    let metrics = Metrics::default();
    let bare: [[AtomicU64; 2]; Stage::ALL.len()] = Default::default();
    let ends = ends();
    let (mut of_ours, mut of_bare, mut of_text) = Default::default();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for _ in 0..TURNS {
            ours += time(&ends, |stage, status| {
                metrics.workflow_executions(stage, status).inc();
            });
            // Two dimensions as well: what is compared is the counting.
            theirs += time(&ends, |stage, status| {
                bare[stage as usize][status as usize].fetch_add(1, Ordering::Relaxed);
            });
        }
        let text = time(&ends, |stage, status| {
            metrics.record_workflow_execution(stage.as_str(), status.as_str());
        });
        if round > 0 {
            Rounds::add(&mut of_ours, ours / TURNS as f64);
            Rounds::add(&mut of_bare, theirs / TURNS as f64);
            Rounds::add(&mut of_text, text);
        }
    }
    let counted = Stage::ALL.map(|stage| metrics.workflow_executions(stage, Status::Success).get());
    ensure!(
        counted.iter().sum::<u64>() > INCREMENTS as u64,
        "nothing was counted"
    );
    let ratio = of_ours.ratio(&of_bare);
    Ok(json!({
        "claim": format!(
            "an increment of a counter by its typed labels (by texts: {:.0} ns)",
            of_text.median()
        ),
        "ours": of_ours.median(), "unit": "ns",
        "held_against": "an atomic addition in a table of two dimensions",
        "theirs": of_bare.median(), "ratio": ratio, "goal": "≤ 1.3",
        "spread": format!("ours {}, theirs {}", of_ours.spread(), of_bare.spread()),
        "verdict": verdict(ratio <= GOAL),
    }))
}

/// Nanoseconds for each call.
fn time(ends: &[(Stage, Status)], count: impl Fn(Stage, Status)) -> f64 {
    let n = INCREMENTS / TURNS;
    let start = Instant::now();
    for (stage, status) in ends.iter().cycle().take(n) {
        let (stage, status) = black_box((*stage, *status));
        count(stage, status);
    }
    start.elapsed().as_nanos() as f64 / n as f64
}
