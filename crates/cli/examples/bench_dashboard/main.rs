//! The dashboard beside a run, with the real program: how soon an event is seen, how large pages are,
//! what a crowd costs, and whether the run is slowed: a part of `cargo xtask bench monitoring`.
//!
//! Pages are fetched as the script of the pages does: a change is told by the stream, then the page is
//! fetched anew. What a browser then takes to paint is measured by `cargo xtask real-parts pages`.

mod client;
mod crowd;
mod home;
#[path = "../bench_workflow/process.rs"]
mod process;
mod screen;
mod slowdown;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use serde_json::Value;

use home::Home;

fn main() -> Result<ExitCode> {
    let mut claims = Vec::new();
    {
        let home = Home::with_large_run()?;
        let dashboard = home.dashboard()?;
        claims.extend(screen::pages(&dashboard)?);
        claims.extend(screen::events(&home, &dashboard)?);
        claims.extend(crowd::crowd(&dashboard)?);
    }
    claims.extend(slowdown::slowdown()?);
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] != "falls short");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

fn verdict(holds: bool) -> Value {
    Value::from(if holds { "holds" } else { "falls short" })
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}

/// The figure that so many percent of them do not exceed.
fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = (figures.len() * percent / 100).min(figures.len().saturating_sub(1));
    figures.get(at).copied().unwrap_or(f64::NAN)
}
