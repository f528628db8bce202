//! Errors, each with its class.

use anyhow::{Context, Result};
use core_types::{ErrorClass, Timestamp};
use engine_recovery::classify::{Evidence, Remedy, classify};
use serde::Deserialize;

use crate::Tally;

const CORPUS: &str = include_str!("../../tests/data/errors.jsonl");

/// When all errors of the corpus happened.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

#[derive(Deserialize)]
struct Row {
    note: String,
    error: Evidence,
    class: ErrorClass,
    remedy: Remedy,
}

pub(crate) fn tally() -> Result<Tally> {
    let mut tally = Tally::default();
    for line in CORPUS.lines() {
        let row: Row = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let found = classify(&row.error, NOW);
        let is_right = (found.class, found.remedy) == (row.class, row.remedy);
        tally.take(is_right, format!("{}: {found:?}", row.note));
    }
    Ok(tally)
}
