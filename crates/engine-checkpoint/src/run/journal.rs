use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use core_types::{
    Checkpoint, CheckpointId, CheckpointStore, Clock, Event, EventRecord, EventSink, PlanId,
    PlanState, PortError, StepKey, StepLog, StepRef, TaskId, TaskStatus, Timestamp,
    step::{Fingerprint, StepState},
};
use journal::{Journal, Reader};
use serde_json::Value;

use super::{RunHeader, state::RunState};
use crate::{
    Error, Options,
    record::{
        CheckpointMade, Content, RunRecord, Session, StepBegun, StepConsented, StepFinished,
        VERSION,
    },
    table::{check_stage, id_of},
};

/// The journal of a run that this process holds. Clones and views are the same one.
///
/// The run is held until the last of them is dropped, which blocks while
/// events that are still buffered are written.
///
/// ```
/// use core_types::{RunId, Scope, StepKey, Timestamp, step::{self, Fingerprint, Step, WhenUnknown}};
/// use engine_checkpoint::{Options, RunHeader, RunJournal};
/// use serde_json::json;
///
/// # async fn example(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
/// let header = RunHeader::new(RunId::new("run-1")?, Timestamp(0), json!({"issue": 7}));
/// let run = RunJournal::create(dir, &Options::default(), header)?;
/// let step = || {
///     let key = StepKey::new(Scope::Run, 1, "count");
///     Step::new(key, Fingerprint::new(), WhenUnknown::Idempotent)
/// };
/// let counted: u32 = step::run(&*run.steps(), step(), |_| async { Ok(3) }).await?;
/// drop(run); // or the process is killed
///
/// let run = RunJournal::open(dir, &Options::default())?;
/// assert_eq!(run.session(), 2);
/// let again: u32 = step::run(&*run.steps(), step(), |_| async { unreachable!() }).await?;
/// assert_eq!(again, counted);
/// # Ok(())
/// # }
/// # let folder = tempfile::tempdir()?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(folder.path()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RunJournal {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    journal: Journal,
    clock: Arc<dyn Clock>,
    header: RunHeader,
    session: u32,
    /// Where both locks are held, this one is taken first.
    state: Mutex<RunState>,
    /// Why an event could not be taken; told once, by the next step record or flush.
    event_failure: Mutex<Option<Error>>,
}

impl RunJournal {
    /// Makes a run in a folder, which is created, and holds it. Blocks on the disk.
    ///
    /// A folder whose creation was cut off before the header was on disk is taken over.
    ///
    /// # Errors
    ///
    /// `Conflict` ([`Error::Exists`], [`Error::Locked`]), `ResourceExhausted`, `Internal`.
    pub fn create(
        dir: impl AsRef<Path>,
        options: &Options,
        header: RunHeader,
    ) -> Result<Self, Error> {
        Self::take(dir.as_ref(), options, Some(header))
    }

