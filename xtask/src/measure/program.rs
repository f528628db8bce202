//! Finds, builds and runs a measuring program.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use super::claim::{Claim, Verdict};
use super::document;
use crate::args::Args;
use crate::workspace::Workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bench,
    Eval,
    Crash,
}

struct Program {
    kind: Kind,
    name: &'static str,
    package: &'static str,
    example: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        kind: Kind::Bench,
        name: "cost",
        package: "cost",
        example: "bench_cost",
    },
    Program {
        kind: Kind::Eval,
        name: "complexity",
        package: "cost",
        example: "eval_complexity",
    },
    Program {
        kind: Kind::Bench,
        name: "workflow",
        package: "cli",
        example: "bench_workflow",
    },
    Program {
        kind: Kind::Bench,
        name: "recovery",
        package: "engine-recovery",
        example: "bench_recovery",
    },
    Program {
        kind: Kind::Bench,
        name: "perf",
        package: "perf-utils",
        example: "bench_perf",
    },
    Program {
        kind: Kind::Bench,
        name: "monitoring",
        package: "monitoring",
        example: "bench_monitoring",
    },
    Program {
        kind: Kind::Bench,
        name: "monitoring",
        package: "cli",
        example: "bench_dashboard",
    },
    Program {
        kind: Kind::Bench,
        name: "forge-calls",
        package: "cli",
        example: "bench_forge_calls",
    },
    Program {
        kind: Kind::Bench,
        name: "learning",
        package: "learning",
        example: "bench_learning",
    },
    Program {
        kind: Kind::Eval,
        name: "learning",
        package: "learning",
        example: "eval_learning",
    },
    Program {
        kind: Kind::Crash,
        name: "run",
        package: "cli",
        example: "crash_run",
    },
    Program {
        kind: Kind::Crash,
        name: "land",
        package: "multi-repo",
        example: "crash_land",
    },
    Program {
        kind: Kind::Crash,
        name: "forges",
        package: "cli",
        example: "crash_forges",
    },
    Program {
        kind: Kind::Crash,
        name: "recovery",
        package: "engine-recovery",
        example: "crash_recovery",
    },
];

/// The names of the crash programs whose samples are a step of `ci`.
pub(crate) const SAMPLES: &[&str] = &["run", "land", "forges", "recovery"];

/// What a measuring program said.
pub(crate) struct Outcome {
    /// One line a claim: as printed by the program, or to read.
    pub(crate) lines: Vec<String>,
    pub(crate) n_holding: usize,
    pub(crate) falls_short: bool,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Eval => "eval",
            Self::Crash => "crash",
        }
    }

    /// The figures of a claim: title and JSON key.
    pub(super) fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Bench | Self::Eval => &[
                ("Ours", "ours"),
                ("Held against", "held_against"),
                ("Theirs", "theirs"),
                ("Ratio", "ratio"),
                ("Goal", "goal"),
                ("Spread", "spread"),
            ],
            Self::Crash => &[
                ("Points", "points"),
                ("Survived", "survived"),
                ("Duplicates", "duplicates"),
            ],
        }
    }
}

/// The command line of `bench`, `eval` and `crash`; returns whether every claim holds or was not run.
pub(crate) fn command(
    sh: &Shell,
    workspace: &Workspace,
    kind: Kind,
    mut args: Args,
) -> Result<bool> {
    let json = args.flag("--json");
    let sample = kind == Kind::Crash && args.flag("--sample");
    let full = kind == Kind::Crash && args.flag("--full");
    let fit = kind == Kind::Eval && args.flag("--fit");
    let name = args
        .positional()
        .with_context(|| format!("a name is missing: {}", names(kind)))?;
    args.finish()?;
    let size = match (sample, full) {
        (true, true) => bail!("--sample and --full exclude each other"),
        (true, false) => Some("--sample"),
        (false, true) => Some("--full"),
        (false, false) => fit.then_some("--fit"),
    };
    let outcome = run(sh, workspace, kind, &name, size, json)?;
    for line in &outcome.lines {
        println!("{line}");
    }
    Ok(!outcome.falls_short)
}

/// Runs the programs of a name and judges their claims. Without `json` and but for a sample, which is a
/// test and no measurement, and a fit, which makes what is measured, it then writes them to
/// docs/benchmarks.md.
pub(crate) fn run(
    sh: &Shell,
    workspace: &Workspace,
    kind: Kind,
    name: &str,
    size: Option<&str>,
    json: bool,
) -> Result<Outcome> {
    let is_asked = |program: &&Program| program.kind == kind && program.name == name;
    let mut programs = PROGRAMS.iter().filter(is_asked).peekable();
    if programs.peek().is_none() {
        bail!("unknown name `{name}`: {}", names(kind));
    }
    let (mut printed, mut claims) = (String::new(), Vec::new());
    for program in programs {
        let (text, of_program) = run_one(sh, workspace, program, size)?;
        printed.push_str(&text);
        claims.extend(of_program);
    }
    let is_sample = size == Some("--sample");
    if !json && !is_sample && size != Some("--fit") {
        document::write(sh, kind, name, size, &claims)?;
    }
    let raw = printed.lines().filter(|line| !line.trim().is_empty());
    let lines = if json {
        raw.map(str::to_owned).collect()
    } else {
        claims.iter().map(|claim| claim.line(kind)).collect()
    };
    let count = |verdict| claims.iter().filter(|it| it.verdict == verdict).count();
    Ok(Outcome {
        lines,
        n_holding: count(Verdict::Holds),
        falls_short: count(Verdict::FallsShort) > 0,
    })
}

/// Builds and runs one program. Returns what it printed, and the claims in it.
fn run_one(
    sh: &Shell,
    workspace: &Workspace,
    program: &Program,
    size: Option<&str>,
) -> Result<(String, Vec<Claim>)> {
    ensure!(
        is_built(workspace, program),
        "crate `{}` has no example `{}` to run",
        program.package,
        program.example
    );
    let Program {
        package, example, ..
    } = program;
    let folder = if size == Some("--sample") {
        workspace.build_debug(sh)?
    } else {
        cmd!(
            sh,
            "cargo build --release -p {package} --bins --example {example}"
        )
        .quiet()
        .run()?;
        workspace.target.join("release")
    };
    let path = folder.join("examples").join(example);
    let command =
        cmd!(sh, "{path} {size...} --json").env("AUTOMATION_PROGRAM", folder.join("automation"));
    // xshell has no way to keep both the status and standard error's place on the terminal.
    let output = Command::from(command).stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8(output.stdout).context("the program prints no text")?;
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    let claims = lines
        .map(|line| Claim::parse(program.kind, line))
        .collect::<Result<Vec<_>>>()?;
    let falls_short = claims.iter().any(|it| it.verdict == Verdict::FallsShort);
    ensure!(
        output.status.success() || falls_short,
        "{example}: {}",
        output.status
    );
    ensure!(!claims.is_empty(), "{example} claims nothing");
    Ok((printed, claims))
}

fn is_built(workspace: &Workspace, program: &Program) -> bool {
    workspace.package(program.package).is_some_and(|package| {
        package
            .examples
            .iter()
            .any(|example| example == program.example)
    })
}

fn names(kind: Kind) -> String {
    let of_kind = PROGRAMS.iter().filter(|program| program.kind == kind);
    let mut names: Vec<&str> = of_kind.map(|program| program.name).collect();
    names.dedup();
    if names.is_empty() {
        format!("`{}` knows none yet", kind.word())
    } else {
        format!("`{}` knows {}", kind.word(), names.join(", "))
    }
}
