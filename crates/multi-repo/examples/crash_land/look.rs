//! What a landing has left.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use core_types::step::StepState;
use core_types::{Scope, StepKey};
use engine_checkpoint::{RunView, kind};
use journal::{FoldError, Reader};

use crate::bed::{NAMES, sh};

#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) text: String,
    /// Something was done twice.
    pub(crate) is_duplicate: bool,
}

impl Wrong {
    pub(crate) fn new(text: String) -> Self {
        Self {
            text,
            is_duplicate: false,
        }
    }
}

/// Name, base and commit of each repository.
fn plan(home: &Path) -> Result<Vec<[String; 3]>> {
    let text = fs::read_to_string(home.join("plan"))?;
    let line = |line: &str| {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        words.try_into().ok().context("a line of the plan")
    };
    text.lines().map(line).collect()
}

/// What the branch of a repository points to, read from its file: git itself may be dying there.
fn main_of(home: &Path, name: &str) -> Result<String> {
    let folder = if name == "bare" {
        home.join(name)
    } else {
        home.join(name).join(".git")
    };
    if let Ok(text) = fs::read_to_string(folder.join("refs/heads/main")) {
        return Ok(text.trim().to_owned());
    }
    let packed = fs::read_to_string(folder.join("packed-refs"))?;
    let line = packed
        .lines()
        .find_map(|line| line.strip_suffix(" refs/heads/main"));
    Ok(line.context("main is packed")?.to_owned())
}

/// A target that has moved although the journal does not say that it was decided.
pub(crate) fn undecided(home: &Path) -> Result<Vec<Wrong>> {
    let key = StepKey::new(Scope::Run, 1, "land-decision");
    // A journal that was killed before its header is none.
    let view = RunView::read(home.join("journal")).ok();
    let is_decided = view.is_some_and(|view| {
        view.steps()
            .get(&key)
            .is_some_and(|step| matches!(step.state, StepState::Finished { .. }))
    });
    let mut wrong = Vec::new();
    for [name, base, _] in plan(home)? {
        let now = main_of(home, &name)?;
        if now != base && !is_decided {
            let text = format!("{name} has moved to {now} before the decision");
            wrong.push(Wrong::new(text));
        }
    }
    Ok(wrong)
}

/// A person commits on a target that has not landed yet and that nothing holds; says whether that was so.
pub(crate) async fn move_target(home: &Path) -> Result<bool> {
    let [name, base, _] = &plan(home)?[1];
    if main_of(home, name)? != *base {
        return Ok(false);
    }
    let script = format!(
        "cd {name} && new=$(git commit-tree -p main -m theirs 'main^{{tree}}') && git update-ref refs/heads/main $new {base} 2>/dev/null && echo moved || echo held"
    );
    Ok(sh(home, &script).await? == "moved")
}

/// What is not as it must be after a landing.
pub(crate) async fn landed(home: &Path, is_moved: bool) -> Result<Vec<Wrong>> {
    let mut wrong = Vec::new();
    for (idx, [name, _, commit]) in plan(home)?.into_iter().enumerate() {
        let now = main_of(home, &name)?;
        if now != commit {
            let contains = format!("git -C {name} merge-base --is-ancestor {commit} main");
            let is_merged = is_moved && idx == 1 && sh(home, &contains).await.is_ok();
            if !is_merged {
                wrong.push(Wrong::new(format!(
                    "{name} is at {now} instead of {commit}"
                )));
            }
        }
    }
    for checkout in ["shop", "linked"] {
        let status = sh(home, &format!("git -C {checkout} status --porcelain --ignored; git -C {checkout} symbolic-ref HEAD")).await?;
        if status != "refs/heads/main" {
            wrong.push(Wrong::new(format!("{checkout} is not clean: {status}")));
        }
        let log = format!("git -C {checkout} reflog show main | grep -c 'automation: land' || :");
        let n_moves = sh(home, &log).await?;
        if n_moves != "1" {
            wrong.push(Wrong {
                text: format!("{checkout} was moved {n_moves} times"),
                is_duplicate: true,
            });
        }
    }
    let left = sh(home, "find . -name '*.lock' -not -path './mirrors/*' -not -path './workspaces/*' -not -path './journal/*'; find mirrors -path '*.landings/*'").await?;
    if !left.is_empty() {
        wrong.push(Wrong::new(format!("left behind: {left}")));
    }
    for name in NAMES {
        if let Err(error) = sh(
            home,
            &format!("git -C {name} fsck --no-dangling --no-progress"),
        )
        .await
        {
            wrong.push(Wrong::new(format!("{name}: {error}")));
        }
    }
    wrong.extend(twice(home)?);
    Ok(wrong)
}

/// Steps that have ended twice.
fn twice(home: &Path) -> Result<Vec<Wrong>> {
    let mut finished = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    let mut reader = Reader::open(&home.join("journal"), &journal::Options::default());
    reader.read_each(|record| {
        if record.kind == kind::STEP_FINISHED {
            let value: serde_json::Value = serde_json::from_slice(&record.payload)?;
            let key = value["key"].to_string();
            if !finished.insert(key.clone()) {
                wrong.push(Wrong {
                    text: format!("step {key} has ended twice"),
                    is_duplicate: true,
                });
            }
        }
        Ok::<_, FoldError>(())
    })?;
    Ok(wrong)
}

/// How many appends the journal of a home holds, buffered ones included.
pub(crate) fn n_appends(home: &Path) -> Result<usize> {
    let view = RunView::read(home.join("journal"))?;
    Ok(usize::try_from(view.last_seq())?)
}