    /// Takes a run to go on with it. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// `NotFound` ([`Error::NoRun`]), `Conflict` ([`Error::Locked`]: a live process holds it),
    /// `Validation` (a newer format), `ResourceExhausted`, `Internal` (damage).
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let dir = dir.as_ref();
        be_run(dir, &options.journal)?;
        Self::take(dir, options, None)
    }

    /// Adds an event of no step to a run that no process holds, which is not a session of it. Blocks
    /// on the disk; the event is on it when this returns.
    ///
    /// # Errors
    ///
    /// As [`RunJournal::open`].
    pub fn tell(dir: impl AsRef<Path>, options: &Options, event: Event) -> Result<(), Error> {
        let dir = dir.as_ref();
        be_run(dir, &options.journal)?;
        let replay = |_: &journal::Record| Ok::<_, journal::FoldError>(());
        let journal = Journal::create_or_open(dir, options.journal.clone(), replay)?;
        let record = EventRecord {
            v: VERSION,
            at: options.clock.now(),
            step: None,
            event,
        };
        journal.append_blocking(EventRecord::KIND, record.encode()?)?;
        Ok(())
    }

    fn take(dir: &Path, options: &Options, new: Option<RunHeader>) -> Result<Self, Error> {
        let mut state = RunState::default();
        let replay = |record: &journal::Record| state.apply(record);
        let journal = Journal::create_or_open(dir, options.journal.clone(), replay)?;
        let dir = || dir.to_owned();
        let header = match (state.header.clone(), new) {
            (Some(_), Some(_)) => return Err(Error::Exists { dir: dir() }),
            // Something else than a run is kept there: a run's header is always the first record.
            (None, Some(_)) if journal.last_seq() > 0 => return Err(Error::Exists { dir: dir() }),
            (None, None) => return Err(Error::NoRun { dir: dir() }),
            (Some(header), None) => header,
            (None, Some(header)) => {
                journal.append_buffered(RunHeader::KIND, header.encode()?)?;
                header
            }
        };
        state.sessions += 1;
        let session = Session {
            v: VERSION,
            session: state.sessions,
            at: options.clock.now(),
        };
        journal.append_blocking(Session::KIND, session.encode()?)?;
        let held = Held {
            journal,
            clock: Arc::clone(&options.clock),
            header,
            session: session.session,
            state: Mutex::new(state),
            event_failure: Mutex::default(),
        };
        Ok(Self {
            held: Arc::new(held),
        })
    }

    /// The record of the run's steps.
    #[must_use]
    pub fn steps(&self) -> Arc<dyn StepLog> {
        Arc::clone(&self.held) as _
    }

    /// The run's checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> Arc<dyn CheckpointStore> {
        Arc::clone(&self.held) as _
    }

    /// The run's events. Those of a step are on disk before the step's next record is.
    #[must_use]
    pub fn events(&self) -> Arc<dyn EventSink> {
        Arc::clone(&self.held) as _
    }

    /// Where the run's plan stands, as its events show it: a stage is complete when the next one
    /// has started, the last one when the run has ended well.
    #[must_use]
    pub fn plan_state(&self) -> Arc<dyn PlanState> {
        Arc::clone(&self.held) as _
    }

    /// The run's first record.
    #[must_use]
    pub fn header(&self) -> &RunHeader {
        &self.held.header
    }

    /// How often a process has taken the run, this one included; from 1.
    #[must_use]
    pub fn session(&self) -> u32 {
        self.held.session
    }

    /// The torn tail that a crash of the run's last holder left and that was cut, if any.
    #[must_use]
    pub fn recovered(&self) -> Option<&journal::Recovered> {
        self.held.journal.recovered()
    }

    /// Records a value under a name; an earlier one of the name counts no longer.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` (disk full or read-only), `Validation` (more than a record takes), `Internal`.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have recorded the value, which then counts from the next opening.
    pub async fn append_run_record(&self, name: &str, value: Value) -> Result<(), Error> {
        let record = RunRecord {
            v: VERSION,
            name: name.to_owned(),
            value,
        };
        let seq = self.held.append(&record)?.await?;
        self.held.state().set_value(seq, record.name, record.value);
        Ok(())
    }

    /// The last value recorded under a name.
    #[must_use]
    pub fn run_record(&self, name: &str) -> Option<Value> {
        let state = self.held.state();
        state.values.get(name).map(|(_, value)| value.clone())
    }
}

impl Held {
    fn state(&self) -> MutexGuard<'_, RunState> {
        // Nothing under this lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Queues a durable record, which gives it its place; the future waits for the disk.
    fn append<C: Content>(
        &self,
        content: &C,
    ) -> Result<impl Future<Output = Result<u64, Error>> + Send + use<C>, Error> {
        let appended = self.journal.append(C::KIND, content.encode()?);
        Ok(async move { Ok(appended.await?) })
    }

    /// Queues a record of a step, unless an event before it could not be taken.
    fn append_step<C: Content>(
        &self,
        content: &C,
    ) -> Result<impl Future<Output = Result<u64, Error>> + Send + use<C>, Error> {
        self.events_taken()?;
        self.append(content)
    }

    fn event_failure(&self) -> MutexGuard<'_, Option<Error>> {
        self.event_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn events_taken(&self) -> Result<(), Error> {
        self.event_failure().take().map_or(Ok(()), Err)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), Error> {
        let begun = StepBegun {
            v: VERSION,
            at: self.now(),
            key: key.clone(),
            execution,
            fingerprint: fingerprint.clone(),
        };
        let appended = {
            let state = self.state();
            let last = state.steps.get(key);
            if last.is_some_and(|step| step.finished.is_some()) {
                return Err(order(key, "is finished"));
            }
            let last = last.map_or(0, |step| step.execution);
            if last.checked_add(1) != Some(execution) {
                return Err(order(
                    key,
                    format!("was begun {last} times before execution {execution}"),
                ));
            }
            self.append_step(&begun)?
        };
        appended.await?;
        self.state()
            .begin(begun.at, begun.key, execution, begun.fingerprint);
        Ok(())
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), Error> {
        let finished = StepFinished {
            v: VERSION,
            at: self.now(),
            key: key.clone(),
            execution,
            result,
        };
        let appended = {
            let state = self.state();
            let step = state.steps.get(key);
            if step.is_none_or(|step| step.finished.is_some() || step.execution != execution) {
                let reason =
                    format!("does not have execution {execution} as its last and open one");
                return Err(order(key, reason));
            }
            self.append_step(&finished)?
        };
        appended.await?;
        self.state().finish(finished.at, key, finished.result)
    }

