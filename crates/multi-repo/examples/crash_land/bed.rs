//! Homes with four repositories, copied for each case, and the children that land in them.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use core_types::{BranchName, Capture, Repository as _};
use git_workspace::{Git, GitRepository, Options, Places};
use process::{Exit, Launch};

/// In this order they land; one is checked out, one is not, one is bare, one has a linked checkout.
pub(crate) const NAMES: [&str; 4] = ["shop", "docs", "bare", "apps"];

/// Nothing takes that long, but what hangs.
const DEADLINE: Duration = Duration::from_secs(90);

/// What a landing that nobody kills needs.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) duration: Duration,
    pub(crate) appends: usize,
    pub(crate) calls: usize,
    pub(crate) gits: usize,
}

/// Where a landing is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    /// By itself, before or after (`true`) the n-th journal append.
    Append(usize, bool),
    /// By itself, before or after (`true`) the n-th call of a repository or of a held branch.
    Call(usize, bool),
    /// Before the n-th git command.
    Git(usize),
    /// From outside, so long after its start.
    Instant(Duration),
}

impl Kill {
    pub(crate) fn word(self) -> String {
        match self {
            Self::Append(at, after) => format!("append:{at}:{after}"),
            Self::Call(at, after) => format!("call:{at}:{after}"),
            Self::Git(at) => format!("git:{at}"),
            Self::Instant(_) => "instant".to_owned(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split(':').collect();
        Ok(match words[..] {
            ["append", at, after] => Self::Append(at.parse()?, after.parse()?),
            ["call", at, after] => Self::Call(at.parse()?, after.parse()?),
            ["git", at] => Self::Git(at.parse()?),
            _ => bail!("no such kill: {text}"),
        })
    }
}

/// How a child came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Landed,
    Killed,
    Failed(String),
}

#[derive(Debug)]
pub(crate) struct Bed {
    folder: tempfile::TempDir,
}

pub(crate) fn places(home: &Path) -> Places {
    Places {
        mirrors: home.join("mirrors"),
        workspaces: home.join("workspaces"),
    }
}

pub(crate) async fn open(home: &Path, git: &Arc<Git>, name: &str) -> Result<GitRepository> {
    let places = places(home);
    let opened = GitRepository::open(git.clone(), name.parse()?, &home.join(name), &places).await?;
    Ok(opened)
}

/// Runs a script with fixed people; its output without the last line break.
pub(crate) async fn sh(folder: &Path, script: &str) -> Result<String> {
    let finished = Launch::new("sh")
        .args(["-ec", script])
        .folder(folder)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "user")
        .env("GIT_AUTHOR_EMAIL", "user@host")
        .env("GIT_COMMITTER_NAME", "user")
        .env("GIT_COMMITTER_EMAIL", "user@host")
        .stderr_to_stdout()
        .run()
        .await?;
    let output = String::from_utf8_lossy(&finished.stdout.bytes)
        .trim_end()
        .to_owned();
    ensure!(
        finished.exit.is_success(),
        "`{script}`: {}: {output}",
        finished.exit
    );
    Ok(output)
}

