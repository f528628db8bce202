//! The runs, each on a failing forge of its own.

use std::{fs, path::PathBuf, process::Output, time::Duration};

use anyhow::{Context, Result};
use facade::journal::atomic_write;
use testkit::{
    forge::{Dialect, Faults},
    git::Fixture,
};

use crate::demo_on_forge::{Bed, OWNER, Place};

const RUN: &str = "r1";

/// The question that the demo's agent asks, and a person's answer.
const ASKING: &str = "alert";
const ANSWER: &str = "Wake somebody after one minute.";

/// How often a person lands again before giving up.
const MOST_LANDINGS: u64 = 3;

/// The prepared demo, in which nothing waits but for the work itself.
pub(crate) fn make(program: PathBuf) -> Result<Bed> {
    let bed = Bed::make(program, "forges")?;
    let playbook = bed.template().join("config/playbook.yaml");
    let text = fs::read_to_string(&playbook)?;
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("- sleep:"));
    let lines: Vec<_> = lines.collect();
    atomic_write(&playbook, (lines.join("\n") + "\n").as_bytes())?;
    Ok(bed)
}

/// A run on a forge of its own.
pub(crate) struct Case<'a> {
    bed: &'a Bed,
    place: Place,
    seed: u64,
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
        let settings = "recovery: {delay_percent: 0}\n";
        let options = "settle: 60ms, backoff: 1ms";
        let place = bed.place(dialect, &seed.to_string(), settings, options)?;
        Ok(Self { bed, place, seed })
    }

    pub(crate) fn run(&self) -> Result<Ended> {
        let issue = self.place.forge.write_issue(
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
        self.place.forge.set_faults(faults, self.seed);
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
        self.place.forge.set_faults(Faults::default(), 0);
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            let last: Vec<_> = said.lines().rev().take(8).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            ended
                .wrong
                .push(format!("ends with {}: {}", ran.status, last.join(" | ")));
        }
        self.look(&mut ended);
        let calls = self.place.forge.take_calls();
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
            let git = Fixture::at(self.place.forge.git_dir(OWNER, name));
            let files = git.git(&["ls-tree", "-r", "--name-only", "main"]);
            if !files.lines().any(|file| file == path) {
                ended.wrong.push(format!("{name} lacks {path}"));
            }
            let truth = self.place.forge.truth(OWNER, name);
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
        command.arg("--home").arg(&self.place.home).args(arguments);
        let ran = command.output().context("the program cannot be started")?;
        let log = [&ran.stdout[..], &ran.stderr].concat();
        let path = self
            .place
            .home
            .with_file_name(format!("{}.log", arguments[0]));
        atomic_write(&path, &log)?;
        Ok(ran)
    }

    pub(crate) fn remove(self) -> Result<()> {
        let folder = self.place.home.parent().unwrap_or(&self.place.home);
        Ok(fs::remove_dir_all(folder)?)
    }
}
