//! The steps. All of them build with all features of the whole workspace where they can, so that
//! cargo compiles each dependency once; no step sets RUSTFLAGS.

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::codegen;
use crate::house::{self, Finding, Severity};
use crate::measure::{self, Kind};
use crate::workspace::Workspace;

pub(super) struct Step {
    pub(super) name: &'static str,
    /// Runs with `--fast` too.
    pub(super) is_fast: bool,
    pub(super) run: fn(&Shell, &Workspace) -> Result<Outcome>,
}

pub(super) enum Outcome {
    /// With a detail for the step's line; may be empty.
    Passed(String),
    /// With the reason; counts neither as passed nor as failed.
    Skipped(String),
    /// With what to show.
    Failed(String),
}

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "format",
        is_fast: true,
        run: format,
    },
    Step {
        name: "tidy",
        is_fast: true,
        run: tidy,
    },
    Step {
        name: "layers",
        is_fast: true,
        run: layers,
    },
    Step {
        name: "clippy",
        is_fast: true,
        run: clippy,
    },
    Step {
        name: "tests",
        is_fast: true,
        run: tests,
    },
    Step {
        name: "doctests",
        is_fast: false,
        run: doctests,
    },
    Step {
        name: "benches",
        is_fast: false,
        run: benches,
    },
    Step {
        name: "codegen",
        is_fast: false,
        run: generated,
    },
    Step {
        name: "crash",
        is_fast: false,
        run: crash,
    },
    Step {
        name: "features",
        is_fast: false,
        run: features,
    },
    Step {
        name: "docs",
        is_fast: false,
        run: docs,
    },
    Step {
        name: "deny",
        is_fast: false,
        run: deny,
    },
];

fn format(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    if !has_tool(sh, "fmt") {
        return Ok(missing("rustfmt", "rustup component add rustfmt"));
    }
    passes(cmd!(sh, "cargo fmt --all --check"), |_| String::new())
}

fn tidy(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    let findings = house::tidy(&house::read_files(sh)?);
    Ok(judge(&findings))
}

fn layers(_: &Shell, workspace: &Workspace) -> Result<Outcome> {
    Ok(judge(&house::layers(&workspace.packages)))
}

fn clippy(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    if !has_tool(sh, "clippy") {
        return Ok(missing("clippy", "rustup component add clippy"));
    }
    passes(
        cmd!(
            sh,
            "cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings"
        ),
        |_| String::new(),
    )
}

fn tests(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    if has_tool(sh, "nextest") {
        let all = cmd!(
            sh,
            "cargo nextest run --workspace --all-features --no-fail-fast --status-level slow"
        );
        return passes(all, |output| count_of(nextest_count(output)));
    }
    let all = cmd!(
        sh,
        "cargo test --workspace --all-features --no-fail-fast --lib --bins --tests"
    );
    passes(all, |output| count_of(libtest_count(output)))
}

fn doctests(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    let all = cmd!(
        sh,
        "cargo test --quiet --doc --workspace --all-features --no-fail-fast"
    );
    passes(all, |output| count_of(libtest_count(output)))
}

/// As the tests do, in the test profile: optimizing what is only compiled would be time for nothing.
fn benches(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    let all = cmd!(
        sh,
        "cargo build --quiet --workspace --exclude xtask --all-features --bins --examples --benches"
    );
    passes(all, |_| String::new())
}

fn generated(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    if workspace.package("facade").is_none() {
        return Ok(no_facade());
    }
    let stale = codegen::run(sh, workspace, true)?;
    Ok(if stale.is_empty() {
        Outcome::Passed(String::new())
    } else {
        Outcome::Failed(stale)
    })
}

fn crash(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    if workspace.package("facade").is_none() {
        return Ok(no_facade());
    }
    let (mut n_holding, mut n_claims) = (0, 0);
    for name in measure::SAMPLES {
        let outcome = measure::run(sh, workspace, Kind::Crash, name, Some("--sample"), false)?;
        if outcome.falls_short || outcome.n_holding == 0 {
            return Ok(Outcome::Failed(outcome.lines.join("\n")));
        }
        n_holding += outcome.n_holding;
        n_claims += outcome.lines.len();
    }
    Ok(Outcome::Passed(format!(
        "{n_holding} of {n_claims} claims hold"
    )))
}

fn features(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    if workspace.package("facade").is_none() {
        return Ok(no_facade());
    }
    let report = house::features(sh, workspace, false)?;
    if report.failures.is_empty() {
        return Ok(Outcome::Passed(format!("{} builds", report.n_builds)));
    }
    Ok(Outcome::Failed(report.failures))
}

fn docs(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    let all = cmd!(sh, "cargo doc --quiet --no-deps --workspace --all-features")
        .env("RUSTDOCFLAGS", "-D warnings");
    passes(all, |_| String::new())
}

fn deny(sh: &Shell, _: &Workspace) -> Result<Outcome> {
    if !has_tool(sh, "deny") {
        return Ok(missing("cargo-deny", "cargo install cargo-deny --locked"));
    }
    passes(
        cmd!(sh, "cargo deny --all-features check bans licenses sources"),
        |_| String::new(),
    )
}

/// Runs a command and says whether it passed; `detail` reads the step's detail from its output.
fn passes(command: Cmd<'_>, detail: impl FnOnce(&str) -> String) -> Result<Outcome> {
    let shown = command.to_string();
    let output = command.quiet().ignore_status().output()?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(if output.status.success() {
        Outcome::Passed(detail(&text))
    } else {
        Outcome::Failed(format!("$ {shown}\n{text}\n{}", output.status))
    })
}

fn judge(findings: &[Finding]) -> Outcome {
    let n_warnings = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .count();
    if n_warnings < findings.len() {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Outcome::Failed(lines.join("\n"))
    } else if n_warnings > 0 {
        Outcome::Passed(format!(
            "{n_warnings} warnings, shown by `cargo xtask tidy`"
        ))
    } else {
        Outcome::Passed(String::new())
    }
}

fn has_tool(sh: &Shell, tool: &str) -> bool {
    let version = cmd!(sh, "cargo {tool} --version")
        .quiet()
        .ignore_status()
        .output();
    version.is_ok_and(|output| output.status.success())
}

fn missing(tool: &str, install: &str) -> Outcome {
    Outcome::Skipped(format!(
        "{tool} is not installed, so this is NOT checked: {install}"
    ))
}

fn no_facade() -> Outcome {
    Outcome::Skipped("there is no crate `facade` yet".to_owned())
}

fn count_of(n_tests: Option<u64>) -> String {
    n_tests
        .map(|n_tests| format!("{n_tests} tests"))
        .unwrap_or_default()
}

/// Reads `Summary [   1.2s] 412 tests run: 412 passed, 0 skipped`.
pub(super) fn nextest_count(output: &str) -> Option<u64> {
    let summary = output
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary ["))?;
    summary
        .split_once(']')?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Adds up `test result: ok. 12 passed; 0 failed; …` of all test binaries.
pub(super) fn libtest_count(output: &str) -> Option<u64> {
    let counts = output.lines().filter_map(|line| {
        line.strip_prefix("test result: ok. ")?
            .split_once(" passed")?
            .0
            .parse::<u64>()
            .ok()
    });
    counts.reduce(|sum, count| sum + count)
}
