//! Look up, compare, begin, act or look, finish.

use std::{fmt, future::Future, pin::Pin};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Fingerprint, StepKey};
use crate::{ErrorClass, PortError, StepLog, StepRef};

/// What a [`StepLog`] knows of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// It was never begun.
    New,
    /// It was begun and has no result: a crash or an error came between.
    Begun {
        /// Its input.
        fingerprint: Fingerprint,
        /// The number of the last execution, from 1.
        execution: u32,
        /// Whether a person has consented to another execution after this one.
        consent: bool,
    },
    /// It has a result.
    Finished {
        /// Its input.
        fingerprint: Fingerprint,
        /// The result, as JSON.
        result: Value,
    },
}

/// What the world shows of a step that may or may not have acted.
#[derive(Debug)]
pub enum Look<T> {
    /// It has acted, with this result.
    Acted(T),
    /// It has not acted.
    NotActed,
    /// It cannot be told: a person must say.
    CannotTell,
}

type Looking<'a, T> = Pin<Box<dyn Future<Output = Result<Look<T>, PortError>> + Send + 'a>>;

/// What to do with a step that was begun and has no result.
pub enum WhenUnknown<'a, T> {
    /// Run it again: acting twice is the same as acting once.
    Idempotent,
    /// Ask the world.
    Reconcile(Looking<'a, T>),
    /// Ask a person.
    Manual,
}

impl<'a, T> WhenUnknown<'a, T> {
    /// Asks the world by `look`, which runs only when it is needed.
    pub fn reconcile(look: impl Future<Output = Result<Look<T>, PortError>> + Send + 'a) -> Self {
        Self::Reconcile(Box::pin(look))
    }
}

impl<T> fmt::Debug for WhenUnknown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idempotent => "Idempotent",
            Self::Reconcile(_) => "Reconcile",
            Self::Manual => "Manual",
        })
    }
}

/// A step to be run: what it is known by, what it is given, and what to do
/// when it is unknown whether it acted.
#[derive(Debug)]
pub struct Step<'a, T> {
    /// What it is known by.
    pub key: StepKey,
    /// What it is given.
    pub fingerprint: Fingerprint,
    /// What to do when it was begun and has no result.
    pub when_unknown: WhenUnknown<'a, T>,
    /// After how many executions it is not begun again; the driver then
    /// returns [`StepError::TooManyExecutions`].
    pub max_executions: u32,
}

impl<'a, T> Step<'a, T> {
    /// A step without a bound on its executions.
    pub fn new(key: StepKey, fingerprint: Fingerprint, when_unknown: WhenUnknown<'a, T>) -> Self {
        Self {
            key,
            fingerprint,
            when_unknown,
            max_executions: u32::MAX,
        }
    }

    /// The same with a bound on its executions, the first included.
    #[must_use]
    pub fn at_most(mut self, executions: u32) -> Self {
        self.max_executions = executions;
        self
    }
}

/// Why a step has no result now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The recorded step was given something else than this one.
    #[error(
        "step \"{key}\" differs from what is recorded: {field} was {recorded:?} and is now {now:?}"
    )]
    Diverged {
        /// Which step.
        key: StepKey,
        /// The first differing input.
        field: String,
        /// What is recorded.
        recorded: String,
        /// What it is given now.
        now: String,
    },
    /// The recorded result is not of the expected form.
    #[error("step \"{key}\" has a recorded result of another form")]
    Unreadable {
        /// Which step.
        key: StepKey,
        /// Why it cannot be read.
        #[source]
        source: serde_json::Error,
    },
    /// Nobody but a person can say whether the step has acted.
    #[error("step \"{key}\" may have acted before the run was cut off")]
    NeedsConsent {
        /// Which step.
        key: StepKey,
    },
    /// It was begun as often as it may be.
    #[error("step \"{key}\" was begun {executions} times without an end")]
    TooManyExecutions {
        /// Which step.
        key: StepKey,
        /// How often.
        executions: u32,
    },
    /// Acting, looking or recording failed; the step has no result and can be run again.
    #[error("the run stopped at \"{key}\"")]
    Port {
        /// Which step.
        key: StepKey,
        /// What failed.
        #[source]
        source: PortError,
    },
}

