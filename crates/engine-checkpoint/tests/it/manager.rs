//! Checkpoints by themselves.

use std::{sync::Arc, time::Duration};

use core_types::{CheckpointId, ErrorClass, Timestamp};
use engine_checkpoint::{CheckpointManager, Error, Retention};
use serde_json::{Value, json};
use testkit::FixedClock;
use tokio::task::JoinSet;

use crate::support::{clocked, plan};

async fn make(manager: &CheckpointManager, plan_id: &str, data: u32) -> CheckpointId {
    let made = manager
        .create_checkpoint(&plan(plan_id), "x", json!(data))
        .await;
    made.expect("the checkpoint is made")
}

async fn data_of(manager: &CheckpointManager, plan_id: &str) -> Vec<Value> {
    let list = manager
        .list_checkpoints(&plan(plan_id))
        .await
        .expect("list");
    list.into_iter().map(|checkpoint| checkpoint.data).collect()
}

#[tokio::test]
async fn checkpoints_are_found_by_id_stage_and_plan() {
    let folder = tempfile::tempdir().unwrap();
    let manager = CheckpointManager::open(folder.path()).unwrap();
    let p = plan("plan-1");
    let first = manager
        .create_checkpoint(&p, "merge", json!(1))
        .await
        .unwrap();
    let second = manager
        .create_checkpoint(&p, "planning", json!(2))
        .await
        .unwrap();
    let latest = manager.get_latest_checkpoint(&p).await.unwrap().unwrap();
    assert_eq!((&latest.id, &*latest.stage), (&second, "planning"));
    let merge = manager
        .get_latest_stage_checkpoint(&p, "merge")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(merge.id, first);
    assert_eq!(
        manager
            .get_latest_stage_checkpoint(&p, "mer")
            .await
            .unwrap(),
        None
    );
    assert_eq!(manager.get_checkpoint(&first).await.unwrap(), Some(merge));
    for unknown in ["checkpoint-99", "checkpoint-01", "1", "other"] {
        let unknown = CheckpointId::new(unknown).unwrap();
        assert_eq!(
            manager.get_checkpoint(&unknown).await.unwrap(),
            None,
            "{unknown}"
        );
    }
    assert_eq!(manager.plans().await.unwrap(), [p]);
}

#[tokio::test]
async fn deletion_takes_one_plan_and_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let manager = CheckpointManager::open(folder.path()).unwrap();
    for (plan_id, data) in [("plan-1", 1), ("plan-1-b", 2), ("plan-1", 3), ("plan", 4)] {
        make(&manager, plan_id, data).await;
    }
    assert_eq!(
        manager.delete_checkpoints(&plan("plan-1")).await.unwrap(),
        2
    );
    assert_eq!(
        manager.delete_checkpoints(&plan("plan-1")).await.unwrap(),
        0
    );
    assert_eq!(
        manager
            .get_latest_checkpoint(&plan("plan-1"))
            .await
            .unwrap(),
        None
    );
    let again = make(&manager, "plan-1", 5).await;

    let manager = CheckpointManager::open(folder.path()).unwrap();
    assert_eq!(data_of(&manager, "plan-1").await, [5]);
    assert_eq!(data_of(&manager, "plan-1-b").await, [2]);
    assert_eq!(data_of(&manager, "plan").await, [4]);
    let latest = manager
        .get_latest_checkpoint(&plan("plan-1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(latest.id, again, "an id is never given twice");
}

#[tokio::test]
async fn clean_up_by_count_keeps_the_newest_of_each_plan() {
    let folder = tempfile::tempdir().unwrap();
    let manager = CheckpointManager::open(folder.path()).unwrap();
    for data in 1..=4 {
        make(&manager, "a", data).await;
        make(&manager, "b", data).await;
    }
    let keep = |count| Retention {
        max_count: Some(count),
        max_age: None,
    };
    assert_eq!(
        manager.clean_up(&Retention::default()).await.unwrap(),
        0,
        "no limit, no removal"
    );
    assert_eq!(manager.clean_up(&keep(2)).await.unwrap(), 4);
    assert_eq!(data_of(&manager, "a").await, [3, 4]);
    manager.finish_plan(&plan("b")).await.unwrap();
    assert_eq!(manager.clean_up(&keep(0)).await.unwrap(), 3);
    assert_eq!(
        data_of(&manager, "a").await,
        [4],
        "the last of an unfinished plan stays"
    );
    assert!(data_of(&manager, "b").await.is_empty());
    let again = CheckpointManager::open(folder.path()).unwrap();
    assert_eq!(again.plans().await.unwrap(), [plan("a")]);
}

#[tokio::test]
async fn clean_up_by_age_spares_the_last_of_an_unfinished_plan() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(Timestamp(1_000_000)));
    let manager = CheckpointManager::open_with(folder.path(), &clocked(&clock)).unwrap();
    let older_than = |seconds| Retention {
        max_age: Some(Duration::from_secs(seconds)),
        max_count: None,
    };
    for plan_id in ["live", "done", "reopened"] {
        make(&manager, plan_id, 1).await;
        make(&manager, plan_id, 2).await;
    }
    manager.finish_plan(&plan("done")).await.unwrap();
    manager.finish_plan(&plan("reopened")).await.unwrap();
    manager.finish_plan(&plan("unknown")).await.unwrap();
    clock.advance(Duration::from_secs(60));
    make(&manager, "reopened", 3).await;
    assert_eq!(
        manager.clean_up(&older_than(60)).await.unwrap(),
        0,
        "not older yet"
    );
    clock.set(Timestamp(0));
    assert_eq!(
        manager.clean_up(&older_than(0)).await.unwrap(),
        0,
        "the clock went back"
    );
    clock.set(Timestamp(1_061_000));
    assert_eq!(manager.clean_up(&older_than(60)).await.unwrap(), 5);
    assert_eq!(data_of(&manager, "live").await, [2]);
    assert!(data_of(&manager, "done").await.is_empty());
    assert_eq!(data_of(&manager, "reopened").await, [3]);
    clock.set(Timestamp(u64::MAX));
    assert_eq!(
        manager.clean_up(&older_than(60)).await.unwrap(),
        0,
        "a new checkpoint reopens"
    );
    assert_eq!(
        manager.plans().await.unwrap(),
        [plan("live"), plan("reopened")]
    );
}

