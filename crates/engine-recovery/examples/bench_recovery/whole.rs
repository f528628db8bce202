//! The whole recovery over a repository, and what came of it.

use std::{path::Path, sync::Arc};

use core_types::{
    Agent, CancellationToken, Recovery as _, RecoveryOutcome, RecoveryRequest, Repository,
};
use engine_recovery::AdvancedRecovery;
use testkit::{MemoryCheckpoints, MemoryEvents, MemoryPlanState, MemoryStepLog};

/// Recovers; the reports that are there afterwards stand in `reports` of the request.
pub(crate) async fn recover(
    git: Arc<dyn Repository>,
    agent: Arc<dyn Agent>,
    request: &RecoveryRequest,
) -> (RecoveryOutcome, usize) {
    let events = Arc::new(MemoryEvents::default());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let environment = vec![("PATH".into(), path)];
    let runner = process::Runner::new(environment, request.run.clone(), events.clone());
    let recovery = AdvancedRecovery::builder(
        Arc::new(MemoryPlanState::default()),
        Arc::new(MemoryCheckpoints::default()),
        git,
        agent,
    )
    .steps(Arc::new(MemoryStepLog::default()))
    .events(events)
    .commands(Arc::new(runner))
    .build();
    let recovered = recovery.recover(request, &CancellationToken::new()).await;
    let outcome = recovered.unwrap_or_else(|error| RecoveryOutcome::HandOff {
        report: format!("the run would stop: {}", error.to_line()),
    });
    (outcome, n_files(&request.reports))
}

fn n_files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
