//! Kills landings over four repositories and goes on with them: `cargo xtask crash land`.
//!
//! A landing is killed by itself at each of its journal appends, at each call
//! of a repository and at each git command, and from outside at random instants;
//! in every other case a person moves a target branch before it goes on, and
//! some are killed once more on the way. At the end the change is in all four
//! repositories, each target has moved once, each checkout is clean, and nothing is
//! locked. Before it goes on, it is looked at too: nothing has moved unless the journal says that it was decided.
//! With `--json` standard output has a line for each claim.
//!
//! A kill takes nothing from the page cache, so that a folder in memory shows
//! the same as a disk: samples use one. `AUTOMATION_CRASH_SEED` repeats a run's draws.

mod bed;
mod child;
mod look;

use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use bed::{Bed, Ended, Kill};

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
    fn instants(self) -> usize {
        match self {
            Self::Sample => 12,
            Self::Normal => 320,
            Self::Full => 1200,
        }
    }

    /// Of the points of one kind, each how-manieth is tried.
    fn stride(self) -> usize {
        match self {
            Self::Sample => 9,
            Self::Normal | Self::Full => 1,
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

/// One landing that is killed and goes on.
#[derive(Debug, Clone)]
struct Case {
    name: String,
    /// Of the landing, then of those that go on.
    kills: Vec<Kill>,
    /// Whether a person moves a target branch after the first kill.
    moves: bool,
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
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if let Some(home) = arguments.first().filter(|it| !it.starts_with("--")) {
        let kill = arguments.get(1).map(|text| Kill::parse(text)).transpose()?;
        return threads.block_on(child::land(Path::new(home), kill));
    }
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let size = match (has("--sample"), has("--full")) {
        (true, false) => Size::Sample,
        (false, true) => Size::Full,
        (false, false) => Size::Normal,
        (true, true) => bail!("--sample and --full exclude each other"),
    };
    threads.block_on(crash(size))
}

async fn crash(size: Size) -> Result<ExitCode> {
    let seed = match env::var("AUTOMATION_CRASH_SEED") {
        Ok(seed) => seed.parse().context("AUTOMATION_CRASH_SEED")?,
        Err(_) => u64::from(std::process::id()),
    };
    let bed = Arc::new(Bed::make(&size.folder()).await?);
    say(format!("seed {seed}, folder {}", bed.folder().display()));
    let started = Instant::now();
    let counts = bed.reference().await?;
    say(format!(
        "a landing that nobody kills takes {:.1?}: {} appends, {} calls, {} git commands",
        counts.duration, counts.appends, counts.calls, counts.gits
    ));
    let mut random = Random(seed);
    let points = |of: fn(usize, bool) -> Kill, n: usize, random: &mut Random| {
        // Each with and without a target that moves before it goes on.
        let twice = |kill| [kill, kill];
        let all = (1..=n)
            .flat_map(|at| [of(at, false), of(at, true)])
            .flat_map(twice);
        let all = all.step_by(size.stride());
        let cases = all
            .enumerate()
            .map(|(idx, kill)| random.case(kill, idx, counts.duration));
        cases.collect::<Vec<_>>()
    };
    let mut seam = points(Kill::Append, counts.appends, &mut random);
    seam.extend(points(Kill::Call, counts.calls, &mut random));
    let gits: Vec<Case> = (1..=counts.gits)
        .flat_map(|at| [at, at])
        .step_by(size.stride())
        .enumerate()
        .map(|(idx, at)| random.case(Kill::Git(at), idx, counts.duration))
        .collect();
    let seam = try_all(&bed, seam).await?;
    say(format!(
        "appends and calls done after {:.0?}",
        started.elapsed()
    ));
    let mut outside = try_all(&bed, gits).await?;
    say(format!("git commands done after {:.0?}", started.elapsed()));
    // Who ends before the instant was not killed; so it goes on, with instants that fit this machine better.
    let mut duration = counts.duration;
    let mut n_drawn = 0;
    let mut missing = size.instants();
    while missing > 0 && n_drawn < 5 * size.instants() {
        let draw = |idx: usize| {
            let instant = duration.mul_f64(random.fraction());
            random.case(Kill::Instant(instant), n_drawn + idx, duration)
        };
        let cases: Vec<Case> = (0..missing).map(draw).collect();
        let n_cases = cases.len();
        n_drawn += n_cases;
        let tally = try_all(&bed, cases).await?;
        let n_killed = usize::try_from(tally.points)?;
        missing = missing.saturating_sub(n_killed);
        duration = duration.mul_f64((n_killed as f64 / n_cases as f64).clamp(0.3, 1.0));
        outside.points += tally.points;
        outside.survived += tally.survived;
        outside.duplicates += tally.duplicates;
    }
    say(format!("all done after {:.0?}", started.elapsed()));

    let claims = [
        (
            "kill -9 before and after each journal append and each call of a landing over four repositories",
            &seam,
        ),
        (
            "kill -9 at each git command and at random instants of a landing over four repositories",
            &outside,
        ),
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

/// Runs cases, some at a time.
async fn try_all(bed: &Arc<Bed>, cases: Vec<Case>) -> Result<Tally> {
    let next = Arc::new(AtomicUsize::new(0));
    let cases = Arc::new(cases);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let (bed, next, cases, tally) = (bed.clone(), next.clone(), cases.clone(), tally.clone());
        workers.spawn(async move {
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (ended, wrong) = run(&bed, case).await?;
                let mut tally = tally.lock().expect("no panic in a case");
                if ended == Ended::Killed || !wrong.is_empty() {
                    tally.points += 1;
                    tally.survived += u64::from(wrong.is_empty());
                    let is_duplicate = |it: &&look::Wrong| it.is_duplicate;
                    tally.duplicates += wrong.iter().filter(is_duplicate).count() as u64;
                    if tally.points.is_multiple_of(50) {
                        say(format!("{} of {} survived", tally.survived, tally.points));
                    }
                }
                for wrong in &wrong {
                    say(format!("{}: {}", case.name, wrong.text));
                }
                if wrong.is_empty() {
                    bed.forget(&case.name)?;
                }
            }
            Ok::<(), anyhow::Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let tally = Arc::try_unwrap(tally)
        .ok()
        .context("the workers have ended")?;
    Ok(tally.into_inner().expect("no panic in a case"))
}

/// Kills a landing, goes on with it until it ends, and looks at what it has left.
async fn run(bed: &Bed, case: &Case) -> Result<(Ended, Vec<look::Wrong>)> {
    let home = bed.copy(&case.name).await?;
    let mut kills = case.kills.iter();
    let first = bed.child(&home, kills.next().copied()).await?;
    let mut wrong = look::undecided(&home)?;
    let moved = if case.moves {
        look::move_target(&home).await?
    } else {
        false
    };
    let mut tries_left = 3 + case.kills.len();
    loop {
        ensure!(tries_left > 0, "{}: it does not end", case.name);
        tries_left -= 1;
        match bed.child(&home, kills.next().copied()).await? {
            Ended::Killed => {}
            Ended::Landed => break,
            Ended::Failed(output) => {
                wrong.push(look::Wrong::new(format!("going on fails: {output}")));
                break;
            }
        }
    }
    wrong.extend(look::landed(&home, moved).await?);
    Ok((first, wrong))
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}

/// A sequence of draws (splitmix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() % (1 << 20)) as f64 / f64::from(1 << 20)
    }

    /// A case for a kill; what goes on is mostly not killed, at times up to three times.
    fn case(&mut self, kill: Kill, idx: usize, duration: Duration) -> Case {
        let n_more = [0, 0, 0, 1, 1, 3][(self.next() % 6) as usize];
        let mut kills = vec![kill];
        for _ in 0..n_more {
            kills.push(Kill::Instant(duration.mul_f64(self.fraction())));
        }
        Case {
            name: format!("{}-{idx}", kill.word()),
            kills,
            moves: idx % 2 == 1,
        }
    }
}
