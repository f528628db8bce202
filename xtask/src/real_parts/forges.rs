//! Clients of forges from the Python package index and Debian's, driving the simulated forges.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::{Outcome, debian};
use crate::workspace::Workspace;

const PACKAGES: [&str; 2] = ["PyGithub==2.8.1", "python-gitlab==6.5.0"];

pub(super) fn clients(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let folder = workspace.target.join("real-parts/forges");
    let python = folder.join("bin/python");
    let has_them = || {
        let imports = "import github, gitlab";
        python.is_file()
            && cmd!(sh, "{python} -c {imports}")
                .quiet()
                .ignore_stderr()
                .run()
                .is_ok()
    };
    if !has_them() {
        let made = cmd!(sh, "python3 -m venv {folder}").quiet().run();
        let installed = made.and_then(|()| {
            cmd!(
                sh,
                "{python} -m pip install --quiet --disable-pip-version-check {PACKAGES...}"
            )
            .quiet()
            .run()
        });
        if installed.is_err() || !has_them() {
            let packages = PACKAGES.join(" ");
            return Ok(Outcome::Skipped(format!(
                "the clients cannot be had, so this is NOT checked: pip install {packages}"
            )));
        }
    }
    let gh = match debian::program(sh, workspace, "gh", "gh")? {
        Ok(gh) => gh,
        Err(missing) => return Ok(Outcome::Skipped(missing)),
    };
    let output = cmd!(
        sh,
        "cargo test --quiet -p forges --all-features --test it -- remote::clients --nocapture --test-threads 1"
    )
    .env("AUTOMATION_REAL_CLIENTS", &python)
    .env("AUTOMATION_REAL_GH", &gh)
    .quiet()
    .ignore_status()
    .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let worked = ["PyGithub:", "python-gitlab:", "gh:"];
    let is_told = |line: &&str| worked.iter().any(|it| line.starts_with(it));
    let seen: Vec<&str> = said.lines().filter(is_told).collect();
    if output.status.success() && seen.len() == worked.len() {
        return Ok(Outcome::Passed(seen.join("; ")));
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    Ok(Outcome::Failed(format!("{stdout}\n{said}")))
}
