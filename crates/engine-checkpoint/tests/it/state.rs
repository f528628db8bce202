//! Plan states by themselves.

use core_types::{ErrorClass, PortError, TaskStatus};
use engine_checkpoint::{CheckpointManager, Error, PlanState, StateManager};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{plan, task};

#[tokio::test]
async fn stages_and_statuses_last() {
    let folder = tempfile::tempdir().unwrap();
    let manager = StateManager::open(folder.path()).unwrap();
    let p = plan("plan-1");
    manager.mark_stage_complete(&p, "planning").await.unwrap();
    manager
        .mark_task_status(&p, &task("a"), TaskStatus::Running)
        .await
        .unwrap();
    manager
        .mark_stage_complete(&p, "implementation")
        .await
        .unwrap();
    manager.mark_stage_complete(&p, "planning").await.unwrap();
    manager
        .mark_task_status(&p, &task("a"), TaskStatus::TimedOut)
        .await
        .unwrap();
    let other = plan("plan-1-b");
    manager
        .mark_task_status(&other, &task("a"), TaskStatus::Ready)
        .await
        .unwrap();

    let again = StateManager::open(folder.path()).unwrap();
    let state = again.state(&p).await.unwrap().unwrap();
    assert_eq!(state.completed_stages, ["planning", "implementation"]);
    assert_eq!(state.tasks, [(task("a"), TaskStatus::TimedOut)].into());
    let state = again.state(&other).await.unwrap().unwrap();
    assert_eq!(state.tasks, [(task("a"), TaskStatus::Ready)].into());
}

#[tokio::test]
async fn reading_an_unknown_plan_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    let manager = StateManager::open(&dir).unwrap();
    assert_eq!(manager.state(&plan("a")).await.unwrap(), None);
    assert!(!dir.exists());
    let nothing = |_: &mut PlanState| Ok::<_, Error>(());
    manager.transaction(&plan("a"), nothing).await.unwrap();
    assert_eq!(
        manager.state(&plan("a")).await.unwrap(),
        None,
        "no change, no plan"
    );
    let error = manager
        .mark_stage_complete(&plan("a"), "")
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
}

#[tokio::test]
async fn a_refused_transaction_changes_nothing() {
    #[derive(Debug)]
    enum Refusal {
        Mine,
        Store(Error),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Store(error)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let manager = StateManager::open(folder.path()).unwrap();
    manager
        .mark_stage_complete(&plan("a"), "planning")
        .await
        .unwrap();
    let refused = |state: &mut PlanState| {
        state.completed_stages.clear();
        Err::<(), _>(Refusal::Mine)
    };
    let error = manager.transaction(&plan("a"), refused).await.unwrap_err();
    assert!(matches!(error, Refusal::Mine));
    let panics = |_: &mut PlanState| -> Result<(), Refusal> { panic!("a fault of the caller") };
    let error = manager.transaction(&plan("a"), panics).await.unwrap_err();
    assert!(
        matches!(error, Refusal::Store(Error::Ended { .. })),
        "{error:?}"
    );
    let state = manager.state(&plan("a")).await.unwrap().unwrap();
    assert_eq!(
        state.completed_stages,
        ["planning"],
        "and the manager goes on"
    );
}

/// The Python system's transaction took its own lock twice and hung.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_several_handles_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut changing = JoinSet::new();
    for _ in 0..4 {
        let manager = StateManager::open(folder.path()).unwrap();
        changing.spawn(async move {
            for _ in 0..10 {
                let next = |state: &mut PlanState| {
                    state.complete(format!("stage-{}", state.completed_stages.len()));
                    Ok::<_, Error>(())
                };
                manager.transaction(&plan("a"), next).await.unwrap();
            }
        });
    }
    while let Some(ended) = changing.join_next().await {
        ended.unwrap();
    }
    let manager = StateManager::open(folder.path()).unwrap();
    let stages = manager
        .state(&plan("a"))
        .await
        .unwrap()
        .unwrap()
        .completed_stages;
    let expected: Vec<_> = (0..40).map(|number| format!("stage-{number}")).collect();
    assert_eq!(stages, expected, "no transaction saw an old state");
}

#[tokio::test]
async fn states_and_checkpoints_may_share_a_folder() -> Result<(), PortError> {
    let folder = tempfile::tempdir().unwrap();
    let states = StateManager::open(folder.path()).unwrap();
    let checkpoints = CheckpointManager::open(folder.path()).unwrap();
    states
        .mark_stage_complete(&plan("a"), "planning")
        .await
        .unwrap();
    checkpoints
        .create_checkpoint(&plan("a"), "planning", json!(1))
        .await
        .unwrap();
    states
        .mark_stage_complete(&plan("a"), "testing")
        .await
        .unwrap();
    assert_eq!(
        checkpoints
            .list_checkpoints(&plan("a"))
            .await
            .unwrap()
            .len(),
        1
    );
    let state = states.state(&plan("a")).await.unwrap().unwrap();
    assert_eq!(state.completed_stages.len(), 2);
    Ok(())
}
