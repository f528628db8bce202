//! The run: tasks whose operations fail in given ways, and the loop that a workflow has.

use core_types::{
    CancellationToken, ErrorClass, Failure, FailureKind, PortError, Recovery as _, RecoveryOutcome,
    Scope, StepKey, Timestamp,
    step::{self, Fingerprint, Step, WhenUnknown},
};
use engine_recovery::AdvancedRecovery;

use crate::world::{World, request};

/// How an attempt fails; `None` where it succeeds.
type Fails = fn(u32) -> Option<(ErrorClass, FailureKind)>;

/// The tasks, and how their attempts fail; what is not listed succeeds.
pub(crate) const TASKS: &[(&str, Fails)] = &[
    ("fine", |_| None),
    ("twice", |attempt| {
        (attempt <= 2).then_some((ErrorClass::Transient, FailureKind::Agent))
    }),
    ("limited", |attempt| {
        let until = Some(Timestamp(1_767_225_660_000));
        (attempt == 1).then_some((ErrorClass::RateLimited { until }, FailureKind::Setup))
    }),
    ("quota", |attempt| {
        let until = Some(Timestamp(1_767_243_600_000));
        (attempt <= 2).then_some((ErrorClass::QuotaExhausted { until }, FailureKind::Agent))
    }),
    ("slow", |_| Some((ErrorClass::Timeout, FailureKind::Setup))),
    ("wrong", |_| {
        Some((ErrorClass::Validation, FailureKind::Agent))
    }),
    ("never", |_| {
        Some((ErrorClass::Transient, FailureKind::Setup))
    }),
    ("mixed", |attempt| {
        let kind = if attempt % 2 == 0 {
            FailureKind::Agent
        } else {
            FailureKind::Setup
        };
        Some((ErrorClass::Transient, kind))
    }),
];

/// How a task ended.
pub(crate) type End = String;

/// Runs all tasks to their ends, or to where the run is stopped.
pub(crate) async fn run(
    world: &World,
    recovery: &AdvancedRecovery,
    steps: &dyn core_types::StepLog,
) -> Result<Vec<End>, PortError> {
    let mut ends = Vec::new();
    for (task, fails) in TASKS {
        let end = task_end(world, recovery, steps, task, *fails).await?;
        ends.push(format!("{task} {end}"));
    }
    Ok(ends)
}

async fn task_end(
    world: &World,
    recovery: &AdvancedRecovery,
    steps: &dyn core_types::StepLog,
    task: &str,
    fails: Fails,
) -> Result<&'static str, PortError> {
    let mut attempt = 1;
    loop {
        let scope = Scope::Task(task.parse().map_err(internal)?);
        let key = |name| StepKey::new(scope.clone(), attempt, name);
        let operation = Step::new(key("agent"), Fingerprint::new(), WhenUnknown::Idempotent);
        let failure: Option<Failure> = step::run(steps, operation, |_| async {
            world.acted(task, attempt);
            let failure = fails(attempt);
            Ok(failure.map(|(class, kind)| Failure::new(class, kind, format!("{task} failed"))))
        })
        .await
        .map_err(internal)?;
        let Some(failure) = failure else {
            return Ok("succeeded");
        };
        let request = request(world, task, attempt, failure)?;
        let repair = Step::new(key("recover"), Fingerprint::new(), WhenUnknown::Idempotent);
        let cancel = CancellationToken::new();
        let outcome: RecoveryOutcome =
            step::run(steps, repair, |_| recovery.recover(&request, &cancel))
                .await
                .map_err(internal)?;
        match outcome {
            RecoveryOutcome::Retry { at } | RecoveryOutcome::Park { until: at } => {
                let now = core_types::Clock::now(&*world.clock);
                if at > now {
                    let late = PortError::new(ErrorClass::Internal, "go on at once");
                    return Err(late.because("a wait is left at a scale of zero"));
                }
                attempt += 1;
            }
            _ => return Ok("handed off"),
        }
    }
}

pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> PortError {
    PortError::new(ErrorClass::Internal, "go on with the run").because(error)
}
