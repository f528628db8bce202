//! What a run has left: the user's repositories, the forge, and its journal.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use facade::{
    engine_checkpoint::kind,
    journal::{FoldError, Options, Reader},
};
use serde_json::Value;

use crate::bed::{Bed, REPOSITORIES, command};

/// What must be the same after a run that was killed and one that was not.
/// The run's name is cut out of it.
#[derive(Debug)]
pub(crate) struct World {
    /// What it is, by a name for people.
    shown: BTreeMap<String, String>,
    /// What there must be one of, and how many there are.
    counts: BTreeMap<String, usize>,
    /// What is wrong whatever the other run shows.
    wrong: Vec<Difference>,
}

#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) text: String,
    /// Something was done twice.
    pub(crate) is_duplicate: bool,
}

impl Difference {
    pub(crate) fn new(text: String) -> Self {
        Self {
            text,
            is_duplicate: false,
        }
    }

    fn duplicate(text: String) -> Self {
        Self {
            text,
            is_duplicate: true,
        }
    }
}

impl World {
    pub(crate) fn look(bed: &Bed, run: &str, n_kills: u64) -> Result<Self> {
        let mut world = Self {
            shown: BTreeMap::new(),
            counts: BTreeMap::new(),
            wrong: Vec::new(),
        };
        let home = bed.home(run);
        for name in REPOSITORIES {
            world.repository(name, &home.join(name), run)?;
        }
        world.forge(bed, run)?;
        world.journal(&home.join(".automation/runs").join(run), n_kills)?;
        Ok(world)
    }

    /// What is wrong by itself.
    pub(crate) fn wrong(&self) -> Vec<Difference> {
        let more = self.counts.iter().filter(|(_, count)| **count != 1);
        let more = more.map(|(what, count)| Difference {
            text: format!("{what}: {count} instead of 1"),
            is_duplicate: *count > 1,
        });
        self.wrong.iter().cloned().chain(more).collect()
    }

    /// Where this differs from an unkilled run.
    pub(crate) fn differences(&self, reference: &Self) -> Vec<Difference> {
        let names = self.shown.keys().chain(reference.shown.keys());
        let mut differences = BTreeMap::new();
        for name in names {
            let (now, expected) = (self.shown.get(name), reference.shown.get(name));
            if now != expected {
                let text = format!("{name} is {now:?} instead of {expected:?}");
                differences.insert(name, Difference::new(text));
            }
        }
        differences.into_values().collect()
    }

    fn repository(&mut self, name: &str, folder: &Path, run: &str) -> Result<()> {
        let mut show = |what: &str, text: String| {
            let text = text.replace(run, "RUN");
            self.shown.insert(format!("{what} of {name}"), text);
        };
        show("tree", git(folder, &["rev-parse", "main^{tree}"])?);
        show("head", git(folder, &["symbolic-ref", "HEAD"])?);
        show(
            "refs",
            git(folder, &["for-each-ref", "--format=%(refname)"])?,
        );
        let status = [
            "status",
            "--porcelain",
            "--ignored",
            "--untracked-files=all",
        ];
        show("status", git(folder, &status)?);
        // Which of two parallel tasks comes first decides whether there is a merge.
        let log = git(folder, &["log", "--no-merges", "--format=%s", "main"])?;
        let mut subjects: Vec<_> = log.lines().collect();
        subjects.sort_unstable();
        show("commits", subjects.join(", "));
        show("stash", git(folder, &["stash", "list"])?);
        let moves = fs::read_to_string(folder.join(".git/logs/refs/heads/main"))?;
        show("moves of main", moves.lines().count().to_string());
        // Locks, and whatever else was forgotten there.
        let mut files = Vec::new();
        list(&folder.join(".git"), &mut files)?;
        files.sort();
        show("files in .git", files.join(" "));
        show(
            "fsck",
            git(folder, &["fsck", "--no-dangling", "--no-progress"])?,
        );
        let published = format!("automation/{run}/change");
        let (main, published) = (
            git(folder, &["rev-parse", "main"])?,
            git(folder, &["rev-parse", "--verify", &published])?,
        );
        if main != published {
            let text = format!("{name}: main is at {main}, the published branch at {published}");
            self.wrong.push(Difference::new(text));
        }
        Ok(())
    }

