//! Kills runs of the demo and resumes them: `cargo xtask crash run`.
//!
//! A run is killed at random instants, and by itself at each of its journal
//! appends (`AUTOMATION_CRASH_AT`), before and after. Each is then resumed, some
//! of them killed once more on the way, until it ends; and then it must look like
//! a run that nobody killed. With `--json` standard output has a line for each claim.
//!
//! A kill takes nothing from the page cache, so that a folder in memory shows
//! the same as a disk: samples use one. `AUTOMATION_CRASH_SEED` repeats a run's draws.

mod bed;
mod case;
mod survivors;
mod world;

use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use bed::Bed;
use case::{Case, Ended, Kill, Moment};
use world::World;

/// How many cases run at a time.
const WORKERS: usize = 2;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Sample,
    Normal,
    Full,
}

impl Size {
    fn random_kills(self) -> u64 {
        match self {
            Self::Sample => 20,
            Self::Normal => 60,
            Self::Full => 200,
        }
    }

    /// How many appends are tried, or all.
    fn appends(self) -> Option<u64> {
        match self {
            Self::Sample => Some(20),
            Self::Normal => Some(100),
            Self::Full => None,
        }
    }

    fn folder(self) -> PathBuf {
        let memory = Path::new("/dev/shm");
        if self == Self::Sample && memory.is_dir() {
            memory.to_owned()
        } else {
            env::temp_dir()
        }
    }
}

/// What came of the cases of one claim.
#[derive(Debug, Default)]
struct Tally {
    points: u64,
    survived: u64,
    duplicates: u64,
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let size = match (has("--sample"), has("--full")) {
        (true, false) => Size::Sample,
        (false, true) => Size::Full,
        (false, false) => Size::Normal,
        (true, true) => bail!("--sample and --full exclude each other"),
    };
    let program = env::var_os("AUTOMATION_PROGRAM").context("AUTOMATION_PROGRAM is not set")?;
    let seed = match env::var("AUTOMATION_CRASH_SEED") {
        Ok(seed) => seed.parse().context("AUTOMATION_CRASH_SEED")?,
        Err(_) => u64::from(std::process::id()),
    };
    let bed = Bed::make(PathBuf::from(program), &size.folder())?;
    say(format!("seed {seed}, folder {}", bed.folder().display()));
    let started = Instant::now();
    let (reference, duration, appends) = reference(&bed)?;
    say(format!(
        "an unkilled run takes {duration:.1?} and {appends} appends"
    ));

    let random = random_kills(&bed, &reference, size.random_kills(), duration, seed)?;
    say(format!("random kills done after {:.0?}", started.elapsed()));
    let append = append_kills(&bed, &reference, size.appends(), appends, duration, seed)?;
    say(format!("all done after {:.0?}", started.elapsed()));

