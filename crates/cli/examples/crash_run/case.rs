//! One run, killed and resumed.

use std::{
    fmt,
    fs::{self, File},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use facade::engine_checkpoint::RunView;

use crate::{
    bed::Bed,
    survivors,
    world::{Difference, World},
};

/// Nothing takes that long, but what hangs.
const DEADLINE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    /// So long after the start.
    Instant(Duration),
    /// By itself at the n-th append.
    Append(u64, Moment),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

impl Moment {
    pub(crate) fn of(n: u64) -> Self {
        if n == 0 { Self::Before } else { Self::After }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Case {
    name: String,
    /// Of the run, then of the resumes.
    kills: Vec<Kill>,
    /// Whether what was killed may end before the resume. Whoever restarts a
    /// program at once does not wait for that.
    waits: bool,
    max_workers: &'static str,
}

/// How the run that was to be killed came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Alone,
    Killed,
}

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) ended: Ended,
    pub(crate) world: World,
    pub(crate) differences: Vec<Difference>,
}

/// How one process came to its end.
enum Exit {
    Code(i32),
    Killed,
    Hung,
}

/// The command that goes on with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Begin,
    Resume,
    /// The demo's question has been handed to a person.
    Answer,
}

impl Case {
    pub(crate) fn new(name: String, kill: Kill, more: Vec<Kill>) -> Self {
        let kills = [vec![kill], more].concat();
        let is_even = name.bytes().map(u32::from).sum::<u32>().is_multiple_of(2);
        Self {
            waits: is_even,
            max_workers: if name.len().is_multiple_of(2) {
                "2"
            } else {
                "4"
            },
            name,
            kills,
        }
    }

    pub(crate) fn unkilled(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kills: Vec::new(),
            waits: true,
            max_workers: "2",
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Kills and resumes until the run has ended, then compares; also whether
    /// the home still takes another run.
    pub(crate) fn run(&self, bed: &Bed, reference: Option<&World>) -> Result<Finished> {
        let home = bed.copy(&self.name)?;
        let mut differences = Vec::new();
        let mut n_kills = 0;
        let mut survived_by = Vec::new();
        let mut kills = self.kills.iter().copied();
        let mut next = Next::Begin;
        // One is for the answer to the demo's question, and one more where that was killed.
        let mut tries_left = 4 + self.kills.len();
        loop {
            let kill = kills.next();
            let exit = self.one_process(bed, next, kill)?;
            if self.waits || !matches!(exit, Exit::Killed) {
                let killed = bed.killed(&self.name);
                File::create(&killed)?;
                survived_by.extend(survivors::wait(&self.name, &home));
                fs::remove_file(killed)?;
            }
            match exit {
                Exit::Killed => n_kills += 1,
                Exit::Code(0) => break,
                // The run has failed because nobody answered yet, or the answer was cut off.
                Exit::Code(1) if tries_left > 1 => {
                    tries_left -= 1;
                    next = Next::Answer;
                    continue;
                }
                Exit::Code(code) => {
                    differences.push(Difference::new(format!("exit code {code}")));
                }
                Exit::Hung => differences.push(Difference::new("it hung".to_owned())),
            }
            tries_left -= 1;
            if tries_left == 0 {
                break;
            }
            // A run that was killed before its first record was on disk is begun anew.
            let folder = home.join(".automation/runs").join(&self.name);
            next = if RunView::read(folder.join("journal")).is_ok() {
                Next::Resume
            } else {
                Next::Begin
            };
        }
        differences.extend(survived_by.into_iter().map(Difference::new));

        let world = World::look(bed, &self.name, n_kills)?;
        differences.extend(world.wrong());
        if let Some(reference) = reference {
            differences.extend(world.differences(reference));
            differences.extend(another_run(bed, &self.name)?);
        }
        let ended = if n_kills == 0 {
            Ended::Alone
        } else {
            Ended::Killed
        };
        Ok(Finished {
            ended,
            world,
            differences,
        })
    }

    fn one_process(&self, bed: &Bed, next: Next, kill: Option<Kill>) -> Result<Exit> {
        let begin = [
            "run",
            "1",
            "--workflow",
            "full-stack-feature",
            "--land",
            "--update-checkout",
            "--max-workers",
            self.max_workers,
            "--run-id",
            &self.name,
        ];
        let resume = ["resume", &self.name];
        let answer = ["answer", "alert", "After one minute.", "--run", &self.name];
        let arguments: &[&str] = match next {
            Next::Begin => &begin,
            Next::Resume => &resume,
            Next::Answer => &answer,
        };
        let (crash_at, instant) = match kill {
            None => (None, None),
            Some(Kill::Instant(instant)) => (None, Some(instant)),
            Some(Kill::Append(append, moment)) => {
                (Some(format!("{append}:{}", moment.word())), None)
            }
        };
        let child = bed.start(&self.name, arguments, crash_at)?;
        wait(child, instant)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kills, .. } = self;
        write!(f, "{name} (killed at {kills:?})")
    }
}

/// Waits for the end, kills at the instant.
fn wait(mut child: Child, instant: Option<Duration>) -> Result<Exit> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code().map_or(Exit::Killed, Exit::Code));
        }
        let elapsed = started.elapsed();
        let is_due = instant.is_some_and(|instant| elapsed >= instant);
        if is_due || elapsed > DEADLINE {
            child.kill()?;
            let status = child.wait()?;
            return Ok(match status.code() {
                Some(code) => Exit::Code(code),
                None if is_due => Exit::Killed,
                None => Exit::Hung,
            });
        }
        let left = instant.map_or(DEADLINE, |instant| instant - elapsed);
        thread::sleep(left.min(Duration::from_millis(1)));
    }
}

/// Nothing that is left over may be in the way of the next run.
fn another_run(bed: &Bed, case: &str) -> Result<Vec<Difference>> {
    let again = format!("{case}-again");
    let arguments = [
        "run",
        "--title",
        "Say it again",
        "--agent",
        "sh:echo again >> README.md",
        "--run-id",
        &again,
    ];
    let child = bed.start(case, &arguments, None)?;
    let code = match wait(child, None)? {
        Exit::Code(code) => code,
        Exit::Killed => bail!("somebody else kills our processes"),
        Exit::Hung => return Ok(vec![Difference::new("another run hung".to_owned())]),
    };
    let log = fs::read_to_string(bed.log(case)).context("the log of a case")?;
    let last = log.lines().last().unwrap_or_default();
    Ok((code != 0)
        .then(|| Difference::new(format!("another run exits with {code}: {last}")))
        .into_iter()
        .collect())
}
