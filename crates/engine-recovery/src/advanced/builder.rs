//! Making a recovery.

use std::sync::Arc;

use core_types::{Clock, CommandRunner, EventSink, GitProvider, StepLog};

use super::{AdvancedRecovery, Rerun};
use crate::{Options, RecoveryStrategy, retry::RetryRecoveryStrategy};

/// Makes an [`AdvancedRecovery`].
#[derive(Debug)]
pub struct AdvancedRecoveryBuilder(pub(super) AdvancedRecovery);

impl AdvancedRecoveryBuilder {
    /// Where reports are commented; without it they are files only.
    #[must_use]
    pub fn forge(mut self, forge: Arc<dyn GitProvider>) -> Self {
        self.0.forge = Some(forge);
        self
    }

    /// What runs set-up and test commands; without it nothing can be verified, so no repair is
    /// accepted.
    #[must_use]
    pub fn commands(mut self, commands: Arc<dyn CommandRunner>) -> Self {
        self.0.commands = Some(commands);
        self
    }

    /// The time of day; by default the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// The record of steps: inside a run, that of the run. By default they are
    /// kept as checkpoints of the plan.
    #[must_use]
    pub fn steps(mut self, steps: Arc<dyn StepLog>) -> Self {
        self.0.steps = Some(steps);
        self
    }

    /// Where it is told what happens; by default nowhere.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.0.events = events;
        self
    }

    /// The limits.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.0.options = options;
        self
    }

    /// What makes failed operations again, for use alone.
    #[must_use]
    pub fn rerun(mut self, rerun: Arc<dyn Rerun>) -> Self {
        self.0.rerun = Some(rerun);
        self
    }

    /// The strategy that tries again, with its breakers. Recoveries of one run share it.
    #[must_use]
    pub fn retry(mut self, retry: Arc<RetryRecoveryStrategy>) -> Self {
        self.0.retry = retry;
        self
    }

    /// One more strategy, asked before the built-in ones and in the order given.
    #[must_use]
    pub fn strategy(mut self, strategy: Arc<dyn RecoveryStrategy>) -> Self {
        self.0.others.push(strategy);
        self
    }

    /// The recovery.
    #[must_use]
    pub fn build(self) -> AdvancedRecovery {
        self.0
    }
}
