//! What caching, pooling and batching cost beside the bare libraries: `cargo xtask bench perf`.
//!
//! All sides of a claim work in one process on the same work, in turn, for several rounds. With
//! `--json` or without, standard output has a line for each claim.

mod batch;
mod cache;
mod http;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use serde_json::Value;

/// Enough for a median that one disturbance does not move.
const ROUNDS: usize = 7;

/// How often the sides take turns within a round, so that what disturbs the one disturbs the other.
const TURNS: usize = 10;

fn main() -> Result<ExitCode> {
    let mut claims = Vec::new();
    claims.extend(cache::hits()?);
    claims.extend(cache::misses()?);
    claims.extend(http::throughput()?);
    claims.extend(batch::thousand_issues()?);
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

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}
