//! Kills recovering runs and resumes them: `cargo xtask crash recovery`.
//!
//! A run in which operations fail in every way that recovery knows is stopped
//! at each operation on its journal's file system, and found again as several
//! kinds of crashes leave it. It is then resumed until it ends; and then it must
//! look like a run that nobody stopped: the same ends, as many attempts as the
//! budgets allow, and one report for each failure. Repairs by an agent, in real repositories, are
//! stopped before and after each record of their steps. With `--json` standard output
//! has a line for each claim.

mod course;
mod repairs;
mod world;

#[path = "../../tests/it/conflict_cases.rs"]
mod conflict_cases;
#[path = "../../tests/it/conflict_corpus.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod conflict_corpus;
#[path = "../../tests/it/conflict_fixers.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod conflict_fixers;
#[path = "../../tests/it/test_fix_cases/mod.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod test_fix_cases;

use std::{env, io::Write as _, path::Path, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use core_types::Repository;
use journal::faults::Crash;
use serde_json::json;

use world::{Seen, World};

/// What a crash may leave of what was not flushed.
const CRASHES: [Crash; 4] = [
    Crash::Kill,
    Crash::LoseUnsynced,
    Crash::KeepPrefix(40),
    Crash::LosePrefix(30),
];

/// What came of all points.
#[derive(Debug, Default)]
struct Tally {
    points: u64,
    survived: u64,
    duplicates: u64,
}

fn main() -> Result<ExitCode> {
    let is_sample = env::args().any(|argument| argument == "--sample");
    let folder = env::temp_dir().join(format!("automation-crash-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let started = Instant::now();
    let git = runtime.block_on(world::repository(&folder))?;
    let (reference, operations) = runtime.block_on(unstopped(&folder.join("reference"), &git))?;
    say(format!(
        "an unstopped run takes {operations} operations on its journal"
    ));
    // The sample takes every 20th point, each with one kind of crash.
    let step = if is_sample { 20 } else { 1 };
    let mut tally = Tally::default();
    for operation in (1..=operations).step_by(step) {
        for (index, crash) in CRASHES.into_iter().enumerate() {
            if is_sample && operation as usize / step % CRASHES.len() != index {
                continue;
            }
            let dir = folder.join(format!("{operation}-{index}"));
            let seen = runtime.block_on(stopped(&dir, &git, operation, crash))?;
            tally.points += 1;
            tally.duplicates += seen.duplicates(&reference);
            if seen.is_like(&reference) {
                tally.survived += 1;
                std::fs::remove_dir_all(&dir)?;
            } else {
                say(format!(
                    "stopped at operation {operation}, {crash:?}: {seen:#?}\nexpected {reference:#?}"
                ));
            }
        }
    }
    say(format!(
        "retries and reports done after {:.0?}",
        started.elapsed()
    ));
    let repairs = runtime.block_on(repairs_stopped(is_sample))?;
    say(format!("all done after {:.0?}", started.elapsed()));
    let claims = [
        tally.claim("stops at operations on the journal of a run that recovers; attempts within budgets, the same end"),
        repairs.claim("stops at records of repairs by an agent; rounds within budgets, the same end"),
    ];
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] == "holds");
    if all_hold {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(ExitCode::from(u8::from(!all_hold)))
}

impl Tally {
    fn claim(&self, what: &str) -> serde_json::Value {
        let holds = self.points > 0 && self.survived == self.points && self.duplicates == 0;
        json!({
            "claim": what, "points": self.points, "survived": self.survived,
            "duplicates": self.duplicates,
            "verdict": if holds { "holds" } else { "falls short" },
        })
    }
}

/// Every repair, stopped at every record; a sample at every twelfth.
async fn repairs_stopped(is_sample: bool) -> Result<Tally> {
    let mut tally = Tally::default();
    for name in repairs::REPAIRS {
        let (reference, points) = repairs::repair(name, None).await?;
        say(format!("{name}: {reference:?}, {points} points"));
        let step = if is_sample { 12 } else { 1 };
        for point in (0..points).step_by(step) {
            let (seen, _) = repairs::repair(name, Some(point)).await?;
            tally.points += 1;
            if seen.is_like(&reference, 1) {
                tally.survived += 1;
            } else {
                say(format!("{name}, stopped at {point}: {seen:?}"));
            }
        }
    }
    Ok(tally)
}

/// A run that nobody stops, and how many operations its journal takes.
async fn unstopped(dir: &Path, git: &Arc<dyn Repository>) -> Result<(Seen, u64)> {
    let mut world = World::new(dir, git);
    ensure!(world.session().await, "an unstopped run ends");
    let operations = world.operations();
    Ok((world.seen().await?, operations))
}

/// A run that is stopped at an operation, and resumed.
async fn stopped(
    dir: &Path,
    git: &Arc<dyn Repository>,
    operation: u64,
    crash: Crash,
) -> Result<Seen> {
    let mut world = World::new(dir, git);
    world.stop_at(operation);
    if !world.session().await {
        world.restart(crash);
        ensure!(world.session().await, "a resumed run ends");
    }
    world.seen().await
}

#[expect(clippy::print_stderr, reason = "a measuring program speaks there")]
fn say(line: impl std::fmt::Display) {
    eprintln!("{line}");
}
