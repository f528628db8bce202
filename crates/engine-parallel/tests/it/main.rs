//! The public API, on tokio's paused clock wherever time matters.

mod cancel;
mod ends;
mod model;
mod pause;
mod scale;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine_parallel::{
    Error, ExecutionEvent, ExecutionTask, Outcome, ParallelExecutor, Results, RunOptions,
};
use tokio::time::{Instant, sleep};

#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not compiled"
        );
    }
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A task that takes so long and returns its id.
fn sleeper(id: &str, duration: u64) -> ExecutionTask<String> {
    ExecutionTask::new(id, async move |context| {
        sleep(millis(duration)).await;
        Ok(context.id().to_string())
    })
}

/// A line for each event, `<milliseconds> <what> <task>`, and the results.
async fn logged(
    executor: &ParallelExecutor,
    tasks: Vec<ExecutionTask<String>>,
    options: RunOptions<'_, String>,
) -> (Vec<String>, Result<Results<String>, Error>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let begin = Instant::now();
    let on_event = |event: &ExecutionEvent<'_, String>| {
        let line = match event {
            ExecutionEvent::Ready { id } => format!("ready {id}"),
            ExecutionEvent::Started { id } => format!("started {id}"),
            ExecutionEvent::Paused { id } => format!("paused {id}"),
            ExecutionEvent::Resumed { id } => format!("resumed {id}"),
            ExecutionEvent::Ended { id, outcome, .. } => format!("{outcome} {id}"),
            _ => unreachable!("an event without a line"),
        };
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{} {line}", begin.elapsed().as_millis()));
    };
    let options = RunOptions {
        on_event: Some(&on_event),
        ..options
    };
    let results = executor.execute(tasks, options).await;
    let lines = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
    (lines, results)
}

/// `<id> <outcome>` for each task in the order of submission.
fn outcomes(results: &Results<String>) -> Vec<String> {
    results
        .iter()
        .map(|(id, report)| format!("{id} {}", report.outcome))
        .collect()
}

/// Executes on so many workers and compares how the tasks ended.
async fn check(
    max_workers: usize,
    tasks: Vec<ExecutionTask<String>>,
    expected: &[&str],
) -> Results<String> {
    let executor = ParallelExecutor::new(max_workers).expect("at least one worker");
    let results = executor.execute_tasks(tasks).await.expect("valid tasks");
    assert_eq!(outcomes(&results), expected);
    results
}

/// An outcome that says that it comes from an earlier run.
fn earlier() -> Outcome<String> {
    Outcome::succeeded("earlier".to_owned())
}
