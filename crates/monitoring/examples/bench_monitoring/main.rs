//! What metrics cost beside an atomic number and beside prometheus-client, and how long a large run takes to
//! be drawn: `cargo xtask bench monitoring`.
//!
//! All sides of a claim work in one process on the same work, in turn, for several rounds. With `--json`
//! or without, standard output has a line for each claim.

mod encoding;
mod increments;
mod layout;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use serde_json::Value;

/// Enough for a median that one disturbance does not move.
const ROUNDS: usize = 7;

/// How often the sides take turns within a round, so that what disturbs the one disturbs the other.
const TURNS: usize = 10;

fn main() -> Result<ExitCode> {
    let mut claims = vec![increments::typed()?, encoding::ten_thousand()?];
    claims.extend(layout::ten_thousand()?);
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] == "holds");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

fn verdict(holds: bool) -> Value {
    Value::from(if holds { "holds" } else { "falls short" })
}
