//! What every command works with.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use facade::{
    assemble::{Home, HomeSource, RunState, RunStatus, Surroundings},
    core_types::{InvalidName, RunId},
    journal::faults::{Faults, Moment},
    monitoring::fold::Board,
};

use crate::output::Output;

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) surroundings: Surroundings,
    pub(crate) home: Home,
    pub(crate) output: Output,
    /// What `--home` says, made absolute.
    pub(crate) explicit_home: Option<PathBuf>,
}

impl Session {
    pub(crate) fn new(explicit_home: Option<PathBuf>, is_json: bool) -> Result<Self> {
        let current_dir = std::env::current_dir().context("the current folder cannot be read")?;
        let mut surroundings = Surroundings::new(current_dir, std::env::vars_os().collect());
        surroundings.journal.faults = faults(&surroundings)?;
        let home = Home::locate(&surroundings.current_dir, explicit_home.as_deref());
        let explicit_home = explicit_home.map(|home| surroundings.current_dir.join(home));
        Ok(Self {
            surroundings,
            home,
            output: Output { is_json },
            explicit_home,
        })
    }

    /// A new run's id: the time of its start to the millisecond, and a suffix that keeps runs of one moment apart.
    pub(crate) fn new_run(&self, given: Option<&str>) -> Result<RunId> {
        if let Some(given) = given {
            return Ok(RunId::new(given).map_err(refused)?);
        }
        let now = self.surroundings.clock.now();
        let time: String = now
            .to_string()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let (date, time) = time.split_at(8);
        let (millis, suffix) = (now.0 % 1000, std::process::id() & 0xffff);
        // Ids sort as the runs began.
        Ok(RunId::new(format!(
            "{date}-{time}-{millis:03}{suffix:04x}"
        ))?)
    }

    /// A board over the runs of the home.
    pub(crate) fn board(&self) -> Board {
        let source = HomeSource::new(self.home.clone(), self.surroundings.clone());
        Board::new(Arc::new(source), self.surroundings.clock.clone())
    }

    pub(crate) fn status(&self, run: &RunId) -> Result<RunStatus> {
        Ok(RunStatus::read(&self.home, run, &self.surroundings)?)
    }

    /// The run of a name, or the newest of which `wanted` holds.
    pub(crate) fn pick(
        &self,
        name: Option<&str>,
        what: &str,
        wanted: impl Fn(RunState) -> bool,
    ) -> Result<RunId> {
        if let Some(name) = name {
            return Ok(self.home.find_run(name)?);
        }
        for run in self.home.runs()?.into_iter().rev() {
            if self.status(&run).is_ok_and(|status| wanted(status.state)) {
                return Ok(run);
            }
        }
        let error = facade::assemble::Error::Request {
            message: format!("no run in {} {what}", self.home.root().display()),
            hint: "`automation status` lists the runs; --home names another home".to_owned(),
        };
        bail!(error)
    }
}

/// A name that is not valid, as a mistake of the command line.
pub(crate) fn refused(error: InvalidName) -> facade::assemble::Error {
    facade::assemble::Error::Request {
        message: error.to_string(),
        hint: String::new(),
    }
}

/// Ends the process at the n-th append to a journal: `AUTOMATION_CRASH_AT=17:before`.
/// For crash tests alone.
fn faults(surroundings: &Surroundings) -> Result<Option<Faults>> {
    let Some(text) = surroundings.variable("AUTOMATION_CRASH_AT") else {
        return Ok(None);
    };
    let (append, moment) = text
        .split_once(':')
        .context("AUTOMATION_CRASH_AT is not N:MOMENT")?;
    let moment = match moment {
        "before" => Moment::Before,
        "after" => Moment::After,
        _ => bail!("the moment of AUTOMATION_CRASH_AT is neither before nor after"),
    };
    let append = append
        .parse()
        .context("the number of AUTOMATION_CRASH_AT")?;
    Ok(Some(Faults::crash_at(append, moment)))
}
