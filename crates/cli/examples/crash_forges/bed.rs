//! Where the runs happen: the demo's repositories on a simulated forge of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use facade::journal::atomic_write;
use testkit::{
    forge::{Dialect, Faults, SimulatedForge},
    git::Fixture,
};
use tokio::runtime::Runtime;

const REPOSITORIES: [&str; 3] = ["backend", "frontend", "infrastructure"];
const OWNER: &str = "demo";
const RUN: &str = "r1";

/// The question that the demo's agent asks, and a person's answer.
const ASKING: &str = "alert";
const ANSWER: &str = "Wake somebody after one minute.";

/// How often a person lands again before giving up.
const MOST_LANDINGS: u64 = 3;

/// A folder with a prepared demo, and one folder for each case.
#[derive(Debug)]
pub(crate) struct Bed {
    program: PathBuf,
    folder: PathBuf,
}

impl Bed {
    pub(crate) fn make(program: PathBuf) -> Result<Self> {
        let folder = format!("automation-forges-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder)?;
        let bed = Self {
            program,
            folder: folder.canonicalize()?,
        };
        let template = bed.template();
        let mut prepare = bed.automation();
        let made = prepare
            .args(["demo", "--prepare", "--folder"])
            .arg(&template)
            .output()?;
        ensure!(made.status.success(), "demo --prepare fails: {made:?}");
        let playbook = template.join("config/playbook.yaml");
        let text = fs::read_to_string(&playbook)?;
        // Nothing waits but for the work itself.
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("- sleep:"));
        let lines: Vec<_> = lines.collect();
        atomic_write(&playbook, (lines.join("\n") + "\n").as_bytes())?;
        Ok(bed)
    }

    fn template(&self) -> PathBuf {
        self.folder.join("template")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the program is started as a person starts it"
    )]
    fn automation(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("FORGE_TOKEN", "robots-token")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }
}

/// A run on a forge of its own.
pub(crate) struct Case<'a> {
    bed: &'a Bed,
    home: PathBuf,
    forge: SimulatedForge,
    seed: u64,
    /// Serves the forge.
    _runtime: Runtime,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) wrong: Vec<String>,
    pub(crate) duplicates: u64,
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) landed_again: u64,
}