#[tokio::test]
async fn order_does_not_follow_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(Timestamp(5_000)));
    let manager = CheckpointManager::open_with(folder.path(), &clocked(&clock)).unwrap();
    let first = make(&manager, "a", 1).await;
    let second = make(&manager, "a", 2).await;
    assert_ne!(first, second, "two of one instant are two");
    clock.set(Timestamp(0));
    make(&manager, "a", 3).await;
    assert_eq!(data_of(&manager, "a").await, [1, 2, 3]);
    let latest = manager
        .get_latest_checkpoint(&plan("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((latest.data, latest.created), (json!(3), Timestamp(0)));
}

/// Handles of their own see each other through the folder alone, as processes do.
#[tokio::test(flavor = "multi_thread")]
async fn several_handles_work_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let mut makers = JoinSet::new();
    for maker in 0..4_u32 {
        let manager = CheckpointManager::open(folder.path()).unwrap();
        makers.spawn(async move {
            for number in 0..10 {
                make(&manager, "a", maker * 10 + number).await;
            }
        });
    }
    let watcher = CheckpointManager::open(folder.path()).unwrap();
    while let Some(ended) = makers.join_next().await {
        ended.unwrap();
    }
    let list = watcher.list_checkpoints(&plan("a")).await.unwrap();
    let ids: std::collections::HashSet<_> = list.iter().map(|checkpoint| &checkpoint.id).collect();
    assert_eq!((list.len(), ids.len()), (40, 40));
    for maker in 0..4 {
        let of_maker = list
            .iter()
            .filter_map(|checkpoint| checkpoint.data.as_u64());
        let of_maker: Vec<_> = of_maker.filter(|data| data / 10 == maker).collect();
        assert!(
            of_maker.is_sorted() && of_maker.len() == 10,
            "{of_maker:?} are in order"
        );
    }
}

#[tokio::test]
async fn reading_creates_nothing_and_bad_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("a/checkpoints");
    let manager = CheckpointManager::open(&dir).unwrap();
    assert_eq!(
        manager.get_latest_checkpoint(&plan("a")).await.unwrap(),
        None
    );
    assert!(manager.plans().await.unwrap().is_empty());
    assert!(!dir.exists());
    let error = manager
        .create_checkpoint(&plan("a"), "", Value::Null)
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::Stage { length: 0 }));
    assert_eq!(error.class(), ErrorClass::Validation);
    let large = json!("x".repeat(17 << 20));
    let error = manager
        .create_checkpoint(&plan("a"), "x", large)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    make(&manager, "a", 1).await;
    assert_eq!(
        data_of(&manager, "a").await,
        [1],
        "the refused ones left nothing"
    );
}