impl Bed {
    pub(crate) async fn make(parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("crash-land-")
            .tempdir_in(parent)?;
        let home = folder.path().join("template");
        fs::create_dir(&home)?;
        for name in NAMES {
            let files = "for n in 1 2 3 4; do head -c 60000 /dev/zero | tr '\\0' $n > file-$n; done; echo old > gone";
            let make = format!(
                "git init -q -b main {name} && cd {name} && {files} && git add -A && git commit -q -m first"
            );
            sh(&home, &make).await?;
        }
        sh(
            &home,
            "git -C docs switch -q -c elsewhere && git -C apps switch -q -c elsewhere",
        )
        .await?;
        sh(
            &home,
            "git clone -q --bare bare b && rm -rf bare && mv b bare",
        )
        .await?;
        let git = Arc::new(Git::new(Options::default()));
        let main = BranchName::new("main")?;
        let mut plan = String::new();
        for name in NAMES {
            let repository = open(&home, &git, name).await?;
            let base = repository.fetch(&main).await?;
            let clone = repository.lease(&base).await?;
            let change = "for n in 1 2 3; do head -c 90000 /dev/zero | tr '\\0' x > file-$n; done; rm gone; echo new > new";
            sh(clone.folder(), change).await?;
            let Capture::Committed { commit, .. } = clone.commit(None, "change").await? else {
                bail!("the script changes files");
            };
            repository
                .publish(&BranchName::new("automation/run-1/change")?, &commit)
                .await?;
            plan += &format!("{name} {base} {commit}\n");
        }
        put(&home.join("plan"), plan.as_bytes())?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A home of its own, in which the linked checkout is made, since it holds its own path.
    pub(crate) async fn copy(&self, name: &str) -> Result<PathBuf> {
        sh(self.folder(), &format!("cp -a template '{name}'")).await?;
        let home = self.folder().join(name);
        sh(&home, "git -C apps worktree add -q ../linked main").await?;
        Ok(home)
    }

    /// What a landing that nobody kills needs; it must do all that is expected.
    pub(crate) async fn reference(&self) -> Result<Counts> {
        let home = self.copy("reference").await?;
        let started = Instant::now();
        let ended = self.child(&home, Some(Kill::Git(usize::MAX))).await?;
        let duration = started.elapsed();
        ensure!(
            ended == Ended::Landed,
            "a landing that nobody kills: {ended:?}"
        );
        let wrong = crate::look::landed(&home, false).await?;
        ensure!(wrong.is_empty(), "a landing that nobody kills: {wrong:?}");
        let count = |file: &str| -> Result<usize> {
            let text = fs::read_to_string(home.join(file)).context(file.to_owned())?;
            Ok(text.trim().parse()?)
        };
        Ok(Counts {
            duration,
            appends: crate::look::n_appends(&home)?,
            calls: count("calls")?,
            gits: count("gits")?,
        })
    }

    /// Lands in a home, in a process that is killed as asked.
    pub(crate) async fn child(&self, home: &Path, kill: Option<Kill>) -> Result<Ended> {
        let (kill, instant) = match kill {
            Some(Kill::Instant(after)) => (None, Some(after)),
            kill => (kill, None),
        };
        let mut launch = Launch::new(env::current_exe()?)
            .arg(home)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stderr_to_stdout();
        if let Some(kill) = kill {
            launch = launch.arg(kill.word());
        }
        // Dropped, it gets SIGKILL.
        let finished = tokio::time::timeout(instant.unwrap_or(DEADLINE), launch.run()).await;
        let finished = match (finished, instant) {
            (Ok(finished), _) => finished?,
            (Err(_), Some(_)) => return Ok(Ended::Killed),
            (Err(_), None) => return Ok(Ended::Failed("it hangs".to_owned())),
        };
        let output = finished.stdout.tail(2000);
        Ok(match finished.exit {
            Exit::Code(0) => Ended::Landed,
            Exit::Signal(9) => Ended::Killed,
            exit => Ended::Failed(format!("{exit}: {output}")),
        })
    }

    pub(crate) fn forget(&self, name: &str) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder().join(name))?)
    }

    pub(crate) fn remove(&self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder())?)
    }
}

/// A git that counts its commands, and kills the landing before one of them.
pub(crate) fn counting_git(home: &Path, at: usize) -> Result<PathBuf> {
    let path = home.join("git");
    let (gits, pid) = (home.join("gits"), home.join("pid"));
    let script = format!(
        "#!/bin/sh\nn=$(($(cat '{gits}') + 1))\necho $n > '{gits}'\nif [ $n = {at} ]; then kill -9 $(cat '{pid}'); sleep 9; fi\nexec git \"$@\"\n",
        gits = gits.display(),
        pid = pid.display(),
    );
    put(&gits, b"0")?;
    put(&pid, std::process::id().to_string().as_bytes())?;
    put(&path, script.as_bytes())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "what a test is given is no state"
)]
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| path.display().to_string())
}