impl StepError {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Diverged { .. } => ErrorClass::Validation,
            Self::Unreadable { .. } => ErrorClass::Internal,
            Self::NeedsConsent { .. } => ErrorClass::UnknownOutcome,
            Self::TooManyExecutions { .. } => ErrorClass::ResourceExhausted,
            Self::Port { source, .. } => source.class(),
        }
    }
}

/// Runs a step once, or replays its recorded result.
///
/// `act` is given the step's key and execution number, for events and
/// operation ids. When `act` returns an error, the step stays begun without a
/// result; an outcome that is to be kept, a failed test for example, is part of `T`.
///
/// # Errors
///
/// [`StepError`], with the class of what failed.
///
/// # Cancel safety
///
/// Dropping the future leaves the step begun: the next call treats it as `step.when_unknown` says.
pub async fn run<T, Acting>(
    log: &dyn StepLog,
    step: Step<'_, T>,
    act: impl FnOnce(StepRef) -> Acting,
) -> Result<T, StepError>
where
    T: Serialize + DeserializeOwned,
    Acting: Future<Output = Result<T, PortError>>,
{
    let Step {
        key,
        fingerprint,
        when_unknown,
        max_executions,
    } = step;
    let port = |source| StepError::Port {
        key: key.clone(),
        source,
    };
    let mut last_execution = 0;
    match log.state(&key) {
        StepState::New => {}
        StepState::Finished {
            fingerprint: recorded,
            result,
        } => {
            compare(&key, &recorded, &fingerprint)?;
            return serde_json::from_value(result).map_err(|source| StepError::Unreadable {
                key: key.clone(),
                source,
            });
        }
        StepState::Begun {
            fingerprint: recorded,
            execution,
            consent,
        } => {
            compare(&key, &recorded, &fingerprint)?;
            last_execution = execution;
            let look = match when_unknown {
                WhenUnknown::Idempotent => Look::NotActed,
                WhenUnknown::Reconcile(look) => look.await.map_err(port)?,
                WhenUnknown::Manual => Look::CannotTell,
            };
            match look {
                Look::Acted(result) => return finish(log, &key, execution, result).await,
                Look::CannotTell if !consent => return Err(StepError::NeedsConsent { key }),
                Look::CannotTell | Look::NotActed => {}
            }
        }
    }
    if last_execution >= max_executions {
        return Err(StepError::TooManyExecutions {
            key,
            executions: last_execution,
        });
    }
    let execution = last_execution + 1;
    log.begin(&key, execution, &fingerprint)
        .await
        .map_err(port)?;
    let step_ref = StepRef {
        key: key.clone(),
        execution,
    };
    let result = act(step_ref).await.map_err(port)?;
    finish(log, &key, execution, result).await
}

fn compare(key: &StepKey, recorded: &Fingerprint, now: &Fingerprint) -> Result<(), StepError> {
    recorded
        .difference(now)
        .map_or(Ok(()), |(field, recorded, now)| {
            Err(StepError::Diverged {
                key: key.clone(),
                field,
                recorded,
                now,
            })
        })
}

async fn finish<T: Serialize>(
    log: &dyn StepLog,
    key: &StepKey,
    execution: u32,
    result: T,
) -> Result<T, StepError> {
    let port = |source| StepError::Port {
        key: key.clone(),
        source,
    };
    let json = serde_json::to_value(&result).map_err(|error| {
        port(PortError::new(ErrorClass::Internal, "write a step's result as JSON").because(error))
    })?;
    log.finish(key, execution, json).await.map_err(port)?;
    Ok(result)
}
