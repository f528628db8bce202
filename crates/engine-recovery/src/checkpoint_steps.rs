//! A step log for a recovery that is used alone: its records are checkpoints of the plan.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use core_types::{
    CheckpointStore, ErrorClass, PlanId, PortError, RunId, StepKey, StepLog,
    step::{Fingerprint, StepState},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The stage of these checkpoints.
const STAGE: &str = "recovery-step";

/// The steps of one run, kept by a checkpoint store. One process at a time uses them.
#[derive(Debug)]
pub(crate) struct CheckpointSteps {
    store: Arc<dyn CheckpointStore>,
    plan: PlanId,
    run: RunId,
    states: Mutex<HashMap<StepKey, StepState>>,
}

/// A record of a step.
#[derive(Debug, Serialize, Deserialize)]
struct StepRecord {
    v: u16,
    run: RunId,
    key: StepKey,
    state: Recorded,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum Recorded {
    Begun {
        execution: u32,
        fingerprint: Fingerprint,
    },
    Finished {
        result: Value,
    },
    Consented,
}

const VERSION: u16 = 1;

impl CheckpointSteps {
    /// Reads what is recorded of a run.
    pub(crate) async fn load(
        store: Arc<dyn CheckpointStore>,
        plan: &PlanId,
        run: &RunId,
    ) -> Result<Self, PortError> {
        let mut states = HashMap::new();
        for checkpoint in store.list(plan).await? {
            if checkpoint.stage != STAGE {
                continue;
            }
            let record: StepRecord = serde_json::from_value(checkpoint.data).map_err(damaged)?;
            if record.v > VERSION {
                return Err(damaged(format!("a record has version {}", record.v)));
            }
            if record.run == *run {
                take(&mut states, record.key, record.state);
            }
        }
        Ok(Self {
            store,
            plan: plan.clone(),
            run: run.clone(),
            states: Mutex::new(states),
        })
    }

    fn states(&self) -> MutexGuard<'_, HashMap<StepKey, StepState>> {
        // Nothing under this lock leaves a state half changed.
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn record(&self, key: &StepKey, state: Recorded) -> Result<(), PortError> {
        let record = StepRecord {
            v: VERSION,
            run: self.run.clone(),
            key: key.clone(),
            state,
        };
        let data = serde_json::to_value(&record).map_err(damaged)?;
        self.store.create(&self.plan, STAGE, data).await?;
        take(&mut self.states(), record.key, record.state);
        Ok(())
    }
}

fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PortError {
    PortError::new(ErrorClass::Internal, "use the recorded steps of a recovery").because(why)
}

fn take(states: &mut HashMap<StepKey, StepState>, key: StepKey, recorded: Recorded) {
    let state = states.entry(key).or_insert(StepState::New);
    *state = match (recorded, std::mem::replace(state, StepState::New)) {
        (
            Recorded::Begun {
                execution,
                fingerprint,
            },
            _,
        ) => StepState::Begun {
            fingerprint,
            execution,
            consent: false,
        },
        (Recorded::Finished { result }, StepState::Begun { fingerprint, .. }) => {
            StepState::Finished {
                fingerprint,
                result,
            }
        }
        (
            Recorded::Consented,
            StepState::Begun {
                fingerprint,
                execution,
                ..
            },
        ) => StepState::Begun {
            fingerprint,
            execution,
            consent: true,
        },
        // Refused before it is recorded.
        (Recorded::Finished { .. } | Recorded::Consented, other) => other,
    };
}

fn order(key: &StepKey, why: &str) -> PortError {
    PortError::new(ErrorClass::Conflict, format!("record step \"{key}\"")).because(why)
}

#[async_trait]
impl StepLog for CheckpointSteps {
    fn state(&self, key: &StepKey) -> StepState {
        self.states().get(key).cloned().unwrap_or(StepState::New)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        let last = match self.state(key) {
            StepState::New => 0,
            StepState::Begun { execution, .. } => execution,
            StepState::Finished { .. } => return Err(order(key, "it is finished")),
        };
        if last.checked_add(1) != Some(execution) {
            return Err(order(key, "its last execution was another one"));
        }
        let fingerprint = fingerprint.clone();
        let begun = Recorded::Begun {
            execution,
            fingerprint,
        };
        self.record(key, begun).await
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        match self.state(key) {
            StepState::Begun {
                execution: last, ..
            } if last == execution => self.record(key, Recorded::Finished { result }).await,
            _ => Err(order(key, "this execution of it was not begun last")),
        }
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        match self.state(key) {
            StepState::Begun { .. } => self.record(key, Recorded::Consented).await,
            StepState::Finished { .. } => Ok(()),
            StepState::New => Err(PortError::new(
                ErrorClass::Validation,
                "consent to a step that was not begun",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::MemoryCheckpoints;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn steps_kept_as_checkpoints_conform() {
        testkit::step_log::conformance(async || {
            let store = Arc::new(MemoryCheckpoints::default());
            let (plan, run) = ("plan-42".parse(), "run-1".parse());
            let (plan, run) = (plan.expect("a plan id"), run.expect("a run id"));
            let loaded = CheckpointSteps::load(store, &plan, &run).await;
            Arc::new(loaded.expect("an empty store is read")) as Arc<dyn StepLog>
        })
        .await;
    }

    #[tokio::test]
    async fn steps_are_there_again_after_a_restart() {
        let store = Arc::new(MemoryCheckpoints::default());
        let (plan, run) = ("plan-42".parse().unwrap(), "run-1".parse().unwrap());
        let key = |name| StepKey::new(core_types::Scope::Run, 1, name);
        let print = Fingerprint::new().with("input", "x");
        let load = async || {
            let store: Arc<dyn CheckpointStore> = store.clone();
            CheckpointSteps::load(store, &plan, &run).await.unwrap()
        };
        let log = load().await;
        log.begin(&key("a"), 1, &print).await.unwrap();
        log.finish(&key("a"), 1, Value::from(7)).await.unwrap();
        log.begin(&key("b"), 1, &print).await.unwrap();
        log.consent(&key("b")).await.unwrap();
        let again = load().await;
        for name in ["a", "b", "c"] {
            assert_eq!(again.state(&key(name)), log.state(&key(name)), "{name}");
        }
    }
}
