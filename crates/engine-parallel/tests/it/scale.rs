//! Long and wide.

use engine_parallel::TaskScheduler;

use super::*;

const N: u32 = 100_000;

/// A chain in which each task counts on from the one before.
fn chain() -> Vec<ExecutionTask<u32>> {
    let tasks = (0..N).map(|task| {
        ExecutionTask::new(task.to_string(), async |context| {
            Ok(context.outputs().map(|(_, n)| **n + 1).sum())
        })
        .dependencies(task.checked_sub(1).map(|before| before.to_string()))
    });
    tasks.collect()
}

async fn check_chain() {
    let executor = ParallelExecutor::new(3).expect("three workers");
    let results = executor.execute_tasks(chain()).await.expect("valid tasks");
    assert!(results.all_succeeded());
    let last = results.output(&(N - 1).to_string()).expect("it succeeded");
    assert_eq!(**last, N - 1);
}

#[tokio::test]
async fn a_chain_of_100_000_ends_on_one_thread() {
    check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_100_000_ends_on_two_threads() {
    check_chain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_star_of_100_000_ends_optimized() {
    let mut tasks: Vec<ExecutionTask<u32>> = (1..N)
        .map(|task| ExecutionTask::new(task.to_string(), async |_| Ok(1)).dependencies(["hub"]))
        .collect();
    tasks.push(ExecutionTask::new("hub", async |_| Ok(1)));
    tasks.push(
        ExecutionTask::new("sum", async |context| {
            Ok(context.outputs().map(|(_, n)| **n).sum())
        })
        .dependencies((1..N).map(|task| task.to_string())),
    );
    let executor = ParallelExecutor::new(8).unwrap();
    let results = TaskScheduler::new(&executor)
        .execute_with_optimization(tasks)
        .await
        .unwrap();
    assert_eq!(**results.output("sum").unwrap(), N - 1);
}

#[tokio::test(start_paused = true)]
async fn optimizing_starts_the_critical_path_first() {
    let tasks = || {
        let mut tasks: Vec<_> = (0..4)
            .map(|task| sleeper(&format!("leaf {task}"), 10))
            .collect();
        tasks.push(sleeper("long", 20));
        tasks.push(sleeper("longer", 20).dependencies(["long"]));
        tasks
            .into_iter()
            .map(|task| task.estimate(millis(10)))
            .collect::<Vec<_>>()
    };
    let executor = ParallelExecutor::new(2).unwrap();
    let history =
        [("long", 20), ("longer", 20)].map(|(id, duration)| (id.into(), millis(duration)));
    let scheduler = TaskScheduler::new(&executor).with_history(history);

    let begin = Instant::now();
    executor.execute_tasks(tasks()).await.unwrap();
    assert_eq!(begin.elapsed(), millis(60), "in the order of submission");

    let once = scheduler.optimize_execution_order(tasks()).unwrap();
    let order: Vec<_> = once.iter().map(|task| task.id().clone()).collect();
    let twice = scheduler.optimize_execution_order(once).unwrap();
    assert_eq!(
        twice
            .iter()
            .map(|task| task.id().clone())
            .collect::<Vec<_>>(),
        order
    );
    assert_eq!(scheduler.predicted_makespan(&twice).unwrap(), millis(40));
    let begin = Instant::now();
    scheduler.execute_with_optimization(twice).await.unwrap();
    assert_eq!(begin.elapsed(), millis(40), "as predicted");
}
