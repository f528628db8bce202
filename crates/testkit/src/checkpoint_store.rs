//! What every [`CheckpointStore`] must do.

use std::{collections::HashSet, sync::Arc};

use core_types::{CheckpointStore, ErrorClass, PlanId};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Runs all cases; `make` gives an empty store each time.
///
/// # Panics
///
/// When the store breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Arc<dyn CheckpointStore>) {
    an_unknown_plan_has_no_checkpoints(&*make().await).await;
    the_latest_is_the_last_made(&*make().await).await;
    plans_with_a_common_beginning_are_apart(&*make().await).await;
    data_comes_back_as_it_was_given(&*make().await).await;
    a_bad_stage_is_refused(&*make().await).await;
    checkpoints_made_at_once_are_all_kept(make().await).await;
}

fn plan(id: &str) -> PlanId {
    PlanId::new(id).expect("a valid plan id")
}

async fn create(store: &dyn CheckpointStore, plan_id: &str, stage: &str, data: Value) {
    store
        .create(&plan(plan_id), stage, data)
        .await
        .expect("create");
}

async fn latest(store: &dyn CheckpointStore, plan_id: &str, stage: Option<&str>) -> Option<Value> {
    let found = store.latest(&plan(plan_id), stage).await.expect("latest");
    found.map(|checkpoint| checkpoint.data)
}

async fn an_unknown_plan_has_no_checkpoints(store: &dyn CheckpointStore) {
    assert_eq!(latest(store, "a", None).await, None);
    assert_eq!(latest(store, "a", Some("x")).await, None);
    assert!(store.list(&plan("a")).await.expect("list").is_empty());
}

async fn the_latest_is_the_last_made(store: &dyn CheckpointStore) {
    // In the order of their names, `planning` would come after `implementation`.
    for (stage, data) in [
        ("planning", 1),
        ("implementation", 2),
        ("planning", 3),
        ("merge", 4),
    ] {
        create(store, "a", stage, json!(data)).await;
    }
    assert_eq!(latest(store, "a", None).await, Some(json!(4)));
    assert_eq!(latest(store, "a", Some("planning")).await, Some(json!(3)));
    assert_eq!(
        latest(store, "a", Some("plan")).await,
        None,
        "stages are compared whole"
    );
    let list = store.list(&plan("a")).await.expect("list");
    let data: Vec<_> = list
        .iter()
        .map(|checkpoint| checkpoint.data.clone())
        .collect();
    assert_eq!(data, [1, 2, 3, 4].map(|n| json!(n)), "oldest first");
    assert!(
        list.is_sorted_by(|a, b| a.seq < b.seq),
        "sequence numbers rise"
    );
    let ids: HashSet<_> = list
        .iter()
        .map(|checkpoint| checkpoint.id.clone())
        .collect();
    assert_eq!(ids.len(), 4, "checkpoints of one instant are told apart");
}

async fn plans_with_a_common_beginning_are_apart(store: &dyn CheckpointStore) {
    create(store, "a", "x", json!(1)).await;
    create(store, "a-b", "x", json!(2)).await;
    create(store, "A", "x", json!(3)).await;
    assert_eq!(latest(store, "a", None).await, Some(json!(1)));
    assert_eq!(latest(store, "a-b", None).await, Some(json!(2)));
    assert_eq!(store.list(&plan("a")).await.expect("list").len(), 1);
}

async fn data_comes_back_as_it_was_given(store: &dyn CheckpointStore) {
    let data = json!({
        "text": "grüße\r\n\u{1F980}\u{0}",
        "numbers": [u64::MAX, i64::MIN, 0.1],
        "deep": [[[{}]]],
        "nothing": null,
    });
    let id = store
        .create(&plan("a"), "prüfung 2", data.clone())
        .await
        .expect("create");
    let found = store
        .latest(&plan("a"), None)
        .await
        .expect("latest")
        .expect("it was made");
    let expected = (id, plan("a"), "prüfung 2".to_owned(), data);
    assert_eq!((found.id, found.plan, found.stage, found.data), expected);
}

async fn a_bad_stage_is_refused(store: &dyn CheckpointStore) {
    for stage in ["", &"x".repeat(65)] {
        let error = store.create(&plan("a"), stage, Value::Null).await;
        assert_eq!(
            error.expect_err("it must be refused").class(),
            ErrorClass::Validation
        );
    }
    create(store, "a", &"ä".repeat(64), Value::Null).await;
    assert_eq!(store.list(&plan("a")).await.expect("list").len(), 1);
}

async fn checkpoints_made_at_once_are_all_kept(store: Arc<dyn CheckpointStore>) {
    let mut makers = JoinSet::new();
    for number in 0..50 {
        let store = Arc::clone(&store);
        makers.spawn(async move { store.create(&plan("a"), "x", json!(number)).await });
    }
    let mut ids = HashSet::new();
    while let Some(made) = makers.join_next().await {
        ids.insert(made.expect("no maker panics").expect("create"));
    }
    assert_eq!(ids.len(), 50, "each has an id of its own");
    let listed = store.list(&plan("a")).await.expect("list");
    assert_eq!(
        listed.into_iter().map(|c| c.id).collect::<HashSet<_>>(),
        ids
    );
}