    async fn consent(&self, key: &StepKey) -> Result<(), Error> {
        let consented = StepConsented {
            v: VERSION,
            at: self.now(),
            key: key.clone(),
        };
        let appended = {
            let state = self.state();
            match state.steps.get(key).map(|step| &step.state) {
                Some(StepState::Begun { consent: false, .. }) => self.append_step(&consented)?,
                // It is given already, or comes too late to matter.
                Some(StepState::Begun { .. } | StepState::Finished { .. }) => return Ok(()),
                Some(StepState::New) | None => return Err(Error::NotBegun { key: key.clone() }),
            }
        };
        appended.await?;
        self.state().consent(key);
        Ok(())
    }

    async fn create(&self, plan: &PlanId, stage: &str, data: Value) -> Result<CheckpointId, Error> {
        let made = CheckpointMade {
            v: VERSION,
            at: self.now(),
            plan: plan.clone(),
            stage: check_stage(stage)?,
            data,
        };
        let seq = self.append_step(&made)?.await?;
        self.state().checkpoints.insert(seq, made);
        Ok(id_of(seq))
    }

    fn take_event(&self, record: &EventRecord) -> Result<(), Error> {
        self.journal
            .append_buffered(EventRecord::KIND, record.encode()?)?;
        self.state().progress.take(&record.event);
        Ok(())
    }
}

/// Taking a journal creates it where there is none: a mistyped path stays as it was.
fn be_run(dir: &Path, options: &journal::Options) -> Result<(), Error> {
    match is_run(dir, options)? {
        true => Ok(()),
        false => Err(Error::NoRun {
            dir: dir.to_owned(),
        }),
    }
}

/// Whether the journal's first record is a run's header.
fn is_run(dir: &Path, options: &journal::Options) -> Result<bool, Error> {
    let mut first = None;
    let read = Reader::open(dir, options).read_each(|record| {
        first = Some(record.kind);
        Err("one record is enough")
    });
    match (first, read) {
        (None, Err(error)) => Err(error.into()),
        (first, _) => Ok(first == Some(RunHeader::KIND)),
    }
}

fn order(key: &StepKey, reason: impl Into<String>) -> Error {
    Error::Order {
        key: key.clone(),
        reason: reason.into(),
    }
}

#[async_trait]
impl StepLog for Held {
    fn state(&self, key: &StepKey) -> StepState {
        let state = Self::state(self);
        let step = state.steps.get(key);
        step.map_or(StepState::New, |step| step.state.clone())
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        let begun = Self::begin(self, key, execution, fingerprint).await;
        begun.map_err(|error| error.during("record the begin of a step"))
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        let finished = Self::finish(self, key, execution, result).await;
        finished.map_err(|error| error.during("record the result of a step"))
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        let consented = Self::consent(self, key).await;
        consented.map_err(|error| error.during("record the consent to a step"))
    }
}

#[async_trait]
impl EventSink for Held {
    fn emit(&self, step: Option<&StepRef>, event: Event) {
        let record = EventRecord {
            v: VERSION,
            at: self.now(),
            step: step.cloned(),
            event,
        };
        if let Err(error) = self.take_event(&record) {
            self.event_failure().get_or_insert(error);
        }
    }

    async fn flush(&self) -> Result<(), PortError> {
        let flushed = self.journal.flush().await.map_err(Error::from);
        let flushed = self.events_taken().and(flushed);
        flushed.map_err(|error| error.during("store the run's events"))
    }
}

#[async_trait]
impl PlanState for Held {
    async fn completed_stages(&self, plan: &PlanId) -> Result<Vec<String>, PortError> {
        Ok(Self::state(self).progress.completed(plan))
    }

    async fn task_statuses(
        &self,
        plan: &PlanId,
    ) -> Result<BTreeMap<TaskId, TaskStatus>, PortError> {
        Ok(Self::state(self).progress.tasks(plan))
    }
}

#[async_trait]
impl CheckpointStore for Held {
    async fn create(
        &self,
        plan: &PlanId,
        stage: &str,
        data: Value,
    ) -> Result<CheckpointId, PortError> {
        let created = Self::create(self, plan, stage, data).await;
        created.map_err(|error| error.during("create a checkpoint"))
    }

    async fn latest(
        &self,
        plan: &PlanId,
        stage: Option<&str>,
    ) -> Result<Option<Checkpoint>, PortError> {
        let state = Self::state(self);
        Ok(state.checkpoints.latest(plan, stage).cloned())
    }

    async fn list(&self, plan: &PlanId) -> Result<Vec<Checkpoint>, PortError> {
        let state = Self::state(self);
        Ok(state.checkpoints.of_plan(plan).cloned().collect())
    }
}
