//! Runs the steps one after another and prints a line for each.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use anyhow::{Result, bail};
use xshell::Shell;

use super::steps::{Outcome, STEPS, Step};
use crate::workspace::Workspace;

/// Runs the chosen steps, all of them whatever fails, and returns whether none failed.
///
/// # Errors
/// A step of `only` that is unknown.
pub(crate) fn run(sh: &Shell, workspace: &Workspace, fast: bool, only: &[String]) -> Result<bool> {
    let steps = select(fast, only)?;
    let started = Instant::now();
    let mut n_passed = 0;
    let mut failed = Vec::new();
    for step in steps {
        show_running(step.name);
        let started = Instant::now();
        let outcome =
            (step.run)(sh, workspace).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        println!(
            "{}",
            line(step.name, started.elapsed().as_secs_f64(), &outcome)
        );
        match outcome {
            Outcome::Passed(_) => n_passed += 1,
            Outcome::Skipped(_) => {}
            Outcome::Failed(output) => {
                println!("\n{}\n", output.trim_end());
                failed.push(step.name);
            }
        }
    }
    println!(
        "     total       {:>6.1} s",
        started.elapsed().as_secs_f64()
    );
    for name in &failed {
        println!("again: cargo xtask ci --only {name}");
    }
    println!("{}", summary(n_passed, failed.len()));
    Ok(failed.is_empty())
}

fn select(fast: bool, only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!(
            "unknown step `{unknown}`; the steps are {}",
            names.join(", ")
        );
    }
    let is_chosen = |step: &&Step| {
        if only.is_empty() {
            !fast || step.is_fast
        } else {
            only.iter().any(|name| name == step.name)
        }
    };
    Ok(STEPS.iter().filter(is_chosen).collect())
}

/// On a terminal, says what runs; the step's line then takes its place.
fn show_running(name: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Nothing depends on this line; a closed terminal shows itself at the next print.
        let _unseen = write!(stderr, "...  {name}\r").and_then(|()| stderr.flush());
    }
}

pub(super) fn line(name: &str, seconds: f64, outcome: &Outcome) -> String {
    let (word, detail) = match outcome {
        Outcome::Passed(detail) => ("ok", detail.as_str()),
        Outcome::Skipped(why) => ("skip", why.as_str()),
        Outcome::Failed(_) => ("FAIL", ""),
    };
    format!("{word:<4} {name:<10} {seconds:>7.1} s   {detail}")
        .trim_end()
        .to_owned()
}

/// The last line of all. Scripts read it: nothing else may stand in it.
pub(super) fn summary(n_passed: usize, n_failed: usize) -> String {
    format!("{n_passed} passed, {n_failed} failed")
}
