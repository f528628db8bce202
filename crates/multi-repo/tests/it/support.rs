//! What the tests share.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use config::repositories::Repositories;
use core_types::{
    ErrorClass, Landing, LandingObserver, OperationId, PortError, RepositoryName, StepKey, StepLog,
    StepRef,
    step::{Fingerprint, StepState},
};
use serde_json::Value;
use testkit::MemoryStepLog;

pub(crate) const SEED: &str = include_str!("../../../../config/repositories.yaml");

pub(crate) fn load(text: &str) -> Repositories {
    config::load_repositories("config/repositories.yaml", text, &|_| None).expect("sound")
}

pub(crate) fn name(name: &str) -> RepositoryName {
    RepositoryName::new(name).expect("a repository name")
}

pub(crate) fn id(id: &str) -> OperationId {
    OperationId::new(id).expect("an operation id")
}

pub(crate) fn no_context() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// A step log that fails at one append, before or after it is written.
#[derive(Debug)]
pub(crate) struct FailingLog {
    inner: MemoryStepLog,
    at: AtomicUsize,
    is_written: bool,
    n_appends: AtomicUsize,
}

impl FailingLog {
    /// Fails at append `at`, from 1.
    pub(crate) fn at(at: usize, is_written: bool) -> Self {
        Self {
            inner: MemoryStepLog::default(),
            at: AtomicUsize::new(at),
            is_written,
            n_appends: AtomicUsize::new(0),
        }
    }

    /// As the next session finds it.
    pub(crate) fn heal(&self) {
        self.at.store(0, Ordering::SeqCst);
    }

    pub(crate) fn n_appends(&self) -> usize {
        self.n_appends.load(Ordering::SeqCst)
    }

    /// From the failure on, nothing more is written.
    fn fails(&self) -> bool {
        let n = self.n_appends.fetch_add(1, Ordering::SeqCst) + 1;
        let at = self.at.load(Ordering::SeqCst);
        at != 0 && n >= at
    }

    fn is_first(&self) -> bool {
        self.n_appends() == self.at.load(Ordering::SeqCst)
    }
}

fn full() -> PortError {
    PortError::new(ErrorClass::ResourceExhausted, "append to the journal")
}

#[async_trait]
impl StepLog for FailingLog {
    fn state(&self, key: &StepKey) -> StepState {
        self.inner.state(key)
    }

    async fn begin(
        &self,
        key: &StepKey,
        execution: u32,
        fingerprint: &Fingerprint,
    ) -> Result<(), PortError> {
        if self.fails() {
            if self.is_written && self.is_first() {
                self.inner.begin(key, execution, fingerprint).await?;
            }
            return Err(full());
        }
        self.inner.begin(key, execution, fingerprint).await
    }

    async fn finish(&self, key: &StepKey, execution: u32, result: Value) -> Result<(), PortError> {
        if self.fails() {
            if self.is_written && self.is_first() {
                self.inner.finish(key, execution, result).await?;
            }
            return Err(full());
        }
        self.inner.finish(key, execution, result).await
    }

    async fn consent(&self, key: &StepKey) -> Result<(), PortError> {
        self.inner.consent(key).await
    }
}

/// Counts what has landed.
#[derive(Debug, Default)]
pub(crate) struct Counting(pub(crate) AtomicUsize);

impl LandingObserver for Counting {
    fn landed(&self, _: &StepRef, _: &RepositoryName, _: &Landing) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
