//! Claude Code, Codex and OpenCode from the npm registry, with a model of ours: whole runs, and the same in the sandbox.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::Outcome;
use crate::workspace::Workspace;

/// The packages hold the programs themselves, so that nothing of them is run on installing.
const PACKAGES: [&str; 3] = [
    "@anthropic-ai/claude-code-linux-x64@2.1.330",
    "@openai/codex@0.169.0",
    "opencode-linux-x64@1.18.33",
];
/// Where the programs are below the folder that npm fills.
const CLAUDE: &str = "node_modules/@anthropic-ai/claude-code-linux-x64/claude";
const CODEX: &str =
    "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

const OPENCODE: &str = "node_modules/opencode-linux-x64/bin/opencode";

pub(super) fn whole_runs(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let folder = workspace.target.join("real-parts/agents");
    sh.create_dir(&folder)?;
    let programs = [CLAUDE, CODEX, OPENCODE].map(|it| folder.join(it));
    if !programs.iter().all(|it| it.is_file()) {
        let _folder = sh.push_dir(&folder);
        let installed = cmd!(
            sh,
            "npm install --no-audit --no-fund --ignore-scripts {PACKAGES...}"
        )
        .quiet()
        .ignore_stdout()
        .run();
        if installed.is_err() || !programs.iter().all(|it| it.is_file()) {
            let packages = PACKAGES.join(" ");
            return Ok(Outcome::Skipped(format!(
                "the programs cannot be had, so this is NOT checked: npm install {packages}"
            )));
        }
    }
    let bin = folder.join("bin");
    sh.create_dir(&bin)?;
    for (name, program) in ["claude", "codex", "opencode"].iter().zip(&programs) {
        link(program, &bin.join(name))?;
    }
    let output = cmd!(
        sh,
        "cargo test --quiet -p cli --test it -- does_a_whole_run --nocapture --test-threads 1"
    )
    .env("AUTOMATION_REAL_AGENTS", &bin)
    .quiet()
    .ignore_status()
    .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let runs: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("requests to the model"))
        .collect();
    if output.status.success() && runs.len() >= programs.len() {
        return Ok(Outcome::Passed(runs.join("; ")));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    Ok(Outcome::Failed(format!("{stdout}\n{said}")))
}

fn link(program: &Path, name: &PathBuf) -> Result<()> {
    match std::fs::remove_file(name) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", name.display()));
        }
        _ => {}
    }
    std::os::unix::fs::symlink(program, name).with_context(|| format!("linking {}", name.display()))
}
