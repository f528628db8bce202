use std::fmt::Debug;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    PortError, StepKey,
    step::{Fingerprint, StepState},
};

/// The record of a run's steps. [`crate::step::run`] is its only caller.
///
/// `begin` and `finish` MUST return only when the record, and every event
/// emitted before it, is on disk. `state` answers from memory and MUST reflect
/// every call that has returned. Calls for different keys may run at once.
#[async_trait]
pub trait StepLog: Debug + Send + Sync {
    /// What is known of a step.
    fn state(&self, key: &StepKey) -> StepState;

    /// Records that execution number `execution` of a step is about to act.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when the disk is full or read-only; then the step must not act.
    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError>;

    /// Records a step's result.
    ///
    /// # Errors
    ///
    /// As [`StepLog::begin`]; the step then counts as begun.
    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError>;

    /// Records a person's consent to one more execution of a step that was
    /// begun. Another begin uses it up.
    ///
    /// # Errors
    ///
    /// As [`StepLog::begin`].
    async fn consent(&self, key: &StepKey) -> Result<(), PortError>;
}
