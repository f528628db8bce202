//! Random graphs of tasks that succeed, fail, panic and overrun, against what must come out.

use std::{collections::HashSet, panic::resume_unwind};

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Behavior {
    Succeeds,
    Fails,
    Panics,
    Overruns,
}

#[derive(Clone, Debug)]
struct Plan {
    /// Milliseconds, behavior, and dependencies on earlier tasks.
    tasks: Vec<(u64, Behavior, Vec<usize>)>,
    max_workers: usize,
    /// When the execution is cancelled, if at all.
    cancelled_at: Option<u64>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let behavior = prop_oneof![
        12 => Just(Behavior::Succeeds),
        1 => Just(Behavior::Fails),
        1 => Just(Behavior::Panics),
        1 => Just(Behavior::Overruns),
    ];
    let task = (
        0..20_u64,
        behavior,
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    );
    let tasks = prop::collection::vec(task, 1..200);
    (tasks, 1..9_usize, prop::option::weighted(0.3, 0..200_u64)).prop_map(
        |(tasks, max_workers, cancelled_at)| {
            let tasks =
                tasks
                    .into_iter()
                    .enumerate()
                    .map(|(number, (duration, behavior, picks))| {
                        let before = picks
                            .iter()
                            .filter(|_| number > 0)
                            .map(|pick| pick.index(number))
                            .collect();
                        (duration, behavior, before)
                    });
            Plan {
                tasks: tasks.collect(),
                max_workers,
                cancelled_at,
            }
        },
    )
}

fn execution_tasks(plan: &Plan) -> Vec<ExecutionTask<String>> {
    let task = |(number, (duration, behavior, before)): (usize, &(u64, Behavior, Vec<usize>))| {
        let (duration, behavior) = (*duration, *behavior);
        ExecutionTask::new(number.to_string(), async move |_| {
            sleep(millis(duration)).await;
            match behavior {
                Behavior::Succeeds => Ok(String::new()),
                Behavior::Fails => Err("broken".into()),
                Behavior::Panics => resume_unwind(Box::new("boom")),
                Behavior::Overruns => std::future::pending().await,
            }
        })
        .dependencies(before.iter().map(ToString::to_string))
        .timeout(millis(25))
    };
    plan.tasks.iter().enumerate().map(task).collect()
}

/// Executes a plan on paused time.
fn execute(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let token = CancellationToken::new();
        let cancel = async {
            if let Some(at) = plan.cancelled_at {
                sleep(millis(at)).await;
                token.cancel();
            }
        };
        let executor = ParallelExecutor::new(plan.max_workers).expect("at least one worker");
        let options = RunOptions {
            cancellation: token.clone(),
            ..RunOptions::default()
        };
        let ((log, results), ()) =
            tokio::join!(logged(&executor, execution_tasks(plan), options), cancel);
        (log, outcomes(&results.expect("a valid plan")))
    })
}

/// What each task may end as when nobody cancels.
fn allowed(plan: &Plan) -> Vec<HashSet<String>> {
    let mut causes: Vec<HashSet<usize>> = Vec::new();
    let mut allowed = Vec::new();
    for (number, (_, behavior, before)) in plan.tasks.iter().enumerate() {
        let blamed: HashSet<usize> = before
            .iter()
            .flat_map(|&before| causes[before].clone())
            .collect();
        allowed.push(if blamed.is_empty() {
            let outcome = match behavior {
                Behavior::Succeeds => "succeeded",
                Behavior::Fails => "failed: broken",
                Behavior::Panics => "panicked: boom",
                Behavior::Overruns => "timed out",
            };
            HashSet::from([format!("{number} {outcome}")])
        } else {
            blamed
                .iter()
                .map(|cause| format!("{number} skipped, since {cause} did not succeed"))
                .collect()
        });
        let own = blamed.is_empty() && *behavior != Behavior::Succeeds;
        causes.push(if own { HashSet::from([number]) } else { blamed });
    }
    allowed
}

/// Replays the log: who runs when.
fn check_log(plan: &Plan, log: &[String]) {
    let (mut ready, mut running, mut succeeded, mut ended) =
        <(Vec<_>, Vec<_>, HashSet<_>, HashSet<_>)>::default();
    let mut now = 0;
    for line in log {
        let (time, line) = line.split_once(' ').expect("a time");
        let (what, task) = line.rsplit_once(' ').expect("a task");
        let time: u64 = time.parse().expect("milliseconds");
        let task: usize = task.parse().expect("a number");
        if time > now {
            assert!(
                ready.is_empty() || running.len() == plan.max_workers,
                "{ready:?} wait at {now} beside a free slot"
            );
            now = time;
        }
        match what {
            "ready" => ready.push(task),
            "started" => {
                assert!(
                    plan.tasks[task]
                        .2
                        .iter()
                        .all(|before| succeeded.contains(before)),
                    "{task} starts too early"
                );
                ready.retain(|&other| other != task);
                running.push(task);
                assert!(running.len() <= plan.max_workers, "too many run at {now}");
            }
            outcome => {
                assert!(ended.insert(task), "{task} ends twice");
                ready.retain(|&other| other != task);
                running.retain(|&other| other != task);
                if outcome == "succeeded" {
                    succeeded.insert(task);
                }
            }
        }
    }
    assert_eq!(ended.len(), plan.tasks.len(), "every task is reported");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn executes_as_the_model_says(plan in plans()) {
        let (log, outcomes) = execute(&plan);
        check_log(&plan, &log);
        for (outcome, allowed) in outcomes.iter().zip(allowed(&plan)) {
            let cancelled = plan.cancelled_at.is_some() && outcome.ends_with(" cancelled");
            prop_assert!(cancelled || allowed.contains(outcome), "{outcome}, not one of {allowed:?}");
        }
        prop_assert_eq!(execute(&plan), (log, outcomes), "the same plan gives the same schedule");
    }
}
