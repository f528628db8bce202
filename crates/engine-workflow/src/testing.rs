//! The third stage: each changed repository's integration head, in a fresh clone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use core_types::{
    CommitId, Event, RecoveryOutcome, RefUpdate, RepositoryName, Scope, StepKey, step::Fingerprint,
};
use engine_parallel::{ExecutionTask, ParallelExecutor, RunOptions, TaskContext};

use crate::{
    Error,
    recovery::{Failed, recover},
    run::Run,
    settings::RepositorySettings,
    verify::{Verdict, verify},
};

/// How often what failed again after its repair is repaired once more, in one round.
pub(crate) const MAX_REPAIRS: u32 = 2;

/// A repository's integration head, tested.
#[derive(Debug, Clone)]
pub(crate) struct Tested {
    pub(crate) head: CommitId,
    pub(crate) verified: Verdict,
}

/// Tests the given heads (name, base, head), as many at a time as the run has workers.
pub(crate) async fn test_all(
    run: &Arc<Run>,
    heads: Vec<(RepositoryName, CommitId, CommitId)>,
) -> Result<BTreeMap<RepositoryName, Tested>, Error> {
    let executor = ParallelExecutor::new(run.settings.limits.max_workers.max(1))?;
    let results = Arc::new(Mutex::new(Vec::with_capacity(heads.len())));
    let n_heads = heads.len();
    let tasks = heads.into_iter().map(|(name, base, head)| {
        let (run, results) = (run.clone(), results.clone());
        ExecutionTask::new(name.as_str().to_owned(), move |mut context| async move {
            let result = Box::pin(test(&run, &name, &base, head, &mut context)).await;
            results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((name, result));
            Ok(())
        })
    });
    let cancellation = run.cancel.child_token();
    let options = RunOptions {
        cancellation,
        ..RunOptions::default()
    };
    executor.execute(tasks.collect(), options).await?;
    let results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    let results: BTreeMap<_, _> = results
        .into_iter()
        .map(|(name, result)| result.map(|tested| (name, tested)))
        .collect::<Result<_, _>>()?;
    if results.len() < n_heads {
        run.check_paused()?;
        return Err(Error::Panicked("testing a repository"));
    }
    Ok(results)
}

/// The integration head as it is when all tasks of the repository have ended.
pub(crate) async fn integrated_head(run: &Run, name: &RepositoryName) -> Result<CommitId, Error> {
    let attempt = run.first_attempt(name);
    let key = StepKey::new(Scope::Repository(name.clone()), attempt, "integrated");
    let head = run.step(key, Fingerprint::new(), |_| run.integration_head(name));
    Ok(head.await?)
}

/// Tests a head, and repairs what fails, until it passes or is given up.
pub(crate) async fn test<T: Send + Sync + 'static>(
    run: &Run,
    name: &RepositoryName,
    base: &CommitId,
    mut head: CommitId,
    context: &mut TaskContext<T>,
) -> Result<Tested, Error> {
    let mut attempt = run.first_attempt(name);
    let mut n_repairs = 0;
    loop {
        run.check_paused()?;
        let verified = test_head(run, name, &head, attempt, "test").await?;
        let Verdict::Failed { failure } = &verified else {
            return Ok(Tested { head, verified });
        };
        // A repair whose result fails again here is no repair; a person must look.
        if n_repairs == MAX_REPAIRS {
            return Ok(Tested { head, verified });
        }
        let failed = Failed {
            scope: Scope::Repository(name.clone()),
            attempt,
            task: None,
            repository: name,
            base,
            commit: Some(&head),
            failure,
            conversation: None,
        };
        match Box::pin(recover(run, failed, Vec::new)).await? {
            RecoveryOutcome::Repaired { commit } => {
                n_repairs += 1;
                move_integration(run, name, attempt, &head, &commit).await?;
                head = commit;
            }
            RecoveryOutcome::Retry { at } => context.pause(run.wait_until(at)).await,
            RecoveryOutcome::Park { until } => run.check_parked(until)?,
            _ => return Ok(Tested { head, verified }),
        }
        attempt += 1;
    }
}

/// Tests one commit in a fresh clone, as the step `step_name`.
pub(crate) async fn test_head(
    run: &Run,
    name: &RepositoryName,
    head: &CommitId,
    attempt: u32,
    step_name: &'static str,
) -> Result<Verdict, Error> {
    let key = StepKey::new(Scope::Repository(name.clone()), attempt, step_name);
    let command = run.settings.repository(name).and_then(test_command);
    let fingerprint = Fingerprint::new()
        .with("head", head)
        .with("test_command", command.unwrap_or_default());
    let verified = run.step(key, fingerprint, |step| async move {
        let scratch = run.scratch(format!(
            "repositories/{name}/{step_name}.{attempt}.{}",
            step.execution
        ));
        let verified = verify(run, name, head, None, &scratch, &step).await?;
        let event = Event::RepositoryTested {
            repository: name.clone(),
            commit: head.clone(),
            passed: verified.passed(),
        };
        run.emit(Some(&step), event);
        Ok(verified)
    });
    Ok(verified.await?)
}

fn test_command(settings: &RepositorySettings) -> Option<String> {
    settings.test_command.as_ref().map(ToString::to_string)
}

async fn move_integration(
    run: &Run,
    name: &RepositoryName,
    attempt: u32,
    head: &CommitId,
    repaired: &CommitId,
) -> Result<(), Error> {
    let key = StepKey::new(Scope::Repository(name.clone()), attempt, "take-repair");
    let fingerprint = Fingerprint::new().with("repaired", repaired);
    run.step(key, fingerprint, |_| async move {
        if run.integration_head(name).await? == *repaired {
            return Ok(());
        }
        let (expected, new) = (Some(head.clone()), Some(repaired.clone()));
        let update = RefUpdate {
            name: run.reference("integration"),
            expected,
            new,
        };
        run.repository(name)?
            .repository
            .update_refs(&[update])
            .await
    })
    .await?;
    Ok(())
}
