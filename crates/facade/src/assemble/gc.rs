use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use core_types::{RunId, Timestamp};
use engine_checkpoint::RunJournal;
use git_workspace::Places;
use serde::Serialize;

use super::{
    Error, Home, RunRecord, RunState, RunStatus, Surroundings, assembly::git, monitor::keep,
    request::configured,
};

/// What begins the name of a run's folder that is being removed; no run's name does.
const GONE: &str = ".gone-";

/// What [`collect`] does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collecting {
    /// Removes it.
    Remove,
    /// Only tells of it.
    DryRun,
}

/// A run that `automation gc` removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Which run.
    pub run: RunId,
    /// How it ended.
    pub state: RunState,
    /// How long ago it was begun.
    pub age: Duration,
    /// The bytes of its folder.
    pub bytes: u64,
}

/// Removes the ended runs that the configured retention does not keep: their
/// folders, and their references in the mirrors. Oldest first; safe to repeat after a kill.
///
/// Runs that have not ended, that wait, that a process holds or that cannot be
/// read stay. Branches in the user's repositories stay, too.
///
/// # Errors
///
/// What is wrong with the configuration; what could not be removed.
pub async fn collect(
    home: &Home,
    surroundings: &Surroundings,
    collecting: Collecting,
) -> Result<Vec<Collected>, Error> {
    let retention = configured(home, surroundings)?.retention;
    let git = git(surroundings).await?;
    let places = Places {
        mirrors: home.state().join("mirrors"),
        workspaces: home.state().join("workspaces"),
    };
    let now = surroundings.clock.now();
    let mut expired: Vec<_> = ended(home, surroundings)?
        .into_iter()
        .enumerate()
        .filter(|(position, (created, ..))| {
            let is_old = retention
                .max_age
                .is_some_and(|max| now.since(*created) > max);
            is_old || *position >= retention.keep_runs as usize
        })
        .map(|(_, run)| run)
        .collect();
    expired.reverse();
    if collecting == Collecting::Remove {
        for left in left_overs(home) {
            remove(&left)?;
        }
    }
    let mut collected = Vec::with_capacity(expired.len());
    for (created, run, state) in expired {
        let folder = home.run_folder(&run);
        let found = Collected {
            state,
            age: now.since(created),
            bytes: size(&folder),
            run,
        };
        if collecting == Collecting::Remove {
            let run = &found.run;
            // Whoever holds it since a moment ago keeps it.
            let held = RunJournal::open(folder.join("journal"), &surroundings.checkpoint_options());
            let _held = match held.map_err(|source| Error::journal(run, source)) {
                Ok(held) => held,
                Err(Error::Held { .. }) => continue,
                Err(error) => return Err(error),
            };
            // Its figures survive it.
            keep(home, surroundings, run).await?;
            for source in RunRecord::read(home, run, surroundings)?.sources {
                git_workspace::forget_run(&git, &places, &source.name, run).await?;
            }
            let gone = folder.with_file_name(format!("{GONE}{run}"));
            fs::rename(&folder, &gone).map_err(io("remove", &folder))?;
            remove(&gone)?;
        }
        collected.push(found);
    }
    Ok(collected)
}

/// The runs that have ended, newest first.
fn ended(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Vec<(Timestamp, RunId, RunState)>, Error> {
    let mut ended = Vec::new();
    for run in home.runs()? {
        let Ok(status) = RunStatus::read(home, &run, surroundings) else {
            continue;
        };
        match status.state {
            RunState::Done | RunState::Failed | RunState::Partial | RunState::Aborted => {
                ended.push((status.created, run, status.state));
            }
            RunState::Running | RunState::Paused | RunState::Waiting => {}
        }
    }
    ended.sort_by(|(one, run, _), (other, other_run, _)| (other, other_run).cmp(&(one, run)));
    Ok(ended)
}

/// Folders whose removal a kill cut off.
fn left_overs(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.state().join("runs"))
        .into_iter()
        .flatten();
    let names = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(GONE)
    });
    names.map(|entry| entry.path()).collect()
}

fn remove(folder: &Path) -> Result<(), Error> {
    fs::remove_dir_all(folder).map_err(io("remove", folder))
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        operation,
        path,
        source,
    }
}

/// The bytes of all files below a folder; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
