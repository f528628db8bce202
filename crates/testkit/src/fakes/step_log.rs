use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;
use core_types::{
    ErrorClass, PortError, StepKey, StepLog,
    step::{Fingerprint, StepState},
};
use serde_json::Value;

use super::lock;

/// A step log that is forgotten with its process.
#[derive(Debug, Default)]
pub struct MemoryStepLog(Mutex<HashMap<StepKey, StepState>>);

#[async_trait]
impl StepLog for MemoryStepLog {
    fn state(&self, key: &StepKey) -> StepState {
        let states = lock(&self.0);
        states.get(key).cloned().unwrap_or(StepState::New)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        let mut states = lock(&self.0);
        let last = match states.get(key) {
            None | Some(StepState::New) => 0,
            Some(StepState::Begun { execution, .. }) => *execution,
            Some(StepState::Finished { .. }) => {
                return Err(conflict("begin a step", "it is finished"));
            }
        };
        if execution != last + 1 {
            let found = format!("execution {execution} follows {last}");
            return Err(conflict("begin a step", found));
        }
        let fingerprint = fingerprint.clone();
        let begun = StepState::Begun {
            fingerprint,
            execution,
            consent: false,
        };
        states.insert(key.clone(), begun);
        Ok(())
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        let mut states = lock(&self.0);
        match states.get(key) {
            Some(StepState::Begun {
                fingerprint,
                execution: last,
                ..
            }) if *last == execution => {
                let fingerprint = fingerprint.clone();
                states.insert(
                    key.clone(),
                    StepState::Finished {
                        fingerprint,
                        result,
                    },
                );
                Ok(())
            }
            _ => Err(conflict(
                "finish a step",
                "this execution of it was not begun last",
            )),
        }
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        match lock(&self.0).get_mut(key) {
            Some(StepState::Begun { consent, .. }) => *consent = true,
            Some(StepState::Finished { .. }) => {}
            None | Some(StepState::New) => {
                let error = PortError::new(ErrorClass::Validation, "consent to a step");
                return Err(error.because("it was not begun"));
            }
        }
        Ok(())
    }
}

fn conflict(operation: &'static str, why: impl Into<String>) -> PortError {
    PortError::new(ErrorClass::Conflict, operation).because(why.into())
}
