//! Cancelling, dropping, holding.

use engine_parallel::{ExecutorOptions, control};
use tokio_util::sync::CancellationToken;

use super::*;

/// Ends with an error when it is asked to stop, after a while of cleaning up.
fn polite(id: &str, cleaning: u64) -> ExecutionTask<String> {
    ExecutionTask::new(id, async move |context| {
        context.cancellation().cancelled().await;
        sleep(millis(cleaning)).await;
        Err("asked to stop".into())
    })
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_execution_gives_grace_and_then_aborts() {
    let token = CancellationToken::new();
    let cancel = async {
        sleep(millis(100)).await;
        token.cancel();
    };
    let tasks = vec![
        polite("polite", 50),
        ExecutionTask::new("stubborn", async |_| std::future::pending().await),
        ExecutionTask::new("almost done", async |_| {
            sleep(millis(130)).await;
            Ok(String::new())
        }),
        sleeper("done", 10),
        sleeper("queued", 10).dependencies(["done"]),
        sleeper("behind", 10).dependencies(["stubborn"]),
    ];
    let executor = ParallelExecutor::with_options(
        4,
        ExecutorOptions {
            grace: millis(500),
            ..ExecutorOptions::default()
        },
    )
    .unwrap();
    let begin = Instant::now();
    let (results, ()) = tokio::join!(executor.execute_with_cancellation(tasks, &token), cancel);
    let results = results.unwrap();
    assert_eq!(
        outcomes(&results),
        [
            "polite cancelled",
            "stubborn cancelled",
            "almost done succeeded",
            "done succeeded",
            "queued succeeded",
            "behind cancelled",
        ]
    );
    assert_eq!(results.get("polite").unwrap().duration, millis(150));
    assert_eq!(
        begin.elapsed(),
        millis(600),
        "the grace period after the cancellation"
    );
}

#[tokio::test]
async fn cancelled_before_it_begins_nothing_starts() {
    let token = CancellationToken::new();
    token.cancel();
    let tasks = vec![
        sleeper("a", 1),
        sleeper("b", 1).dependencies(["a"]),
        ExecutionTask::ended("c", earlier()),
    ];
    let results = ParallelExecutor::new(1)
        .unwrap()
        .execute_with_cancellation(tasks, &token)
        .await
        .unwrap();
    assert_eq!(
        outcomes(&results),
        ["a cancelled", "b cancelled", "c succeeded"]
    );
}

#[tokio::test(start_paused = true)]
async fn one_task_can_be_cancelled_alone() {
    let (control, commands) = control();
    let tasks = vec![
        polite("running", 1),
        sleeper("behind", 1).dependencies(["running"]),
        sleeper("waiting", 1).dependencies(["other"]),
        sleeper("other", 50),
    ];
    let steer = async {
        sleep(millis(10)).await;
        control.cancel("running");
        control.cancel("waiting");
        control.cancel("unknown");
    };
    let executor = ParallelExecutor::new(2).unwrap();
    let options = RunOptions {
        commands: Some(commands),
        ..RunOptions::default()
    };
    let (results, ()) = tokio::join!(executor.execute(tasks, options), steer);
    assert_eq!(
        outcomes(&results.unwrap()),
        [
            "running cancelled",
            "behind skipped, since running did not succeed",
            "waiting cancelled",
            "other succeeded",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_abort_skips_the_grace_period() {
    let (control, commands) = control();
    let token = CancellationToken::new();
    let tasks = vec![
        ExecutionTask::new("stubborn", async |_| std::future::pending().await),
        sleeper("next", 1),
    ];
    let steer = async {
        sleep(millis(10)).await;
        token.cancel();
        sleep(millis(10)).await;
        control.abort();
    };
    let executor = ParallelExecutor::new(1).unwrap();
    let options = RunOptions {
        commands: Some(commands),
        cancellation: token.clone(),
        ..RunOptions::default()
    };
    let begin = Instant::now();
    let (results, ()) = tokio::join!(executor.execute(tasks, options), steer);
    assert_eq!(
        outcomes(&results.unwrap()),
        ["stubborn cancelled", "next cancelled"]
    );
    assert_eq!(begin.elapsed(), millis(20));
}

#[tokio::test(start_paused = true)]
async fn a_held_task_waits_until_it_is_let_go() {
    let (control, commands) = control();
    control.hold("gate");
    control.hold("forgotten");
    let tasks = vec![
        sleeper("gate", 1),
        sleeper("behind", 1).dependencies(["gate"]),
        sleeper("forgotten", 1),
    ];
    let steer = async move {
        sleep(millis(100)).await;
        control.unhold("gate");
        sleep(millis(100)).await;
        drop(control);
    };
    let executor = ParallelExecutor::new(1).unwrap();
    let options = RunOptions {
        commands: Some(commands),
        ..RunOptions::default()
    };
    let ((log, results), ()) = tokio::join!(logged(&executor, tasks, options), steer);
    assert_eq!(
        log,
        [
            "100 ready gate",
            "100 started gate",
            "101 succeeded gate",
            "101 ready behind",
            "101 started behind",
            "102 succeeded behind",
            "200 cancelled forgotten",
        ]
    );
    assert!(results.is_ok());
}

/// Counts the bodies that are alive.
fn alive(count: &Arc<()>) -> usize {
    Arc::strong_count(count) - 1
}

fn endless(id: &str, count: &Arc<()>) -> ExecutionTask<String> {
    let count = Arc::clone(count);
    ExecutionTask::new(id, async move |mut context| {
        let _alive = count;
        context.pause(sleep(millis(7))).await;
        std::future::pending().await
    })
}

#[tokio::test(start_paused = true)]
async fn dropping_the_execution_at_any_time_leaves_nothing_behind() {
    for lifetime in 0..12 {
        let count = Arc::new(());
        let mut tasks: Vec<_> = (0..5)
            .map(|task| endless(&task.to_string(), &count))
            .collect();
        tasks.push(endless("last", &count).dependencies(["0"]));
        let executor = ParallelExecutor::new(3).unwrap();
        let execution = executor.execute_tasks(tasks);
        assert!(
            tokio::time::timeout(millis(lifetime), execution)
                .await
                .is_err(),
            "it never ends by itself"
        );
        // The runtime drops aborted tasks when it comes round to them.
        while alive(&count) > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
            0,
            "after {lifetime} ms"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_execution_leaves_nothing_behind() {
    let count = Arc::new(());
    let tasks = vec![
        endless("timed out", &count).timeout(millis(30)),
        endless("cancelled", &count),
    ];
    let token = CancellationToken::new();
    let cancel = async {
        sleep(millis(100)).await;
        token.cancel();
    };
    let executor = ParallelExecutor::new(3).unwrap();
    let (results, ()) = tokio::join!(executor.execute_with_cancellation(tasks, &token), cancel);
    assert_eq!(
        outcomes(&results.unwrap()),
        ["timed out timed out", "cancelled cancelled"]
    );
    assert_eq!(alive(&count), 0);
    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        0
    );
}
