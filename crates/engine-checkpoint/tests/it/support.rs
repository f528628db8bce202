//! What the tests of several areas need.

use std::{path::Path, sync::Arc, time::Duration};

use core_types::{Event, PlanId, RunId, Scope, StepKey, StepRef, TaskId, Timestamp};
use engine_checkpoint::{Options, RunHeader, RunJournal};
use journal::faults::SimulatedStorage;
use serde_json::json;
use testkit::FixedClock;

pub(crate) fn plan(id: &str) -> PlanId {
    PlanId::new(id).expect("a valid plan id")
}

pub(crate) fn task(id: &str) -> TaskId {
    TaskId::new(id).expect("a valid task id")
}

pub(crate) fn key(name: &'static str) -> StepKey {
    StepKey::new(Scope::Run, 1, name)
}

pub(crate) fn step_ref(name: &'static str, execution: u32) -> StepRef {
    let key = key(name);
    StepRef { key, execution }
}

pub(crate) fn warning(message: impl Into<String>) -> Event {
    testkit::event_sink::warning(message)
}

pub(crate) fn header() -> RunHeader {
    let run = RunId::new("run-1").expect("a valid run id");
    RunHeader::new(run, Timestamp(7), json!({"issue": 7}))
}

pub(crate) fn create(dir: &Path) -> RunJournal {
    RunJournal::create(dir, &Options::default(), header()).expect("the run is created")
}

/// Options on a file system in memory, where buffered records wait for durable ones.
pub(crate) fn simulated(storage: &SimulatedStorage) -> Options {
    Options {
        journal: journal::Options {
            storage: Arc::new(storage.clone()),
            flush_within: Duration::MAX,
            ..journal::Options::default()
        },
        clock: Arc::new(FixedClock::default()),
    }
}

/// Options with a clock that the test moves.
pub(crate) fn clocked(clock: &Arc<FixedClock>) -> Options {
    let clock = Arc::clone(clock);
    Options {
        clock,
        ..Options::default()
    }
}
