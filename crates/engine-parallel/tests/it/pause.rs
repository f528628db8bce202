//! Giving the worker slot back.

use tokio::{select, sync::Notify};

use super::*;

#[tokio::test(start_paused = true)]
async fn others_run_while_a_task_is_paused() {
    let tasks = vec![
        ExecutionTask::new("patient", async |mut context| {
            sleep(millis(10)).await;
            Ok(context
                .pause(async {
                    sleep(millis(20)).await;
                    "waited"
                })
                .await
                .to_owned())
        }),
        sleeper("other", 50),
        sleeper("third", 50),
    ];
    let executor = ParallelExecutor::new(1).unwrap();
    let (log, results) = logged(&executor, tasks, RunOptions::default()).await;
    assert_eq!(
        log,
        [
            "0 ready patient",
            "0 ready other",
            "0 ready third",
            "0 started patient",
            "10 paused patient",
            "10 started other",
            // It became ready before the third, so it comes first.
            "60 succeeded other",
            "60 resumed patient",
            "60 succeeded patient",
            "60 started third",
            "110 succeeded third",
        ]
    );
    let results = results.unwrap();
    assert_eq!(**results.output("patient").unwrap(), "waited");
    assert_eq!(results.get("patient").unwrap().duration, millis(60));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_stands_still_during_a_pause() {
    let pausing = |id: &str, after: u64| {
        ExecutionTask::new(id, async move |mut context| {
            sleep(millis(5)).await;
            context.pause(sleep(millis(1000))).await;
            sleep(millis(after)).await;
            Ok(String::new())
        })
        .timeout(millis(10))
    };
    let expected = ["in time succeeded", "late timed out"];
    let results = check(
        2,
        vec![pausing("in time", 4), pausing("late", 6)],
        &expected,
    )
    .await;
    assert_eq!(results.get("late").unwrap().duration, millis(1010));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_goes_on_after_a_pause_elsewhere() {
    // The context is used by another task of the runtime than the one that runs the body.
    let tasks = vec![
        ExecutionTask::<String>::new("spread", async |mut context| {
            let mut others = tokio::task::JoinSet::new();
            others.spawn(async move {
                context.pause(sleep(millis(100))).await;
                std::future::pending::<()>().await;
            });
            others.join_next().await;
            Ok(String::new())
        })
        .timeout(millis(10)),
    ];
    let results = check(1, tasks, &["spread timed out"]).await;
    assert_eq!(results.get("spread").unwrap().duration, millis(110));
}

#[tokio::test(start_paused = true)]
async fn a_pause_dropped_halfway_takes_the_slot_back_first() {
    let other_runs = Arc::new(Mutex::new(false));
    let (set, seen) = (Arc::clone(&other_runs), other_runs);
    let tasks = vec![
        ExecutionTask::new("hasty", async move |mut context| {
            select! {
                () = context.pause(std::future::pending()) => {}
                () = sleep(millis(10)) => {}
            }
            // The end of the same poll is its own; its next turn is not.
            tokio::task::yield_now().await;
            assert!(
                !*seen.lock().unwrap(),
                "it runs beside the other on one slot"
            );
            Ok(String::new())
        }),
        ExecutionTask::new("other", async move |_| {
            *set.lock().unwrap() = true;
            sleep(millis(50)).await;
            *set.lock().unwrap() = false;
            Ok(String::new())
        }),
    ];
    let executor = ParallelExecutor::new(1).unwrap();
    let (log, _) = logged(&executor, tasks, RunOptions::default()).await;
    assert_eq!(
        log[5..],
        [
            "50 succeeded other",
            "50 resumed hasty",
            "50 succeeded hasty"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pauses_on_one_slot_all_end() {
    let gate = Arc::new(Notify::new());
    let mut tasks: Vec<_> = (0..1000)
        .map(|task| {
            let gate = Arc::clone(&gate);
            ExecutionTask::new(task.to_string(), async move |mut context| {
                context.pause(gate.notified()).await;
                Ok(String::new())
            })
        })
        .collect();
    tasks.push(ExecutionTask::new("opener", async move |_| {
        gate.notify_waiters();
        Ok(String::new())
    }));
    let results = ParallelExecutor::new(1)
        .unwrap()
        .execute_tasks(tasks)
        .await
        .unwrap();
    assert!(
        results.all_succeeded(),
        "all were paused when the last opened the gate"
    );
}
