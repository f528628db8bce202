//! What repairs failures of a run, from its record.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use config::automation::Recovery as Configured;
use core_types::{
    Agent, CheckpointStore, Clock, CommandRunner, EventSink, GitProvider, NoRecovery, PlanState,
    Recovery, RepositoryName, StepLog,
};
use engine_recovery::{
    AdvancedRecovery, ByRepository, Options, RetryOptions, RetryRecoveryStrategy, retry::Breakers,
};
use engine_workflow::RepositoryPorts;
use serde::{Deserialize, Serialize};

/// How a run repairs what fails, as its journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRecord {
    /// Retries of one operation.
    pub retry_attempts: u32,
    /// Retries of all operations of one task together.
    pub task_retries: u32,
    /// Retries of all operations of the run together.
    pub run_retries: u32,
    /// The wait before the second retry.
    pub base_delay: Duration,
    /// The longest wait between two retries.
    pub max_delay: Duration,
    /// The longest wait that is sat out.
    pub max_wait: Duration,
    /// How much of these waits is waited.
    pub delay_percent: u32,
    /// Rounds of a fix of failing tests.
    pub fix_rounds: u32,
    /// Places of one merge that the agent may decide.
    pub max_conflict_hunks: u32,
    /// Paths that a fix of tests must not touch.
    pub protected_paths: Vec<String>,
}

impl RecoveryRecord {
    /// What is configured; `None` where failures are not repaired.
    pub(crate) fn from_config(configured: &Configured) -> Option<Self> {
        configured.enabled.then(|| Self {
            retry_attempts: configured.retry_attempts,
            task_retries: configured.task_retries,
            run_retries: configured.run_retries,
            base_delay: configured.base_delay,
            max_delay: configured.max_delay,
            max_wait: configured.max_wait,
            delay_percent: configured.delay_percent,
            fix_rounds: configured.fix_rounds,
            max_conflict_hunks: configured.max_conflict_hunks,
            protected_paths: configured.protected_paths.clone(),
        })
    }

    fn options(&self) -> Options {
        Options {
            retry: RetryOptions {
                per_operation: self.retry_attempts,
                per_task: self.task_retries,
                per_run: self.run_retries,
                base_delay: self.base_delay,
                max_delay: self.max_delay,
                max_wait: self.max_wait,
                delay_scale: f64::from(self.delay_percent) / 100.0,
                ..RetryOptions::default()
            },
            fix_rounds: self.fix_rounds,
            max_conflict_hunks: self.max_conflict_hunks,
            protected_paths: self.protected_paths.clone(),
        }
    }
}

/// What a recovery works with in every repository of a run.
pub(crate) struct Means {
    pub(crate) state: Arc<dyn PlanState>,
    pub(crate) checkpoints: Arc<dyn CheckpointStore>,
    pub(crate) steps: Arc<dyn StepLog>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) commands: Arc<dyn CommandRunner>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The agent, metered.
    pub(crate) agent: Arc<dyn Agent>,
    /// What is known of the hosts that are called; they hear of each of the agent's results.
    pub(crate) breakers: Arc<Breakers>,
    /// Where the run's issue is kept, for reports.
    pub(crate) forge: Option<Arc<dyn GitProvider>>,
}

/// The recovery of a run, over its repositories.
pub(crate) fn recovery(
    record: Option<&RecoveryRecord>,
    means: &Means,
    repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
) -> Arc<dyn Recovery> {
    let Some(record) = record else {
        return Arc::new(NoRecovery);
    };
    let retry = Arc::new(RetryRecoveryStrategy::new(means.breakers.clone()));
    let recoveries = repositories.iter().map(|(name, ports)| {
        let mut recovery = AdvancedRecovery::builder(
            means.state.clone(),
            means.checkpoints.clone(),
            ports.repository.clone(),
            means.agent.clone(),
        )
        .commands(means.commands.clone())
        .clock(means.clock.clone())
        .steps(means.steps.clone())
        .events(means.events.clone())
        .options(record.options())
        .retry(retry.clone());
        if let Some(forge) = &means.forge {
            recovery = recovery.forge(forge.clone());
        }
        (name.clone(), recovery.build())
    });
    Arc::new(ByRepository::new(recoveries))
}
