//! How tasks end, and that they all do.

use std::{
    future::{Future, poll_fn},
    panic::resume_unwind,
    pin::pin,
    task::Poll,
};

use engine_parallel::{MetadataValue, graph::Finding};

use super::*;

fn failing(id: &str) -> ExecutionTask<String> {
    ExecutionTask::new(id, async |_| Err("broken".into()))
}

/// Panics without the noise of the panic hook.
fn panicking(id: &str) -> ExecutionTask<String> {
    ExecutionTask::new(id, async |_| resume_unwind(Box::new("boom")))
}

#[tokio::test(start_paused = true)]
async fn a_short_and_a_long_task_both_end() {
    let begin = Instant::now();
    let results = check(
        3,
        vec![sleeper("short", 50), sleeper("long", 200)],
        &["short succeeded", "long succeeded"],
    )
    .await;
    assert_eq!(results.get("short").unwrap().duration, millis(50));
    assert_eq!(results.get("long").unwrap().duration, millis(200));
    assert_eq!(begin.elapsed(), millis(200));
    assert!(results.all_succeeded() && results.len() == 2 && !results.is_empty());
    assert!(results.get("other").is_none() && results.output("other").is_none());
}

#[tokio::test(start_paused = true)]
async fn outputs_reach_direct_dependents_alone() {
    let tasks = vec![
        sleeper("a", 1),
        sleeper("b", 1).dependencies(["a"]),
        ExecutionTask::new("c", async |context| {
            assert!(context.output("a").is_none());
            Ok(context
                .outputs()
                .map(|(id, output)| format!("{id}={output}"))
                .collect())
        })
        .dependencies(["d", "b", "b"]),
        ExecutionTask::ended("d", earlier()),
    ];
    let results = check(
        2,
        tasks,
        &["a succeeded", "b succeeded", "c succeeded", "d succeeded"],
    )
    .await;
    assert_eq!(**results.output("c").unwrap(), "b=bd=earlier");
}

#[tokio::test(start_paused = true)]
async fn a_failure_skips_what_is_behind_it_and_nothing_else() {
    let tasks = vec![
        failing("bad"),
        sleeper("behind", 1).dependencies(["bad", "good"]),
        sleeper("far behind", 1).dependencies(["behind"]),
        sleeper("good", 1),
    ];
    let results = check(
        1,
        tasks,
        &[
            "bad failed: broken",
            "behind skipped, since bad did not succeed",
            "far behind skipped, since bad did not succeed",
            "good succeeded",
        ],
    )
    .await;
    assert!(!results.all_succeeded());
}

#[tokio::test]
async fn a_failure_keeps_its_type() {
    let tasks = vec![ExecutionTask::<String>::new("io", async |_| {
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull))?
    })];
    let results = ParallelExecutor::new(1)
        .unwrap()
        .execute_tasks(tasks)
        .await
        .unwrap();
    let Outcome::Failed(error) = &results.get("io").unwrap().outcome else {
        panic!("it fails")
    };
    assert_eq!(
        error.downcast_ref::<std::io::Error>().unwrap().kind(),
        std::io::ErrorKind::StorageFull
    );
}

#[tokio::test]
async fn a_panic_ends_one_task() {
    let tasks = vec![
        panicking("at once"),
        ExecutionTask::<String>::new("before its future", |_| -> std::future::Ready<_> {
            resume_unwind(Box::new("early".to_owned()))
        }),
        ExecutionTask::new("without words", async |_| resume_unwind(Box::new(7))),
        sleeper("behind", 0).dependencies(["at once"]),
        sleeper("other", 0),
    ];
    check(
        2,
        tasks,
        &[
            "at once panicked: boom",
            "before its future panicked: early",
            "without words panicked: a panic without a message",
            "behind skipped, since at once did not succeed",
            "other succeeded",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_panic_while_it_is_dropped_ends_one_task() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("bomb"));
        }
    }
    let tasks = vec![
        ExecutionTask::new("bomb", async |_| {
            let _bomb = Bomb;
            std::future::pending().await
        })
        .timeout(millis(1)),
        ExecutionTask::new("payload", async |_| resume_unwind(Box::new(Bomb))),
        sleeper("other", 0),
    ];
    let expected = [
        "bomb panicked: bomb",
        "payload panicked: a panic without a message",
        "other succeeded",
    ];
    check(3, tasks, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ignores_cancellation_is_aborted_at_its_timeout() {
    let token = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&token);
    let tasks = vec![
        ExecutionTask::new("stubborn", async move |context| {
            *seen.lock().unwrap() = Some(context.cancellation().clone());
            loop {
                sleep(millis(3)).await;
            }
        })
        .timeout(millis(100)),
        sleeper("in time", 99).timeout(millis(100)),
        sleeper("behind", 1).dependencies(["stubborn"]),
    ];
    let results = check(
        2,
        tasks,
        &[
            "stubborn timed out",
            "in time succeeded",
            "behind skipped, since stubborn did not succeed",
        ],
    )
    .await;
    assert_eq!(results.get("stubborn").unwrap().duration, millis(100));
    assert!(
        token.lock().unwrap().as_ref().unwrap().is_cancelled(),
        "what it spawned is told"
    );
}

