//! What is concluded in worlds where the truth is known: `cargo xtask eval learning`.
//!
//! Each world is played with many seeds, on all cores. With `--json` standard output has a line for each claim.
//! `EVAL_SEEDS` changes how many seeds there are.

use std::{
    error::Error,
    io::Write as _,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use learning::simulate::{Learnt, Setup, World, simulate};
use serde_json::{Value, json};

const SEEDS: u64 = 200;
const TASKS: u32 = 1_000;
const PLAYS: &str = "simulated histories of 20 lessons: 3 help by 9 points, 2 harm, 15 do nothing";

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let seeds = match std::env::var("EVAL_SEEDS") {
        Ok(seeds) => seeds.parse()?,
        Err(_) => SEEDS,
    };
    let mut claims = Vec::new();
    for world in World::ALL {
        // What people give by hand is half of the confounded world's tasks, and what does not count a fifth of the
        // adversary's: there must be more for a thousand that count.
        let (tasks, share) = match world {
            World::Confounded => (2 * TASKS + TASKS / 4, 0.5),
            World::Adversary => (TASKS + TASKS / 3, 1.0),
            _ => (TASKS, 1.0),
        };
        let all = play(seeds, |seed| Setup {
            share,
            ..Setup::new(world, tasks, seed)
        })?;
        claims.push(false_discoveries(world, &all));
        match world {
            World::Randomised => {
                claims.push(recall("1,000 tasks, all randomised", &all, Some(0.70)))
            }
            World::AllNull => claims.push(nothing(&all)),
            World::Confounded | World::Drift | World::Adversary => {
                let title = format!("1,000 randomised tasks in the {} world", world.as_str());
                claims.push(recall(&title, &all, None));
            }
        }
    }
    // Long enough for the look at 2,000, half of the tasks on trial.
    let long = 4 * TASKS + TASKS / 5;
    let all = play(seeds, |seed| Setup {
        share: 0.5,
        ..Setup::new(World::Randomised, long, seed)
    })?;
    claims.push(recall("4,200 tasks, half of them randomised", &all, None));
    claims.push(served(&all));
    claims.push(harm(&all, long));

    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] != "falls short");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

/// One history a seed.
fn play(seeds: u64, setup: impl Fn(u64) -> Setup + Sync) -> Result<Vec<Learnt>, Failure> {
    let next = AtomicU64::new(0);
    let n_threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let worker = || {
        let mut learnt = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return Ok(learnt);
            }
            learnt.push(simulate(&setup(seed)).map_err(|error| error.to_string())?);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..n_threads).map(|_| scope.spawn(worker)).collect();
        let mut all = Vec::new();
        for worker in workers {
            let done: Result<Vec<Learnt>, String> =
                worker.join().map_err(|_| "a simulation panicked")?;
            all.extend(done?);
        }
        Ok(all)
    })
}

fn false_discoveries(world: World, all: &[Learnt]) -> Value {
    let share = mean(all, Learnt::false_discovery_share);
    let naive = mean(all, |it| {
        let (found, wrong) = it.naive;
        f64::from(wrong) / f64::from((found + wrong).max(1))
    });
    let mut claim = json!({
        "claim": format!("false discoveries, {} world, 1,000 randomised tasks", world.as_str()),
        "ours": share.0,
        "goal": "≤ 0.10",
        "spread": share.spread(),
        "verdict": verdict(share.0 <= 0.10),
    });
    if world == World::Confounded {
        claim["held_against"] = json!("what goes along with success, believed");
        claim["theirs"] = json!(naive.0);
        claim["ratio"] = json!(share.0 / naive.0);
    }
    say(format!(
        "{}: false {:.3}, refused records a history {:.0}",
        world.as_str(),
        share.0,
        mean(all, |it| it.refused as f64).0
    ));
    claim
}

fn recall(title: &str, all: &[Learnt], goal: Option<f64>) -> Value {
    let share = mean(all, |it| f64::from(it.found) / f64::from(it.helpful));
    let mut claim = json!({
        "claim": format!("helpful lessons found, {title}"),
        "ours": share.0,
        "held_against": PLAYS,
        "spread": share.spread(),
        "verdict": "holds",
    });
    if let Some(goal) = goal {
        claim["goal"] = json!(format!("≥ {goal:.2}"));
        claim["verdict"] = json!(verdict(share.0 >= goal));
    } else {
        claim["goal"] = json!("to be known");
    }
    say(format!("{title}: found {:.3}", share.0));
    claim
}

fn nothing(all: &[Learnt]) -> Value {
    let share = mean(all, |it| f64::from(u8::from(it.false_discoveries == 0)));
    json!({
        "claim": "histories that export nothing, all-null world",
        "ours": share.0,
        "goal": "≥ 0.95",
        "spread": share.spread(),
        "verdict": verdict(share.0 >= 0.95),
    })
}

fn served(all: &[Learnt]) -> Value {
    let rate = mean(all, |it| {
        f64::from(it.served.1) / f64::from(it.served.0.max(1))
    });
    json!({
        "claim": "success of served tasks in the second half of 4,200, half of them randomised",
        "ours": rate.0,
        "held_against": "no lessons",
        "theirs": 0.577,
        "ratio": rate.0 / 0.577,
        "goal": "to be known",
        "spread": rate.spread(),
        "verdict": "holds",
    })
}

fn harm(all: &[Learnt], tasks: u32) -> Value {
    let share = mean(all, |it| f64::from(it.harm_served) / f64::from(tasks));
    json!({
        "claim": "tasks that a harmful lesson was served to",
        "ours": share.0,
        "goal": "≤ 0.01",
        "spread": share.spread(),
        "verdict": verdict(share.0 <= 0.01),
    })
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "falls short" }
}

/// A mean and its standard error.
struct Mean(f64, f64);

impl Mean {
    fn spread(&self) -> String {
        format!("± {:.3} (95 %)", 1.96 * self.1)
    }
}

fn mean(all: &[Learnt], figure: impl Fn(&Learnt) -> f64) -> Mean {
    let n = all.len() as f64;
    let mean = all.iter().map(&figure).sum::<f64>() / n;
    let variance = all
        .iter()
        .map(|it| (figure(it) - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    Mean(mean, (variance / n).sqrt())
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}
