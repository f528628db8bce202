//! What recovery is right about: `cargo xtask bench recovery`.
//!
//! Errors with their class, conflicts and broken tests with agents that see no
//! more than an `AgentRequest` holds, fixes that cheat and fixes that do not. Every
//! case runs through the whole recovery, over real repositories and commands; what
//! is not repaired must end with exactly one report. With `--json` standard output has a line
//! for each claim. The cases are those of the crate's tests.

mod classes;
mod conflicts;
mod fixes;
mod whole;

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

use std::{fmt, io::Write as _, process::ExitCode, time::Instant};

use anyhow::Result;
use serde_json::json;

/// How many of some cases are as they must be.
#[derive(Debug, Default)]
struct Tally {
    n_cases: usize,
    n_right: usize,
}

impl Tally {
    /// Takes a case in; `why` tells what is wrong with it.
    fn take(&mut self, is_right: bool, why: impl fmt::Display) {
        self.n_cases += 1;
        if is_right {
            self.n_right += 1;
        } else {
            say(why);
        }
    }

    /// A claim that so much of the cases is right.
    fn claim(&self, what: &str, goal_percent: usize) -> serde_json::Value {
        let holds = self.n_cases > 0 && self.n_right * 100 >= goal_percent * self.n_cases;
        let share = if self.n_cases == 0 {
            0.0
        } else {
            self.n_right as f64 * 100.0 / self.n_cases as f64
        };
        json!({
            "claim": format!("{what}, of {}", self.n_cases),
            "ours": share, "unit": "%",
            "goal": if goal_percent == 100 { "100 %".to_owned() } else { format!("≥ {goal_percent} %") },
            "spread": format!("{} of {}", self.n_right, self.n_cases),
            "verdict": if holds { "holds" } else { "falls short" },
        })
    }
}

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let started = Instant::now();
    let classes = classes::tally()?;
    say(format!("classes done after {:.0?}", started.elapsed()));
    let conflicts = runtime.block_on(conflicts::tally());
    say(format!("conflicts done after {:.0?}", started.elapsed()));
    let fixes = runtime.block_on(fixes::tally());
    say(format!("all done after {:.0?}", started.elapsed()));

    let mut reports = Tally::default();
    for part in [&conflicts.reports, &fixes.reports] {
        reports.n_cases += part.n_cases;
        reports.n_right += part.n_right;
    }
    let claims = [
        classes.claim("errors that get their class and remedy", 100),
        conflicts
            .fixable
            .claim("conflicts that an agent can settle are repaired", 80),
        conflicts
            .wrong
            .claim("wrong resolutions are not accepted", 100),
        fixes
            .fixable
            .claim("failing tests that an agent can mend are repaired", 80),
        fixes.others.claim(
            "agents that cheat, loop or break something else are not accepted",
            100,
        ),
        fixes
            .cheats
            .claim("fixes that weaken tests are refused", 100),
        fixes
            .honest
            .claim("honest additive fixes are not refused", 100),
        reports.claim("failures that were not repaired have one report", 100),
    ];
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] == "holds");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

#[expect(clippy::print_stderr, reason = "a measuring program speaks there")]
fn say(line: impl fmt::Display) {
    eprintln!("{line}");
}
