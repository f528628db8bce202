//! The demo's repositories on a simulated forge, an issue that becomes a landed change, and others that wait beside it.

use std::{
    collections::BTreeMap,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use testkit::forge::{Call, Dialect};

use crate::demo_on_forge::{Bed, OWNER, Place, REPOSITORIES};

const PERSON: &str = "grace";

/// The question that the demo's agent asks, and a person's answer.
const ANSWER: &str = "/answer alert Wake somebody after one minute.";

/// By default it looks every 30 s at lists that may be 60 s late, and so here at a scale of 1 to 150.
const TIMES: &str = "interval: 200ms";
const SETTLE: &str = "settle: 400ms, backoff: 1ms";
/// Looks that pass before a person has read a plan or a change: half an hour.
const READING: usize = 60;
/// Before one has answered a question, and until it is looked at what was done: ten minutes.
const ANSWERING: usize = 20;

/// What is waited for at most, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(600);
const BETWEEN: Duration = Duration::from_millis(20);

/// Whether reads are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    On,
    Off,
}

/// Calls by method and template of the path.
pub(crate) type Calls = BTreeMap<String, u64>;

/// What one run has asked of the forge.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) calls: Calls,
    pub(crate) n_looks: usize,
    pub(crate) n_unchanged: u64,
}

impl Counted {
    pub(crate) fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// A follower of issues on a forge of its own.
pub(crate) struct Case {
    place: Place,
    follower: Child,
    counted: Counted,
}

impl Case {
    pub(crate) fn begin(bed: &Bed, dialect: Dialect, cache: Cache) -> Result<Self> {
        let settings = format!(
            "recovery: {{delay_percent: 0}}\napprovals: {{plan: true}}\nserve: {{{TIMES}}}\n"
        );
        let options = match cache {
            Cache::On => SETTLE.to_owned(),
            Cache::Off => format!("{SETTLE}, cache: false"),
        };
        let place = bed.place(dialect, &format!("{cache:?}"), &settings, &options)?;
        for name in REPOSITORIES {
            place.forge.set_permission(OWNER, name, PERSON, "write");
        }
        let mut command = bed.automation();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let follower = command
            .arg("--home")
            .arg(&place.home)
            .arg("serve")
            .spawn()?;
        Ok(Self {
            place,
            follower,
            counted: Counted::default(),
        })
    }

    /// Three issues wait for their plans to be approved all the time, one is made a change; the calls of it all.
    pub(crate) fn run(mut self) -> Result<Counted> {
        for (name, issue) in [("frontend", 1), ("infrastructure", 1), ("frontend", 2)] {
            self.ask(name, "Show the service's version");
            self.wait(name, issue, "plan-review")?;
        }
        self.ask("backend", "Show the service's health");
        self.wait("backend", 1, "plan-review")?;
        self.look(READING)?;
        self.say(&self.approval()?);
        self.wait("backend", 1, "needs-attention")?;
        self.wait_for("backend#1 asks nothing", |it| it.shows("Failed: ` alert `"))?;
        self.look(ANSWERING)?;
        self.say(ANSWER);
        self.wait("backend", 1, "merge-ready")?;
        self.look(READING)?;
        self.say(&self.approval()?);
        self.wait("backend", 1, "completed")?;
        self.look(ANSWERING)?;
        self.take();
        Ok(std::mem::take(&mut self.counted))
    }

    /// A person writes an issue and asks for work on it.
    fn ask(&self, name: &str, title: &str) {
        let issue = self.place.forge.write_issue(OWNER, name, PERSON, title, "");
        self.place
            .forge
            .write_label(OWNER, name, issue, PERSON, "needs-planning");
    }

    fn say(&self, text: &str) {
        self.place
            .forge
            .write_comment(OWNER, "backend", 1, PERSON, text);
    }

    /// The line that approves what the issue's comment shows.
    fn approval(&self) -> Result<String> {
        let truth = self.place.forge.truth(OWNER, "backend");
        let comments = truth.iter().filter(|it| it.kind == "comment");
        let mut lines = comments.flat_map(|it| it.body.lines());
        let line = lines.find(|it| it.starts_with("/approve ") || it.starts_with("!approve "));
        Ok(line.context("nothing waits for approval")?.to_owned())
    }

    fn shows(&self, words: &str) -> bool {
        let truth = self.place.forge.truth(OWNER, "backend");
        truth.iter().any(|it| it.body.contains(words))
    }

    fn wait(&mut self, name: &str, issue: u64, label: &str) -> Result<()> {
        let what = format!("{name}#{issue} does not become {label}");
        self.wait_for(&what, |it| {
            let labels = it.place.forge.labels(OWNER, name, issue);
            labels.iter().any(|it| it == label)
        })
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self) {
            ensure!(begun.elapsed() < PATIENCE, "{what}");
            self.take();
            thread::sleep(BETWEEN);
        }
        Ok(())
    }

    /// Lets the follower look so often.
    fn look(&mut self, n: usize) -> Result<()> {
        let begun = Instant::now();
        self.take();
        let until = self.counted.n_looks + n;
        while self.counted.n_looks < until {
            ensure!(begun.elapsed() < PATIENCE, "it does not look any more");
            thread::sleep(BETWEEN);
            self.take();
        }
        Ok(())
    }

    fn take(&mut self) {
        for call in self.place.forge.take_calls() {
            let template = template(&call);
            self.counted.n_looks += usize::from(is_look(&call));
            self.counted.n_unchanged += u64::from(call.status == 304);
            *self.counted.calls.entry(template).or_default() += 1;
        }
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // One that has ended cannot be ended.
        self.follower.kill().ok();
        self.follower.wait().ok();
    }
}

/// Each look begins with a list of the first repository's issues.
fn is_look(call: &Call) -> bool {
    let is_list = call.method == "GET" && call.path.ends_with("backend/issues");
    is_list && call.query.contains("page=1&")
}

/// Method and path of a call, without what names one thing.
fn template(call: &Call) -> String {
    let mut parts = Vec::new();
    let mut path = call.path.trim_start_matches('/').split('/').peekable();
    while let Some(part) = path.next() {
        let is_hash = part.len() >= 40 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '.');
        let part = match part {
            "repos" => {
                path.next();
                path.next();
                "repos/{repo}"
            }
            "projects" => {
                path.next();
                "projects/{repo}"
            }
            "branches" | "heads" if path.peek().is_some() => {
                parts.push(part.to_owned());
                path.by_ref().for_each(drop);
                "{branch}"
            }
            "collaborators" => {
                path.next();
                "collaborators/{login}"
            }
            _ if is_hash => "{commit}",
            _ if part.chars().all(|c| c.is_ascii_digit()) => "{n}",
            part => part,
        };
        parts.push(part.to_owned());
    }
    format!("{} /{}", call.method, parts.join("/"))
}