#[tokio::test(start_paused = true)]
async fn late_is_never_succeeded() {
    // Advancing the clock within one poll is what a body that blocks its thread looks like.
    let tasks = vec![
        ExecutionTask::new("blocking", async |_| {
            let mut advance = pin!(tokio::time::advance(millis(50)));
            let once = poll_fn(|cx| Poll::Ready(advance.as_mut().poll(cx))).await;
            assert!(
                once.is_pending(),
                "the clock has moved; the rest would be a yield"
            );
            Ok("late".to_owned())
        })
        .timeout(millis(10)),
    ];
    check(1, tasks, &["blocking timed out"]).await;
}

#[tokio::test(start_paused = true)]
async fn ended_tasks_count_and_cause_no_event() {
    let tasks = vec![
        ExecutionTask::ended("done", earlier()),
        ExecutionTask::ended("lost", Outcome::failed("disk")),
        ExecutionTask::ended(
            "skipped",
            Outcome::Skipped {
                dependency: "lost".into(),
            },
        )
        .dependencies(["lost"]),
        sleeper("next", 5).dependencies(["done"]),
        sleeper("never", 5).dependencies(["skipped"]),
    ];
    let executor = ParallelExecutor::new(1).unwrap();
    let (log, results) = logged(&executor, tasks, RunOptions::default()).await;
    assert_eq!(
        log,
        [
            "0 skipped, since lost did not succeed never",
            "0 ready next",
            "0 started next",
            "5 succeeded next"
        ]
    );
    let results = results.unwrap();
    assert_eq!(
        results.get("lost").unwrap().outcome.to_string(),
        "failed: disk"
    );
    assert_eq!(results.get("done").unwrap().duration, Duration::ZERO);
}

#[tokio::test]
async fn invalid_tasks_are_refused_before_anything_starts() {
    let started = Arc::new(Mutex::new(false));
    let witness = Arc::clone(&started);
    let tasks = vec![
        ExecutionTask::new("fine", async move |_| {
            *witness.lock().unwrap() = true;
            Ok(String::new())
        }),
        sleeper("a", 0).dependencies(["b"]).resource("gpu", 1),
        sleeper("b", 0).dependencies(["a"]).resource("repo", 2),
    ];
    let options = engine_parallel::ExecutorOptions {
        resources: [("repo".into(), 1)].into(),
        ..Default::default()
    };
    let executor = ParallelExecutor::with_options(2, options).unwrap();
    let error = executor.execute_tasks(tasks).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "execute the tasks: tasks depend on each other in a cycle: a → b → a; \
         task `a` needs `gpu`, for which the executor has no capacity; \
         task `b` needs 2 of `repo`, of which there are only 1"
    );
    let Error::InvalidTasks { findings } = error else {
        panic!("it names findings")
    };
    assert_eq!(
        findings[0],
        Finding::Cycle {
            path: ["a", "b", "a"].map(Into::into).to_vec()
        }
    );
    assert!(!*started.lock().unwrap());
    assert_eq!(ParallelExecutor::new(0).unwrap_err(), Error::NoWorkers);
}

#[tokio::test(start_paused = true)]
async fn a_resource_serializes_those_who_need_it() {
    let options = engine_parallel::ExecutorOptions {
        resources: [("repo".into(), 1)].into(),
        ..Default::default()
    };
    let executor = ParallelExecutor::with_options(3, options).unwrap();
    let tasks = vec![
        sleeper("first", 10).resource("repo", 1),
        sleeper("second", 10).resource("repo", 1),
        sleeper("free", 15).resource("repo", 0),
    ];
    let (log, _) = logged(&executor, tasks, RunOptions::default()).await;
    let starts: Vec<&String> = log.iter().filter(|line| line.contains("started")).collect();
    assert_eq!(
        starts,
        ["0 started first", "0 started free", "10 started second"]
    );
}

#[tokio::test]
async fn no_tasks_end_at_once_and_notes_come_back() {
    check(1, vec![], &[]).await;
    let tasks = vec![
        sleeper("noted", 0)
            .metadata("cost", 5.0)
            .metadata("why", "blocking"),
    ];
    let results = check(1, tasks, &["noted succeeded"]).await;
    let metadata = &results.get("noted").unwrap().metadata;
    assert_eq!(metadata["cost"], MetadataValue::Number(5.0));
    assert_eq!(metadata["why"], MetadataValue::from("blocking".to_owned()));
}
