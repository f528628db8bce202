use std::collections::BTreeMap;

use core_types::{
    EventRecord, RunId, StepKey, Timestamp,
    step::{Fingerprint, StepState},
};
use journal::{Fold as _, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::progress::Progress;
use crate::{
    Error, kind,
    record::{Content, RunRecord, Session, StepBegun, StepConsented, StepFinished, VERSION},
    table::CheckpointTable,
};

/// The first record of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The version of this format, now 1.
    pub v: u16,
    /// The run's name.
    pub run: RunId,
    /// When it was created.
    pub created: Timestamp,
    /// What its maker wants to find again: the issue, the configuration.
    pub data: Value,
}

impl RunHeader {
    /// A header of the present version.
    #[must_use]
    pub fn new(run: RunId, created: Timestamp, data: Value) -> Self {
        Self {
            v: VERSION,
            run,
            created,
            data,
        }
    }
}

/// What is recorded of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedStep {
    /// Begun or finished; never new.
    pub state: StepState,
    /// The number of its last execution, from 1.
    pub execution: u32,
    /// When that execution began.
    pub begun: Timestamp,
    /// When it finished, if it has.
    pub finished: Option<Timestamp>,
}

impl RecordedStep {
    pub(crate) fn begun(at: Timestamp, execution: u32, fingerprint: Fingerprint) -> Self {
        let state = StepState::Begun {
            fingerprint,
            execution,
            consent: false,
        };
        Self {
            state,
            execution,
            begun: at,
            finished: None,
        }
    }
}

/// What a run's records amount to, but for its events.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    pub(crate) header: Option<RunHeader>,
    /// How often a process took the run.
    pub(crate) sessions: u32,
    /// By name, with the sequence number of the record.
    pub(crate) values: BTreeMap<String, (u64, Value)>,
    pub(crate) steps: BTreeMap<StepKey, RecordedStep>,
    pub(crate) checkpoints: CheckpointTable,
    pub(crate) progress: Progress,
}

impl RunState {
    /// Takes a record in; passes over kinds that it does not know.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), journal::FoldError> {
        match record.kind {
            kind::RUN_HEADER => {
                // The first counts: nothing may change what a run was made for.
                let header = RunHeader::decode(record)?;
                self.header.get_or_insert(header);
            }
            kind::SESSION => self.sessions = Session::decode(record)?.session,
            kind::RUN_RECORD => {
                let RunRecord { name, value, .. } = RunRecord::decode(record)?;
                self.set_value(record.seq, name, value);
            }
            kind::STEP_BEGUN => {
                let begun = StepBegun::decode(record)?;
                self.begin(begun.at, begun.key, begun.execution, begun.fingerprint);
            }
            kind::STEP_FINISHED => {
                let StepFinished {
                    at, key, result, ..
                } = StepFinished::decode(record)?;
                self.finish(at, &key, result)?;
            }
            kind::EVENT => self.progress.take(&EventRecord::decode(record)?.event),
            kind::STEP_CONSENTED => self.consent(&StepConsented::decode(record)?.key),
            _ => self.checkpoints.apply(record)?,
        }
        Ok(())
    }

    /// The last of a name by its place in the journal; calls may end in another order.
    pub(crate) fn set_value(&mut self, seq: u64, name: String, value: Value) {
        let newest = self.values.get(&name).map_or(0, |(newest, _)| *newest);
        if seq > newest {
            self.values.insert(name, (seq, value));
        }
    }

    pub(crate) fn begin(
        &mut self,
        at: Timestamp,
        key: StepKey,
        execution: u32,
        fingerprint: Fingerprint,
    ) {
        let begun = RecordedStep::begun(at, execution, fingerprint);
        self.steps.insert(key, begun);
    }

    pub(crate) fn finish(
        &mut self,
        at: Timestamp,
        key: &StepKey,
        result: Value,
    ) -> Result<(), Error> {
        let step = self.steps.get_mut(key);
        let step = step.ok_or_else(|| Error::Inconsistent { key: key.clone() })?;
        if let StepState::Begun { fingerprint, .. } | StepState::Finished { fingerprint, .. } =
            &step.state
        {
            let fingerprint = fingerprint.clone();
            step.state = StepState::Finished {
                fingerprint,
                result,
            };
            step.finished = Some(at);
        }
        Ok(())
    }

    pub(crate) fn consent(&mut self, key: &StepKey) {
        let state = self.steps.get_mut(key).map(|step| &mut step.state);
        if let Some(StepState::Begun { consent, .. }) = state {
            *consent = true;
        }
    }

    /// Whether an event belongs to no step, or to the last execution of its step.
    pub(crate) fn is_current(&self, event: &EventRecord) -> bool {
        let Some(step) = &event.step else {
            return true;
        };
        let last = self.steps.get(&step.key).map(|step| step.execution);
        last.is_none_or(|last| last == step.execution)
    }
}