    fn forge(&mut self, bed: &Bed, run: &str) -> Result<()> {
        let listed = json(bed, run, &["--json", "issue", "ls"])?;
        for repository in listed.as_array().context("a list of repositories")? {
            let name = repository["repository"].as_str().unwrap_or_default();
            let requests = repository["pull_requests"].as_array();
            let requests = requests.context("a list of pull requests")?;
            self.counts
                .insert(format!("pull requests of {name}"), requests.len());
            for request in requests {
                if request["state"] != "merged" {
                    let text = format!("a pull request of {name} is {}", request["state"]);
                    self.wrong.push(Difference::new(text));
                }
            }
            let issues = repository["issues"].as_array().context("issues")?;
            let states: Vec<_> = issues.iter().map(|it| it["state"].to_string()).collect();
            self.shown
                .insert(format!("issues of {name}"), states.join(", "));
        }
        let issue = json(bed, run, &["--json", "issue", "show", "1"])?;
        let comments = issue["comments"].as_array().context("comments")?;
        let is_report = |comment: &&Value| {
            let body = comment["body"].as_str().unwrap_or_default();
            body.contains("automation answer")
        };
        let n_reports = comments.iter().filter(is_report).count();
        self.counts
            .insert("reports on the issue".to_owned(), n_reports);
        self.counts.insert(
            "other comments on the issue".to_owned(),
            comments.len() - n_reports,
        );
        Ok(())
    }

    /// Each step is finished once, and not begun again; only kills make it be begun more than once.
    fn journal(&mut self, folder: &Path, n_kills: u64) -> Result<()> {
        let mut begun: BTreeMap<String, u64> = BTreeMap::new();
        let mut finished: BTreeMap<String, u64> = BTreeMap::new();
        let wrong = &mut self.wrong;
        let mut reader = Reader::open(&folder.join("journal"), &Options::default());
        reader.read_each(|record| {
            if !matches!(record.kind, kind::STEP_BEGUN | kind::STEP_FINISHED) {
                return Ok(());
            }
            let value: Value = serde_json::from_slice(&record.payload)?;
            let key = value["key"].to_string();
            if finished.contains_key(&key) {
                let text = format!("step {key} goes on after its end, at {}", record.seq);
                wrong.push(Difference::duplicate(text));
            }
            let of_kind = if record.kind == kind::STEP_BEGUN {
                &mut begun
            } else {
                &mut finished
            };
            *of_kind.entry(key).or_default() += 1;
            Ok::<_, FoldError>(())
        })?;
        for (key, count) in &begun {
            if *count > 1 + n_kills {
                let text = format!("step {key} was begun {count} times with {n_kills} kills");
                wrong.push(Difference::duplicate(text));
            }
            if !finished.contains_key(key) {
                wrong.push(Difference::new(format!("step {key} has no end")));
            }
        }
        // An answer that was cut off is given again; the second has nothing to say.
        let is_answer = |key: &String| key.contains("\"reopen\"");
        let steps: Vec<_> = finished.into_keys().filter(|key| !is_answer(key)).collect();
        self.shown.insert("steps".to_owned(), steps.join(" "));
        Ok(())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = command("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()?;
    // What fails is shown as what it says, and so differs from what does not.
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

fn json(bed: &Bed, run: &str, arguments: &[&str]) -> Result<Value> {
    let output = bed.ask(run, arguments)?;
    ensure!(output.status.success(), "{arguments:?} fails: {output:?}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The files below a git directory, but for its objects.
fn list(folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "objects" {
                list(&entry.path(), files)?;
            }
        } else {
            let path = entry.path();
            let from = path.to_string_lossy();
            let (_, inside) = from.split_once("/.git/").unwrap_or(("", &from));
            files.push(inside.to_owned());
        }
    }
    Ok(())
}
