use std::{pin::Pin, sync::Arc, time::Duration};

use core_types::{
    CheckpointStore, Clock, GitProvider, Inbox, NoAdvice, NoEvents, NoLedger, NoRecovery,
    NoSelection, PlanRunner, StepLog, Timestamp,
};
use testkit::{
    FixedClock, MemoryCheckpoints, MemoryEvents, MemoryForge, MemoryInbox, MemoryPlanRunner,
    MemoryPlanState, MemoryStepLog, checkpoint_store, event_sink, git_provider, inbox, neutral,
    plan_runner, plan_state, plan_state::Change, step_log,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_step_log_conforms() {
    step_log::conformance(async || Arc::new(MemoryStepLog::default()) as Arc<dyn StepLog>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_sink_conforms() {
    event_sink::conformance(async || {
        let sink = Arc::new(MemoryEvents::default());
        let reader = Arc::clone(&sink);
        event_sink::Subject {
            sink,
            read: Box::new(move || reader.records()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_store_conforms() {
    let make = async || Arc::new(MemoryCheckpoints::default()) as Arc<dyn CheckpointStore>;
    checkpoint_store::conformance(make).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_conforms() {
    inbox::conformance(async || Arc::new(MemoryInbox::default()) as Arc<dyn Inbox>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forge_conforms() {
    let make = async || Arc::new(MemoryForge::default()) as Arc<dyn GitProvider>;
    git_provider::conformance(make).await;
}

#[tokio::test]
async fn the_plan_runner_conforms() {
    plan_runner::conformance(async |failing| {
        Arc::new(MemoryPlanRunner::failing(failing.to_vec())) as Arc<dyn PlanRunner>
    })
    .await;
}

#[tokio::test]
async fn the_plan_state_conforms() {
    plan_state::conformance(async || {
        let state = Arc::new(MemoryPlanState::default());
        let changed = Arc::clone(&state);
        let change = move |plan, change| -> Pin<Box<dyn Future<Output = ()>>> {
            match change {
                Change::Complete(stage) => changed.complete(&plan, stage.as_str()),
                Change::Task(task, status) => changed.set(&plan, &task, status),
            }
            Box::pin(async {})
        };
        plan_state::Subject {
            state,
            change: Box::new(change),
        }
    })
    .await;
}

#[tokio::test]
async fn defaults_that_do_nothing_let_a_run_go_on() {
    neutral::event_sink(&NoEvents).await;
    neutral::event_sink(&MemoryEvents::default()).await;
    neutral::ledger(&NoLedger).await;
    neutral::prompt_advisor(&NoAdvice).await;
    neutral::model_selector(&NoSelection);
    neutral::recovery(&NoRecovery).await;
}

#[test]
fn a_fixed_clock_moves_only_when_it_is_told() {
    let clock = FixedClock::at(Timestamp(5000));
    assert_eq!(
        (clock.now(), clock.now()),
        (Timestamp(5000), Timestamp(5000))
    );
    clock.advance(Duration::from_secs(2));
    assert_eq!(clock.now(), Timestamp(7000));
    clock.set(Timestamp(1));
    assert_eq!(clock.now(), Timestamp(1));
}
