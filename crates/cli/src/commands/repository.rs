//! Repositories of our own making: those of `demo` and the one of `agents test`.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use facade::{core_types::Exit, process::Launch};

use crate::session::Session;

/// Makes a folder a repository, and what is in it the first commit.
pub(super) async fn begin(session: &Session, folder: &Path) -> Result<()> {
    let init = ["init", "--quiet", "--initial-branch=main"];
    git(session, folder, &init).await?;
    git(session, folder, &["add", "--all"]).await?;
    git(
        session,
        folder,
        &["commit", "--quiet", "--message", "Begin"],
    )
    .await
}

async fn git(session: &Session, folder: &Path, arguments: &[&str]) -> Result<()> {
    let identity = [
        "user.name=Demo",
        "user.email=demo@localhost",
        "core.hooksPath=/dev/null",
    ];
    let launch = Launch::new("git")
        .args(identity.iter().flat_map(|setting| ["-c", setting]))
        .args(arguments)
        .folder(folder)
        .env(
            "PATH",
            session.surroundings.variable("PATH").unwrap_or_default(),
        )
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .deadline(Duration::from_secs(60));
    let finished = launch.run().await.context("git could not be run")?;
    if finished.exit != Exit::Code(0) {
        bail!(
            "git {}: {}",
            arguments.join(" "),
            finished.stderr.tail(2000)
        );
    }
    Ok(())
}
