//! A dashboard over made-up runs, as a child process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// How the gallery is built: times are told of a release build alone.
#[derive(Clone, Copy)]
pub(super) enum Build {
    Debug,
    Release,
}

/// Ends with its value.
pub(super) struct Gallery {
    child: Child,
    input: ChildStdin,
    pub(super) origin: String,
    /// For `Authorization: Bearer`.
    pub(super) token: String,
}

impl Gallery {
    pub(super) fn start(sh: &Shell, workspace: &Workspace, build: Build) -> Result<Self> {
        let (release, folder) = match build {
            Build::Debug => (None, "debug"),
            Build::Release => (Some("--release"), "release"),
        };
        cmd!(
            sh,
            "cargo build --quiet {release...} -p monitoring --features dashboard,testkit --example gallery"
        )
        .quiet()
        .run()?;
        let program = workspace.target.join(folder).join("examples/gallery");
        let mut child = Command::from(cmd!(sh, "{program} 0 --allow-control"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the gallery does not start")?;
        let output = child.stdout.take().context("the gallery prints nothing")?;
        let input = child.stdin.take().context("the gallery takes nothing")?;
        let mut lines = BufReader::new(output).lines();
        let mut line = || {
            lines
                .next()
                .context("the gallery has ended")?
                .context("unreadable")
        };
        let (link, token) = (line()?, line()?);
        let origin = link.split("/enter").next().unwrap_or_default().to_owned();
        Ok(Self {
            child,
            input,
            origin,
            token,
        })
    }

    /// Changes what it shows: see the example's own words.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").context("the gallery has ended")
    }
}

impl Drop for Gallery {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
