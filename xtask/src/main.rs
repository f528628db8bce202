//! All automation of this repository: `cargo xtask help`.
//!
//! It links no crate of the workspace; what it must know it asks of cargo, git and the built program.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing to a person or a CI log is the purpose of this program"
)]

mod args;
mod ci;
mod codegen;
mod house;
mod measure;
mod pages;
mod real_parts;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::args::Args;
use crate::house::Severity;
use crate::measure::Kind;
use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask COMMAND

  ci [--fast] [--only STEP]...    all checks; --fast leaves out the slow ones
  fmt                             formats the workspace
  tidy                            rules on files and manifests, with warnings
  layers                          rules on the edges between crates
  features [--pairs]              builds of the facade: none, each, full; all pairs
  doc                             documentation with feature labels
  codegen [--check]               generated documentation and schemas
  screenshots                     pictures of the dashboard for README and docs (needs Chromium)
  bench NAME [--json]             time and memory against peers and limits
  eval NAME [--json]              quality on data
  crash NAME [--sample | --full] [--json]
                                  faults: points tried, survived, duplicates
  real-parts [PART]...            checks with programs of others, such as Prometheus

bench, eval and crash write docs/benchmarks.md, except with --json or --sample,
and exit 1 when a claim falls short.";

fn main() -> ExitCode {
    // Causes in one line, and no backtrace whatever the environment says: it helps nobody here.
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run() -> Result<ExitCode> {
    let mut args = Args::new(std::env::args().skip(1));
    let Some(command) = args.positional() else {
        println!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    if matches!(command.as_str(), "help" | "--help" | "-h") {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let sh = Shell::new()?;
    let workspace = Workspace::load(&sh)?;
    sh.change_dir(&workspace.root);

    let passed = match command.as_str() {
        "ci" => {
            let fast = args.flag("--fast");
            let only = args.values("--only")?;
            args.finish()?;
            ci::run(&sh, &workspace, fast, &only)?
        }
        "fmt" => {
            args.finish()?;
            cmd!(sh, "cargo fmt --all").quiet().run()?;
            true
        }
        "tidy" => {
            args.finish()?;
            print_findings(&house::tidy(&house::read_files(&sh)?))
        }
        "layers" => {
            args.finish()?;
            print_findings(&house::layers(&workspace.packages))
        }
        "features" => {
            let pairs = args.flag("--pairs");
            args.finish()?;
            let report = house::features(&sh, &workspace, pairs)?;
            print!("{}", report.failures);
            println!("{} builds", report.n_builds);
            report.failures.is_empty()
        }
        "doc" => {
            args.finish()?;
            doc(&sh, &workspace)?;
            true
        }
        "codegen" => {
            let check = args.flag("--check");
            args.finish()?;
            let stale = codegen::run(&sh, &workspace, check)?;
            print!("{stale}");
            stale.is_empty()
        }
        "screenshots" => {
            args.finish()?;
            for written in pages::screenshots(&sh, &workspace)? {
                println!("{written}");
            }
            true
        }
        "bench" => measure::command(&sh, &workspace, Kind::Bench, args)?,
        "eval" => measure::command(&sh, &workspace, Kind::Eval, args)?,
        "crash" => measure::command(&sh, &workspace, Kind::Crash, args)?,
        "real-parts" => {
            let mut only = Vec::new();
            while let Some(part) = args.positional() {
                only.push(part);
            }
            args.finish()?;
            real_parts::run(&sh, &workspace, &only)?
        }
        unknown => bail!("unknown command `{unknown}`\n\n{HELP}"),
    };
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_findings(findings: &[house::Finding]) -> bool {
    for finding in findings {
        println!("{finding}");
    }
    let n_errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    println!(
        "errors: {n_errors}, warnings: {}",
        findings.len() - n_errors
    );
    n_errors == 0
}

/// Feature labels are unstable in rustdoc, hence the bootstrap switch; hence also an own target
/// folder, since build scripts look at that switch and everything else would be built anew.
fn doc(sh: &Shell, workspace: &Workspace) -> Result<()> {
    let target = workspace.target.join("docsrs");
    cmd!(
        sh,
        "cargo doc --no-deps --workspace --all-features --target-dir {target}"
    )
    .env("RUSTC_BOOTSTRAP", "1")
    .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings")
    .quiet()
    .run()?;
    println!("{}", target.join("doc").display());
    Ok(())
}
