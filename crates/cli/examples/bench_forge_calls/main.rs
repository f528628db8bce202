//! How many calls a forge gets from a follower of its issues: `cargo xtask bench forge-calls`.
//!
//! The program follows the issues of the demo's three repositories on a simulated forge, in three dialects. One issue
//! becomes ten tasks, three pull requests and a change that lands in all of them; three others wait for a person all
//! the time, as issues do. People take their time, in looks of the follower at a forge: half an hour for a plan and for a
//! change, ten minutes for a question. Each run is made twice, with reads saved and with `cache: false`: then every
//! reader reads by itself. What was not changed since (304) counts as a call. With `--json` standard output has a line
//! for each claim; the calls by path stand on standard error.

mod bed;
#[path = "../demo_on_forge/mod.rs"]
mod demo_on_forge;

use std::{collections::BTreeSet, env, io::Write as _, path::PathBuf, process::ExitCode, thread};

use anyhow::{Context, Result, bail};
use serde_json::json;
use testkit::forge::Dialect;

use bed::{Cache, Case, Counted};
use demo_on_forge::Bed;

/// Of the calls without savings so many may be left.
const GOAL: f64 = 0.4;

fn main() -> Result<ExitCode> {
    let program = env::var_os("AUTOMATION_PROGRAM").context("AUTOMATION_PROGRAM is not set")?;
    let bed = Bed::make(PathBuf::from(program), "forge-calls")?;
    let mut stdout = std::io::stdout().lock();
    let mut all_hold = true;
    let (mut all_on, mut all_off) = (0, 0);
    for dialect in [Dialect::Gitea, Dialect::GitHub, Dialect::GitLab] {
        let count = |cache| Case::begin(&bed, dialect, cache)?.run();
        let (on, off) = thread::scope(|scope| {
            let on = scope.spawn(|| count(Cache::On));
            let off = count(Cache::Off);
            (on.join(), off)
        });
        let on = on.unwrap_or_else(|_| bail!("it panicked"))?;
        let off = off?;
        tell(dialect, &on, &off);
        all_on += on.total();
        all_off += off.total();
        let claim = format!(
            "calls of the demo's workflow on {dialect:?}, followed from its label to its landing"
        );
        let (line, holds) = claimed(&claim, on.total(), off.total(), &looks(&on, &off));
        all_hold &= holds;
        writeln!(stdout, "{line}")?;
    }
    let (line, holds) = claimed("calls on the three", all_on, all_off, "");
    all_hold &= holds;
    writeln!(stdout, "{line}")?;
    if all_hold {
        bed.remove()?;
        Ok(ExitCode::SUCCESS)
    } else {
        say(format!(
            "what was run is kept in {}",
            bed.folder().display()
        ));
        Ok(ExitCode::FAILURE)
    }
}

fn claimed(claim: &str, on: u64, off: u64, spread: &str) -> (serde_json::Value, bool) {
    let ratio = on as f64 / off as f64;
    let holds = ratio <= GOAL;
    let line = json!({
        "claim": claim, "ours": on, "held_against": "the same with `cache: false`", "theirs": off, "ratio": ratio,
        "goal": format!("≤ {GOAL}"), "spread": spread, "verdict": if holds { "holds" } else { "falls short" },
    });
    (line, holds)
}

fn looks(on: &Counted, off: &Counted) -> String {
    format!("{} looks, theirs {}", on.n_looks, off.n_looks)
}

/// The calls by path, each with and without savings.
fn tell(dialect: Dialect, on: &Counted, off: &Counted) {
    say(format!(
        "{dialect:?}: {} calls, {} of them 304, in {} looks; with `cache: false` {}, {} of them 304, in {} looks",
        on.total(),
        on.n_unchanged,
        on.n_looks,
        off.total(),
        off.n_unchanged,
        off.n_looks
    ));
    let templates: BTreeSet<_> = on.calls.keys().chain(off.calls.keys()).collect();
    for template in templates {
        let of = |counted: &Counted| counted.calls.get(template).copied().unwrap_or(0);
        say(format!("{:>8} {:>8}  {template}", of(on), of(off)));
    }
}

fn say(text: impl AsRef<str>) {
    // Nobody reads it where standard error is closed.
    writeln!(std::io::stderr(), "{}", text.as_ref()).ok();
}