impl<'a> Case<'a> {
    pub(crate) fn new(bed: &'a Bed, dialect: Dialect, seed: u64) -> Result<Self> {
        let kind = match dialect {
            Dialect::Gitea => "gitea",
            Dialect::GitHub => "github",
            Dialect::GitLab => "gitlab",
        };
        let folder = bed.folder.join(format!("{kind}-{seed}"));
        let home = folder.join("home");
        fs::create_dir_all(home.join("config"))?;
        let runtime = Runtime::new()?;
        let server = folder.join("server");
        let forge = runtime.block_on(SimulatedForge::start_as(dialect, &server));
        for name in REPOSITORIES {
            forge.add_copy(OWNER, name, &Fixture::at(bed.template().join(name)));
        }
        let read = |file: &str| {
            let path = bed.template().join("config").join(file);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let write = |file: &str, text: String| {
            atomic_write(&home.join("config").join(file), text.as_bytes())
        };
        write("playbook.yaml", read("playbook.yaml")?)?;
        let settings = read("automation.yaml")?;
        write(
            "automation.yaml",
            settings + "recovery: {delay_percent: 0}\n",
        )?;
        let mut repositories = read("repositories.yaml")?;
        for name in REPOSITORIES {
            let (here, there) = (
                format!("path: {name}\n"),
                format!("forge: simulated\n    owner: {OWNER}\n"),
            );
            ensure!(repositories.contains(&here), "the demo has no {here:?}");
            repositories = repositories.replace(&here, &there);
        }
        let forges = format!(
            "forges:\n- {{name: simulated, kind: {kind}, url: \"{}\", token: \"env:FORGE_TOKEN\", settle: 60ms, backoff: 1ms}}\n",
            forge.url()
        );
        write("repositories.yaml", forges + &repositories)?;
        Ok(Self {
            bed,
            home,
            forge,
            seed,
            _runtime: runtime,
        })
    }

    pub(crate) fn run(&self) -> Result<Ended> {
        let issue = self.forge.write_issue(
            OWNER,
            "backend",
            "grace",
            "Show the service's health",
            "On a page, by an endpoint.",
        );
        let faults = Faults {
            refused: 0.03,
            down_before: 0.03,
            down_after: 0.03,
            lost: 0.03,
            lag: Duration::from_millis(20),
            late: 0.5,
            slow_heads: 0.3,
            busy: 0.3,
        };
        self.forge.set_faults(faults, self.seed);
        let mut ended = Ended::default();
        let issue = issue.to_string();
        let run = [
            "run",
            &issue,
            "--workflow",
            "full-stack-feature",
            "--land",
            "--run-id",
            RUN,
        ];
        let mut ran = self.automation(&run)?;
        let mut has_answered = false;
        while !ran.status.success() && ended.landed_again < MOST_LANDINGS {
            if !has_answered {
                has_answered = true;
                ran = self.automation(&["answer", ASKING, ANSWER, "--run", RUN])?;
            } else {
                ended.landed_again += 1;
                ran = self.automation(&["land", RUN])?;
            }
        }
        self.forge.set_faults(Faults::default(), 0);
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            let last: Vec<_> = said.lines().rev().take(8).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            ended
                .wrong
                .push(format!("ends with {}: {}", ran.status, last.join(" | ")));
        }
        self.look(&mut ended);
        let calls = self.forge.take_calls();
        ended.calls = calls.len() as u64;
        ended.failed = calls
            .iter()
            .filter(|it| it.is_limit || it.status >= 500 || it.status == 0)
            .count() as u64;
        Ok(ended)
    }

    /// What the forge holds must be the change in all repositories, and each thing once.
    fn look(&self, ended: &mut Ended) {
        for (name, path) in [
            ("backend", "handlers/health.sh"),
            ("frontend", "pages/health.html"),
            ("infrastructure", "probes/health.conf"),
        ] {
            let git = Fixture::at(self.forge.git_dir(OWNER, name));
            let files = git.git(&["ls-tree", "-r", "--name-only", "main"]);
            if !files.lines().any(|file| file == path) {
                ended.wrong.push(format!("{name} lacks {path}"));
            }
            let truth = self.forge.truth(OWNER, name);
            let count = |kind: &str| {
                let of_kind = truth.iter().filter(|it| it.kind == kind);
                of_kind.count() as u64
            };
            // One that was taken back is proposed anew.
            let undoing = truth.iter().filter(|it| it.body.starts_with("Takes back "));
            let undone = undoing.count() as u64;
            let proposed = count("pull") - undone;
            // On the issue: what a person is asked, and how it has ended.
            let (issues, comments) = if name == "backend" { (1, 2) } else { (0, 0) };
            ended.duplicates += proposed.saturating_sub(1 + undone)
                + count("issue").saturating_sub(issues)
                + count("comment").saturating_sub(comments);
            if proposed == 0 {
                ended.wrong.push(format!("{name} has no pull request"));
            }
            if count("comment") < comments {
                ended.wrong.push(format!("{name} lacks a comment"));
            }
        }
    }

    fn automation(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.bed.automation();
        command.arg("--home").arg(&self.home).args(arguments);
        let ran = command.output().context("the program cannot be started")?;
        let log = [&ran.stdout[..], &ran.stderr].concat();
        let path = self.home.with_file_name(format!("{}.log", arguments[0]));
        atomic_write(&path, &log)?;
        Ok(ran)
    }

    pub(crate) fn remove(self) -> Result<()> {
        let folder = self.home.parent().unwrap_or(&self.home);
        Ok(fs::remove_dir_all(folder)?)
    }
}
