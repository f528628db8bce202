use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use core_types::{Checkpoint, EventRecord, PlanId, StepKey};
use journal::Reader;
use serde_json::Value;

use super::{RecordedStep, RunHeader, state::RunState};
use crate::{Error, kind, record::Content};

/// A run as its journal shows it, read by any process, also while another one
/// holds the run. It takes no lock and writes nothing.
///
/// What a live holder has written a moment ago may be seen before it is on disk.
#[derive(Debug)]
pub struct RunView {
    dir: PathBuf,
    reader: Reader,
    header: RunHeader,
    records: Records,
}

#[derive(Debug, Default)]
struct Records {
    state: RunState,
    events: Vec<(u64, EventRecord)>,
}

impl Records {
    /// How many records came.
    fn read(&mut self, reader: &mut Reader) -> Result<usize, Error> {
        let mut count = 0;
        reader.read_each(|record| {
            if record.kind == kind::EVENT {
                self.events.push((record.seq, EventRecord::decode(record)?));
            } else {
                self.state.apply(record)?;
            }
            count += 1;
            Ok::<_, journal::FoldError>(())
        })?;
        Ok(count)
    }
}

impl RunView {
    /// Reads the run in a folder, blocking.
    ///
    /// # Errors
    ///
    /// `NotFound` ([`Error::NoRun`]), `Validation` (a newer format), `Internal` (damage, or the disk).
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_with(dir, &journal::Options::default())
    }

    /// As [`RunView::read`]; only the storage of the options matters.
    ///
    /// # Errors
    ///
    /// As [`RunView::read`].
    pub fn read_with(dir: impl AsRef<Path>, options: &journal::Options) -> Result<Self, Error> {
        let dir = dir.as_ref().to_owned();
        let mut reader = Reader::open(&dir, options);
        let mut records = Records::default();
        records.read(&mut reader)?;
        match records.state.header.clone() {
            None => Err(Error::NoRun { dir }),
            Some(header) => Ok(Self {
                dir,
                reader,
                header,
                records,
            }),
        }
    }

    /// Reads what has come since, blocking. Returns how many records that were.
    ///
    /// # Errors
    ///
    /// As [`RunView::read`]; what was read before stays.
    pub fn refresh(&mut self) -> Result<usize, Error> {
        self.records.read(&mut self.reader)
    }

    /// Whether a live process holds the run.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` or `Internal` when the lock cannot be looked at.
    pub fn is_held(&self) -> Result<bool, Error> {
        Ok(journal::is_locked(&self.dir)?)
    }

    /// The run's first record.
    #[must_use]
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// How often a process has taken the run.
    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.records.state.sessions
    }

    /// The last value recorded under a name.
    #[must_use]
    pub fn run_record(&self, name: &str) -> Option<&Value> {
        let recorded = self.records.state.values.get(name);
        recorded.map(|(_, value)| value)
    }

    /// All steps that were ever begun.
    #[must_use]
    pub fn steps(&self) -> &BTreeMap<StepKey, RecordedStep> {
        &self.records.state.steps
    }

    /// What happened, in order, with the numbers of the records: all events
    /// but those of executions that were followed by another of the same step.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (u64, &EventRecord)> {
        let state = &self.records.state;
        let events = self.records.events.iter().map(|(seq, event)| (*seq, event));
        events.filter(move |(_, event)| state.is_current(event))
    }

    /// All events in order, with the numbers of the records.
    #[must_use]
    pub fn all_events(&self) -> &[(u64, EventRecord)] {
        &self.records.events
    }

    /// All checkpoints, oldest first.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Checkpoint> {
        self.records.state.checkpoints.all()
    }

    /// The newest checkpoint of a plan; of the given stage, if one is given.
    #[must_use]
    pub fn latest_checkpoint(&self, plan: &PlanId, stage: Option<&str>) -> Option<&Checkpoint> {
        self.records.state.checkpoints.latest(plan, stage)
    }

    /// The number of the last record that was read.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.reader.last_seq()
    }
}
