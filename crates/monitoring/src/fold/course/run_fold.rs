use std::collections::HashMap;

use core_types::{EventRecord, RunId, StepKey};

use super::{account::Account, told::Course};

/// One run: takes its events in, one after another, and gives what is shown of it.
///
/// ```
/// use core_types::{Event, EventRecord, Timestamp};
/// use monitoring::fold::{RunFold, RunState};
///
/// let mut run = RunFold::new("12-login".parse()?);
/// let event = Event::RunStarted { session: 1, max_workers: 3, title: "Login".to_owned() };
/// let record = EventRecord { v: 1, at: Timestamp(0), step: None, event };
/// run.extend([(1, record)]);
/// run.set_held(true);
/// let view = run.view(Timestamp(60_000));
/// assert_eq!(view.header.state, RunState::Running);
/// assert_eq!(view.header.elapsed_ms, 60_000);
/// # Ok::<(), core_types::InvalidName>(())
/// ```
#[derive(Debug, Clone)]
pub struct RunFold {
    pub(super) run: RunId,
    records: Vec<(u64, EventRecord)>,
    /// The last execution of each step.
    executions: HashMap<StepKey, u32>,
    pub(super) is_held: bool,
    pub(super) account: Account,
    pub(super) course: Course,
}

impl RunFold {
    /// A run of which nothing is known yet.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            records: Vec::new(),
            executions: HashMap::new(),
            is_held: false,
            account: Account::default(),
            course: Course::default(),
        }
    }

    /// Takes events in, in the order of their numbers; those that were taken before are passed over.
    pub fn extend(&mut self, events: impl IntoIterator<Item = (u64, EventRecord)>) {
        let mut is_superseding = false;
        for (seq, record) in events {
            if seq <= self.last_seq() {
                continue;
            }
            if let Some(step) = &record.step {
                let last = self
                    .executions
                    .entry(step.key.clone())
                    .or_insert(step.execution);
                is_superseding |= step.execution > *last;
                *last = step.execution.max(*last);
            }
            self.account.apply(&record);
            if !is_superseding {
                self.course.apply(&record, self.is_current(&record));
            }
            self.records.push((seq, record));
        }
        // What an earlier execution of a step told does not count any more.
        if is_superseding {
            let mut course = Course::default();
            for (_, record) in &self.records {
                course.apply(record, self.is_current(record));
            }
            self.course = course;
        }
    }

    /// Says whether a process holds the run: a run that no process holds, and that has not come to
    /// an end of its own, was killed.
    pub fn set_held(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Which run.
    #[must_use]
    pub const fn run(&self) -> &RunId {
        &self.run
    }

    /// Whether a process holds it.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.is_held
    }

    /// The number of the last event; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.records.last().map_or(0, |(seq, _)| *seq)
    }

    /// The events that count, in order: of a step those of its last execution.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (u64, &EventRecord)> {
        let events = self.records.iter().map(|(seq, record)| (*seq, record));
        events.filter(|(_, record)| self.is_current(record))
    }

    fn is_current(&self, record: &EventRecord) -> bool {
        let step = record.step.as_ref();
        step.is_none_or(|step| self.executions.get(&step.key) == Some(&step.execution))
    }
}
