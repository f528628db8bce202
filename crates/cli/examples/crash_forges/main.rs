//! The demo's workflow over three repositories on a forge that fails in every way: `cargo xtask crash forges`.
//!
//! The forge is simulated, in three dialects, with real git behind it. It refuses calls for load, fails before and
//! after it has acted, loses answers, shows lists late, tells pull requests late of a push and puts merges
//! off. Each seed is a run of the program: an issue becomes ten tasks, three pull requests, and a change that lands in
//! all three repositories; waits are scaled down by its configuration. Where a run waits for a person, it is asked to
//! land again, as a person would. With `--json` standard output has a line for each claim.
//!
//! `AUTOMATION_CRASH_SEED` is the first seed, 0 by default.

mod bed;
#[path = "../demo_on_forge/mod.rs"]
mod demo_on_forge;

use std::{
    env,
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use testkit::forge::Dialect;

use bed::Case;
use demo_on_forge::Bed;

/// How many runs go on at a time.
const WORKERS: usize = 2;

/// What came of the runs of a dialect.
#[derive(Debug, Default)]
struct Tally {
    points: u64,
    survived: u64,
    duplicates: u64,
    /// Calls that the forge has heard, and those that it has let fail.
    calls: u64,
    failed: u64,
    /// How often a person had to land again.
    landed_again: u64,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let seeds = match (has("--sample"), has("--full")) {
        (true, false) => 2,
        (false, true) => 100,
        (false, false) => 20,
        (true, true) => bail!("--sample and --full exclude each other"),
    };
    let program = env::var_os("AUTOMATION_PROGRAM").context("AUTOMATION_PROGRAM is not set")?;
    let first = match env::var("AUTOMATION_CRASH_SEED") {
        Ok(seed) => seed.parse().context("AUTOMATION_CRASH_SEED")?,
        Err(_) => 0,
    };
    let bed = bed::make(PathBuf::from(program))?;
    let mut all_hold = true;
    let mut stdout = std::io::stdout().lock();
    for dialect in [Dialect::Gitea, Dialect::GitHub, Dialect::GitLab] {
        let started = Instant::now();
        let tally = runs(&bed, dialect, first, seeds)?;
        say(format!(
            "{dialect:?}: {} calls, {} of them failed; {} times somebody had to land again; {:.0?}",
            tally.calls,
            tally.failed,
            tally.landed_again,
            started.elapsed()
        ));
        let holds = tally.survived == tally.points && tally.duplicates == 0;
        all_hold &= holds;
        let line = json!({
            "claim": format!("the demo's workflow on a failing {dialect:?}, a seed each"),
            "points": tally.points, "survived": tally.survived, "duplicates": tally.duplicates,
            "verdict": if holds { "holds" } else { "falls short" },
        });
        writeln!(stdout, "{line}")?;
    }
    if all_hold {
        bed.remove()?;
        Ok(ExitCode::SUCCESS)
    } else {
        say(format!("what failed is kept in {}", bed.folder().display()));
        Ok(ExitCode::FAILURE)
    }
}

/// A run for each seed.
fn runs(bed: &Bed, dialect: Dialect, first: u64, seeds: u64) -> Result<Tally> {
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    let work = || -> Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return Ok(());
            }
            let case = Case::new(bed, dialect, seed)?;
            let ended = case.run()?;
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.points += 1;
            tally.survived += u64::from(ended.wrong.is_empty());
            tally.duplicates += ended.duplicates;
            tally.calls += ended.calls;
            tally.failed += ended.failed;
            tally.landed_again += ended.landed_again;
            for what in &ended.wrong {
                say(format!("{dialect:?}, seed {seed}: {what}"));
            }
            if ended.wrong.is_empty() && ended.duplicates == 0 {
                case.remove()?;
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let worked = worker.join();
            worked.unwrap_or_else(|_| bail!("a worker panicked"))
        })
    })?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn say(text: impl AsRef<str>) {
    // Nobody reads it where standard error is closed.
    writeln!(std::io::stderr(), "{}", text.as_ref()).ok();
}
