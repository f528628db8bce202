//! A home with a run in it, and a dashboard that shows it.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use facade::{core_types::Event, engine_checkpoint::RunView, journal::atomic_write};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const RUN: &str = "big";
/// Each task of a layer needs two of the layer before.
const LAYERS: usize = 20;
const WIDTH: usize = 50;
pub(crate) const TASKS: usize = LAYERS * WIDTH;

pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// A repository of one file.
    pub(crate) fn new() -> Result<Self> {
        let home = Self {
            folder: tempfile::tempdir()?,
        };
        let app = home.path("app");
        fs::create_dir(&app)?;
        atomic_write(&app.join("file"), b"one line\n")?;
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "--all"],
            &["commit", "--quiet", "--message=Begin"],
        ] {
            let mut git = command("git");
            let status = git.arg("-C").arg(&app).args(arguments).status()?;
            ensure!(status.success(), "git {arguments:?}: {status}");
        }
        Ok(home)
    }

    /// With a run of 1,000 tasks that is paused at its first.
    pub(crate) fn with_large_run() -> Result<Self> {
        let home = Self::new()?;
        let mut plan = "id: big\ntitle: A large change\ntasks:\n".to_owned();
        for n in 0..TASKS {
            let needs = match n.checked_sub(WIDTH) {
                None => String::new(),
                Some(above) => {
                    let beside = above - above % WIDTH + (above + 7) % WIDTH;
                    format!(", dependencies: [{}, {}]", task(above), task(beside))
                }
            };
            plan.push_str(&format!(
                "  - {{id: {}, title: Change part {n}, repository: app, estimate: 60s{needs}}}\n",
                task(n)
            ));
        }
        atomic_write(&home.path("plan.yaml"), plan.as_bytes())?;
        let mut run = home.automation();
        run.args(["run", "--run-id", RUN, "--agent", "sh:sleep 1000", "--repo"])
            .arg(home.path("app"))
            .args(["--title", "A large change", "--plan"])
            .arg(home.path("plan.yaml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut run = run.spawn()?;
        while home.count(|event| matches!(event, Event::AgentStarted { .. })) == 0 {
            ensure!(run.try_wait()?.is_none(), "the run has ended");
            thread::sleep(Duration::from_millis(50));
        }
        let process = Pid::from_child(&run);
        kill_process(process, Signal::INT)?;
        run.wait()?;
        let n_planned = home.count(|event| matches!(event, Event::TaskPlanned { .. }));
        ensure!(n_planned == TASKS, "{n_planned} tasks are planned");
        Ok(home)
    }

    /// How many events of the large run are such.
    fn count(&self, is_such: impl Fn(&Event) -> bool) -> usize {
        // Until the run has begun there is nothing to read.
        RunView::read(self.journal()).map_or(0, |view| {
            let events = view.all_events().iter();
            events.filter(|(_, record)| is_such(&record.event)).count()
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path(".automation/runs").join(RUN).join("journal")
    }

    /// The program, for this home.
    pub(crate) fn automation(&self) -> Command {
        let program =
            env::var_os("AUTOMATION_PROGRAM").unwrap_or_else(|| OsString::from("automation"));
        let mut command = command(program);
        command
            .arg("--home")
            .arg(self.folder.path())
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn dashboard(&self) -> Result<Dashboard> {
        let mut child = self
            .automation()
            .args(["dashboard", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is a pipe")?;
        let mut lines = BufReader::new(stdout);
        let mut dashboard = Dashboard {
            child,
            port: 0,
            token: String::new(),
        };
        let mut text = String::new();
        // It is one object, over several lines where it is meant to be read.
        while serde_json::from_str::<Value>(&text).is_err() {
            ensure!(lines.read_line(&mut text)? > 0, "no link: {text}");
        }
        let reach: Value = serde_json::from_str(&text)?;
        let link = reach["link"].as_str().context("a link")?;
        let port = link
            .split(':')
            .nth(2)
            .and_then(|rest| rest.split('/').next());
        dashboard.port = port.context("a port")?.parse()?;
        dashboard.token = reach["token"].as_str().context("a token")?.to_owned();
        Ok(dashboard)
    }
}

pub(crate) fn task(n: usize) -> String {
    format!("t{n:03}")
}

/// A process of `automation dashboard`; ended when it is dropped.
pub(crate) struct Dashboard {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl Dashboard {
    /// The most memory that it has had, in MB.
    pub(crate) fn peak_megabytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
        let kib = line.and_then(|it| it.trim().strip_suffix(" kB"));
        Ok(kib.context("VmHWM in kB")?.trim().parse::<f64>()? * 1024.0 / 1e6)
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A command that sees nothing of the user's configuration but an identity.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring program stands outside; what it measures must not start its children"
)]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", Path::new("/nonexistent"))
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Bench")
            .env(format!("GIT_{role}_EMAIL"), "bench@localhost");
    }
    command
}