    let claims = [
        ("kill -9 at random instants of a run", &random),
        ("kill -9 before and after journal appends of a run", &append),
    ];
    let mut all_hold = true;
    let mut stdout = std::io::stdout().lock();
    for (claim, tally) in claims {
        let holds = tally.points > 0 && tally.survived == tally.points && tally.duplicates == 0;
        all_hold &= holds;
        let verdict = if holds { "holds" } else { "falls short" };
        let line = json!({
            "claim": claim, "points": tally.points, "survived": tally.survived,
            "duplicates": tally.duplicates, "verdict": verdict,
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

/// What an unkilled run leaves, how long it takes beside another one, and its appends.
fn reference(bed: &Bed) -> Result<(World, Duration, u64)> {
    let mut worlds = Vec::new();
    let started = Instant::now();
    thread::scope(|scope| {
        let run = |name: &'static str| {
            move || {
                let case = Case::unkilled(name);
                let finished = case.run(bed, None)?;
                anyhow::ensure!(
                    finished.ended == Ended::Alone && finished.differences.is_empty(),
                    "an unkilled run fails: {:?}",
                    finished.differences
                );
                Ok(finished.world)
            }
        };
        let runs = ["reference-1", "reference-2"].map(|name| scope.spawn(run(name)));
        for run in runs {
            worlds.push(run.join().expect("no panic in a case")?);
        }
        Ok::<(), anyhow::Error>(())
    })?;
    let duration = started.elapsed();
    let appends = bed.appends("reference-1")?;
    let reference = worlds.swap_remove(0);
    let differences = worlds[0].differences(&reference);
    if !differences.is_empty() {
        bail!("two unkilled runs differ: {differences:?}");
    }
    Ok((reference, duration, appends))
}

fn random_kills(
    bed: &Bed,
    reference: &World,
    wanted: u64,
    duration: Duration,
    seed: u64,
) -> Result<Tally> {
    let drawn = AtomicU64::new(0);
    try_all(bed, reference, |killed| {
        if killed >= wanted {
            return None;
        }
        let n = drawn.fetch_add(1, Ordering::Relaxed);
        let mut random = Random::new(seed, n);
        let instant = duration.mul_f64(random.fraction());
        let more = random.more(duration);
        Some(Case::new(
            format!("instant-{n}"),
            Kill::Instant(instant),
            more,
        ))
    })
}

fn append_kills(
    bed: &Bed,
    reference: &World,
    limit: Option<u64>,
    appends: u64,
    duration: Duration,
    seed: u64,
) -> Result<Tally> {
    let drawn = AtomicU64::new(0);
    // Where all are tried, cases end by themselves past the last append: that ends the search.
    let past_last = appends + appends / 4 + 4;
    try_all(bed, reference, |_| {
        let n = drawn.fetch_add(1, Ordering::Relaxed);
        let (append, moment) = match limit {
            None => (n / 2 + 1, Moment::of(n % 2)),
            Some(limit) if n < limit => (1 + n * appends / limit, Moment::of(n % 2)),
            Some(_) => return None,
        };
        if append > past_last {
            return None;
        }
        let mut random = Random::new(seed, n);
        let more = random.more(duration);
        let kill = Kill::Append(append, moment);
        let name = format!("append-{append}-{}", moment.word());
        Some(Case::new(name, kill, more))
    })
}

/// Runs cases, two at a time, as long as `next` gives one; it is told how many have been killed.
fn try_all(
    bed: &Bed,
    reference: &World,
    next: impl Fn(u64) -> Option<Case> + Sync,
) -> Result<Tally> {
    let tally = Mutex::new(Tally::default());
    let work = || -> Result<()> {
        loop {
            let killed = tally.lock().expect("no panic in a case").points;
            let Some(case) = next(killed) else {
                return Ok(());
            };
            let finished = case.run(bed, Some(reference))?;
            let mut tally = tally.lock().expect("no panic in a case");
            let has_survived = finished.differences.is_empty();
            if finished.ended == Ended::Killed || !has_survived {
                tally.points += 1;
                tally.survived += u64::from(has_survived);
                tally.duplicates += finished
                    .differences
                    .iter()
                    .filter(|difference| difference.is_duplicate)
                    .count() as u64;
            }
            for difference in &finished.differences {
                say(format!("{case}: {}", difference.text));
            }
            if tally.points % 50 == 0 && finished.ended == Ended::Killed {
                say(format!("{} of {} survived", tally.survived, tally.points));
            }
            if has_survived {
                bed.forget(case.name())?;
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("no panic in a case"))
    })?;
    Ok(tally.into_inner().expect("no panic in a case"))
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}

/// A sequence of draws for one case (splitmix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64, case: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ case)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn fraction(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// The kills of the resumes: mostly none, at times up to three, one after another.
    fn more(&mut self, duration: Duration) -> Vec<Kill> {
        let n_kills = [0, 0, 0, 1, 1, 3][self.below(6) as usize];
        let kill = |_| {
            if self.below(2) == 0 {
                Kill::Append(1 + self.below(40), Moment::of(self.below(2)))
            } else {
                Kill::Instant(duration.mul_f64(self.fraction() / 2.0))
            }
        };
        (0..n_kills).map(kill).collect()
    }
}
