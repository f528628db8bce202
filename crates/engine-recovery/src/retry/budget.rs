//! What was spent on retries, as the steps show it. A unit is recorded before
//! the attempt that it pays for, so a crash gives none back.

use core_types::{
    ErrorClass, FailureKind, PortError, RecoveryRequest, Scope, StepKey, StepLog, Timestamp,
    step::{self, Fingerprint, Step, StepState, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use crate::{manual::was_handed_off, step_error};

/// How many units were spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// On this operation.
    pub operation: u32,
    /// On all operations of the task.
    pub task: u32,
    /// On all operations of the run.
    pub run: u32,
}

/// One unit, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unit {
    /// What it was spent on.
    operation: String,
    /// When the operation may be tried again.
    pub(super) at: Timestamp,
}

/// The name of what failed: the unit that an operation's budget counts.
pub(super) fn operation_of(kind: &FailureKind) -> &'static str {
    match kind {
        FailureKind::Agent => "agent",
        FailureKind::Setup => "setup",
        FailureKind::Tests { .. } => "tests",
        FailureKind::MergeConflict { .. } => "merge",
        FailureKind::Deadline => "deadline",
        _ => "other",
    }
}

/// The key of the unit that an attempt took.
pub(super) fn unit_key(request: &RecoveryRequest, attempt: u32) -> StepKey {
    StepKey::new(request.scope.clone(), attempt, "recovery-retry")
}

/// The number `index` of the run's units, from 1.
fn run_key(index: u32) -> StepKey {
    StepKey::new(Scope::Run, index, "recovery-unit")
}

/// What a unit of the run is known by.
fn run_fingerprint(request: &RecoveryRequest) -> Fingerprint {
    let of = StepKey::new(request.scope.clone(), request.attempt, "recovery-retry");
    Fingerprint::new().with("for", of.operation(&request.run).as_str())
}

/// What was spent before this request, its own unit apart. A hand-off ends the count of operation
/// and task: what is tried after it, a person has asked for.
pub(super) fn spent(steps: &dyn StepLog, request: &RecoveryRequest) -> Spent {
    let operation = operation_of(&request.failure.kind);
    let mut spent = Spent::default();
    for attempt in 1..request.attempt {
        if was_handed_off(steps, request, attempt) {
            (spent.operation, spent.task) = (0, 0);
        }
        let of = match steps.state(&unit_key(request, attempt)) {
            StepState::New => continue,
            // One that was cut off has been spent as well.
            StepState::Begun { fingerprint, .. } | StepState::Finished { fingerprint, .. } => {
                fingerprint
            }
        };
        spent.task += 1;
        if of == operation_fingerprint(operation) {
            spent.operation += 1;
        }
    }
    let own = run_fingerprint(request);
    let mut index = 1;
    loop {
        match steps.state(&run_key(index)) {
            StepState::New => break,
            StepState::Begun { fingerprint, .. } | StepState::Finished { fingerprint, .. }
                if fingerprint == own => {}
            StepState::Begun { .. } | StepState::Finished { .. } => spent.run += 1,
        }
        index += 1;
    }
    spent
}

fn operation_fingerprint(operation: &str) -> Fingerprint {
    Fingerprint::new().with("operation", operation)
}

/// Takes a unit of the run, then one of the task for the operation, both recorded. A call that
/// was cut off finds what it took. The caller lets only one call at a time in.
pub(super) async fn take(
    steps: &dyn StepLog,
    request: &RecoveryRequest,
    at: Timestamp,
) -> Result<Unit, PortError> {
    let own = run_fingerprint(request);
    let mut index = 1;
    loop {
        match steps.state(&run_key(index)) {
            StepState::New => break,
            StepState::Begun { fingerprint, .. } | StepState::Finished { fingerprint, .. }
                if fingerprint == own =>
            {
                break;
            }
            StepState::Begun { .. } | StepState::Finished { .. } => index += 1,
        }
    }
    let whole = Step::new(run_key(index), own, WhenUnknown::Idempotent);
    let taken: Result<(), _> = step::run(steps, whole, |_| async { Ok(()) }).await;
    taken.map_err(|error| step_error(error, "take a unit of the run's budget"))?;

    let operation = operation_of(&request.failure.kind);
    let key = unit_key(request, request.attempt);
    let part = Step::new(
        key,
        operation_fingerprint(operation),
        WhenUnknown::Idempotent,
    );
    let unit = Unit {
        operation: operation.to_owned(),
        at,
    };
    let taken = step::run(steps, part, |_| async { Ok(unit) }).await;
    taken.map_err(|error| step_error(error, "take a unit of the task's budget"))
}

/// The unit that this request took already, if it did.
pub(super) fn taken(
    steps: &dyn StepLog,
    request: &RecoveryRequest,
) -> Result<Option<Unit>, PortError> {
    match steps.state(&unit_key(request, request.attempt)) {
        StepState::Finished { result, .. } => {
            let unit = serde_json::from_value(result).map_err(|error| {
                PortError::new(ErrorClass::Internal, "read a unit of a budget").because(error)
            })?;
            Ok(Some(unit))
        }
        StepState::New | StepState::Begun { .. } => Ok(None),
    }
}
