//! Checks against programs that others made. What is absent is skipped, and said aloud.

mod agents;
mod debian;
mod forges;
mod http;
mod prometheus;

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::{pages, workspace::Workspace};

/// What a part came to.
pub(crate) enum Outcome {
    /// With what was seen.
    Passed(String),
    /// With what is missing, and how to have it.
    Skipped(String),
    /// With what is wrong.
    Failed(String),
}

struct Part {
    name: &'static str,
    run: fn(&Shell, &Workspace) -> Result<Outcome>,
}

const PARTS: &[Part] = &[
    Part {
        name: "promtool",
        run: prometheus::promtool,
    },
    Part {
        name: "prometheus",
        run: prometheus::scrape,
    },
    Part {
        name: "native-histograms",
        run: prometheus::native_histograms,
    },
    Part {
        name: "pages",
        run: pages::check,
    },
    Part {
        name: "agents",
        run: agents::whole_runs,
    },
    Part {
        name: "forges",
        run: forges::clients,
    },
];

/// Runs the named parts, or all; returns whether none failed.
pub(crate) fn run(sh: &Shell, workspace: &Workspace, only: &[String]) -> Result<bool> {
    for name in only {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        ensure!(
            known.contains(&name.as_str()),
            "unknown part `{name}`: there are {}",
            known.join(", ")
        );
    }
    let (mut n_passed, mut n_skipped, mut n_failed) = (0, 0, 0);
    for part in PARTS {
        if !only.is_empty() && !only.iter().any(|name| name == part.name) {
            continue;
        }
        let name = part.name;
        match (part.run)(sh, workspace) {
            Ok(Outcome::Passed(seen)) => {
                n_passed += 1;
                println!("{name}: {seen}");
            }
            Ok(Outcome::Skipped(missing)) => {
                n_skipped += 1;
                println!("{name}: SKIPPED, {missing}");
            }
            Ok(Outcome::Failed(wrong)) => {
                n_failed += 1;
                println!("{name}: FAILED\n{wrong}");
            }
            Err(error) => {
                n_failed += 1;
                println!("{name}: FAILED\n{error:#}");
            }
        }
    }
    println!("{n_passed} passed, {n_skipped} skipped, {n_failed} failed");
    Ok(n_failed == 0)
}
