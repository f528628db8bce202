//! Trying again, recorded.

use std::{sync::Arc, time::Duration};

use core_types::{
    CancellationToken, ErrorClass, FailureKind, Recovery, RecoveryOutcome, Scope, StepKey,
    StepLog as _, Timestamp, step::StepState,
};
use engine_recovery::{
    Options, RetryOptions, RetryRecoveryStrategy,
    retry::{Admission, Breakers},
};

use crate::world::{CutLog, NoAgent, World, recover};

fn retry(outcome: &RecoveryOutcome) -> Timestamp {
    match outcome {
        RecoveryOutcome::Retry { at } => *at,
        other => panic!("{other:?} is no retry"),
    }
}

fn is_handed_off(outcome: &RecoveryOutcome) -> bool {
    matches!(outcome, RecoveryOutcome::HandOff { .. })
}

#[tokio::test]
async fn an_operation_is_tried_again_at_once_then_later_then_a_person_is_told() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let start = world.now();
    let waits = [(0, 0), (2_000, 2_500), (4_000, 5_000)];
    for (attempt, (least, most)) in (1..).zip(waits) {
        let request = world.request("a", attempt, ErrorClass::Transient, FailureKind::Agent);
        let outcome = recover(&recovery, &request).await;
        let wait = retry(&outcome).0 - start.0;
        assert!(
            (least..=most).contains(&wait),
            "attempt {attempt}: {wait} ms"
        );
        let again = recover(&recovery, &request).await;
        assert_eq!(again, outcome, "the same failure spends no second unit");
    }
    let request = world.request("a", 4, ErrorClass::Transient, FailureKind::Agent);
    let outcome = recover(&recovery, &request).await;
    assert!(is_handed_off(&outcome), "{outcome:?}");
    let report = world.report("task-a.md");
    let line = "`retry`: the operation's budget of 3 retries is used up";
    assert!(report.contains(line), "{report}");
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_attempt_and_another_seed_is_another_chance() {
    let mut waits = Vec::new();
    for seed in [0, 0, 1] {
        let world = World::new().await;
        let options = Options {
            retry: RetryOptions {
                seed,
                ..RetryOptions::default()
            },
            ..Options::default()
        };
        let recovery = world.recovery().options(options).build();
        for attempt in 1..=2 {
            let request = world.request("a", attempt, ErrorClass::Transient, FailureKind::Agent);
            waits.push(retry(&recover(&recovery, &request).await));
        }
    }
    assert_eq!(waits[1], waits[3]);
    assert_ne!(waits[1], waits[5]);
}

#[tokio::test]
async fn what_is_permanent_is_never_tried_again() {
    use ErrorClass as C;
    let world = World::new().await;
    let recovery = world.recovery().build();
    let classes = [
        C::Conflict,
        C::TestFailure,
        C::Validation,
        C::Unauthorized,
        C::NotFound,
        C::UnknownOutcome,
        C::Internal,
    ];
    let kinds = [
        FailureKind::Agent,
        FailureKind::NoChange,
        FailureKind::Setup,
        FailureKind::Other,
        FailureKind::Panic,
    ];
    let mut task = 0;
    for class in classes {
        for kind in &kinds {
            task += 1;
            let request = world.request(&format!("t{task}"), 1, class, kind.clone());
            let outcome = recover(&recovery, &request).await;
            assert!(is_handed_off(&outcome), "{class} {kind:?}: {outcome:?}");
        }
    }
    // Nor what the engine was killed with too often, whatever its class is.
    let killed = FailureKind::KilledTooOften { executions: 5 };
    for class in [C::Transient, C::Timeout, C::ResourceExhausted] {
        task += 1;
        let request = world.request(&format!("t{task}"), 1, class, killed.clone());
        assert!(is_handed_off(&recover(&recovery, &request).await));
    }
}

#[tokio::test]
async fn a_quota_parks_the_run_and_uses_no_retry() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let until = Timestamp(world.now().0 + 18_000_000);
    for attempt in 1..=6 {
        let class = ErrorClass::QuotaExhausted { until: Some(until) };
        let request = world.request("a", attempt, class, FailureKind::Agent);
        let outcome = recover(&recovery, &request).await;
        assert_eq!(outcome, RecoveryOutcome::Park { until });
    }
    let request = world.request("a", 7, ErrorClass::Transient, FailureKind::Agent);
    let outcome = recover(&recovery, &request).await;
    assert_eq!(retry(&outcome), world.now(), "no unit was spent");
    let unit = StepKey::new(Scope::Run, 2, "recovery-unit");
    assert_eq!(
        world.steps.state(&unit),
        StepState::New,
        "one unit of the run"
    );
}

#[tokio::test]
async fn what_was_too_slow_or_took_the_memory_is_tried_again_once() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    for (task, class, least) in [
        ("slow", ErrorClass::Timeout, 0),
        ("big", ErrorClass::ResourceExhausted, 4_000 - 2_000),
    ] {
        let request = |attempt| world.request(task, attempt, class, FailureKind::Setup);
        let wait = retry(&recover(&recovery, &request(1)).await).0 - world.now().0;
        assert!(wait >= least, "{task}: {wait} ms");
        assert!(is_handed_off(&recover(&recovery, &request(2)).await));
    }
}

#[tokio::test]
async fn a_task_and_a_run_have_budgets_of_their_own() {
    let world = World::new().await;
    let options = Options {
        retry: RetryOptions {
            per_task: 4,
            per_run: 6,
            delay_scale: 0.0,
            ..RetryOptions::default()
        },
        ..Options::default()
    };
    // No breaker of this test opens.
    let strategy = || Arc::new(RetryRecoveryStrategy::default());
    let recovery = || {
        world
            .recovery()
            .options(options.clone())
            .retry(strategy())
            .build()
    };
    let mut units = Vec::new();
    for task in ["a", "b"] {
        for attempt in 1..=6 {
            let kind = if attempt % 2 == 0 {
                FailureKind::Setup
            } else {
                FailureKind::Agent
            };
            let request = world.request(task, attempt, ErrorClass::Transient, kind);
            // Each time as after a restart.
            match recover(&recovery(), &request).await {
                RecoveryOutcome::Retry { .. } => units.push(task),
                outcome => {
                    assert!(is_handed_off(&outcome), "{outcome:?}");
                    break;
                }
            }
        }
    }
    assert_eq!(units, ["a", "a", "a", "a", "b", "b"]);
    let report = world.report("task-a.md");
    assert!(
        report.contains("the task's budget of 4 retries"),
        "{report}"
    );
    let report = world.report("task-b.md");
    assert!(report.contains("the run's budget of 6 retries"), "{report}");
}

#[tokio::test]
async fn what_a_person_asks_for_has_its_retries_anew_but_not_the_runs() {
    let world = World::new().await;
    let options = Options {
        retry: RetryOptions {
            per_operation: 2,
            per_run: 5,
            delay_scale: 0.0,
            ..RetryOptions::default()
        },
        ..Options::default()
    };
    let recovery = world.recovery().options(options).build();
    let mut course = String::new();
    for attempt in 1..=8 {
        let request = world.request("a", attempt, ErrorClass::Transient, FailureKind::Setup);
        let outcome = recover(&recovery, &request).await;
        course.push(if is_handed_off(&outcome) { 'h' } else { 'r' });
    }
    assert_eq!(course, "rrhrrhrh");
}

#[tokio::test]
async fn tasks_that_fail_at_once_spend_a_unit_each() {
    let world = World::new().await;
    let recovery = Arc::new(world.recovery().build());
    let mut recovering = tokio::task::JoinSet::new();
    for task in 0..4 {
        let class = ErrorClass::Transient;
        let request = world.request(&format!("t{task}"), 1, class, FailureKind::Setup);
        let recovery = Arc::clone(&recovery);
        recovering.spawn(async move { recover(&*recovery, &request).await });
    }
    while let Some(outcome) = recovering.join_next().await {
        retry(&outcome.expect("no call panics"));
    }
    let state = |index| {
        let key = StepKey::new(Scope::Run, index, "recovery-unit");
        world.steps.state(&key)
    };
    let n_units = (1..10)
        .filter(|index| state(*index) != StepState::New)
        .count();
    assert_eq!(n_units, 4);
}

#[tokio::test]
async fn a_crash_at_any_record_refills_no_budget() {
    let options = || Options {
        retry: RetryOptions {
            per_operation: 2,
            delay_scale: 0.0,
            ..RetryOptions::default()
        },
        ..Options::default()
    };
    let mut n_cuts = 0;
    let first = World::new().await;
    for cut in 0.. {
        let world = first.afresh();
        world.file_issue().await;
        let mut log = Arc::new(CutLog::new(world.steps.clone(), cut));
        let mut was_cut = false;
        let mut outcomes = Vec::new();
        for attempt in 1..=3 {
            let request = world.request("a", attempt, ErrorClass::Transient, FailureKind::Agent);
            loop {
                let recovery = world
                    .recovery()
                    .options(options())
                    .steps(log.clone())
                    .build();
                let cancel = CancellationToken::new();
                match recovery.recover(&request, &cancel).await {
                    Ok(outcome) => break outcomes.push(outcome),
                    Err(error) => {
                        assert_eq!(error.class(), ErrorClass::Cancelled, "{}", error.to_line());
                        assert!(!was_cut, "one kill a course");
                        was_cut = true;
                        log = Arc::new(CutLog::new(world.steps.clone(), i64::MAX));
                    }
                }
            }
        }
        assert_eq!(retry(&outcomes[0]), world.now(), "cut {cut}");
        assert_eq!(retry(&outcomes[1]), world.now(), "cut {cut}");
        assert!(is_handed_off(&outcomes[2]), "cut {cut}: {outcomes:?}");
        let unit = StepKey::new(Scope::Run, 3, "recovery-unit");
        assert_eq!(world.steps.state(&unit), StepState::New, "cut {cut}");
        let comments = core_types::GitProvider::list_comments(&*world.forge, 1).await;
        assert_eq!(comments.expect("comments").len(), 1, "cut {cut}");
        if !was_cut {
            break;
        }
        n_cuts += 1;
    }
    assert!(n_cuts > 30, "{n_cuts} cuts");
}

#[tokio::test]
async fn a_host_that_is_down_is_left_alone_and_a_success_brings_it_back() {
    let world = World::new().await;
    let breakers = Arc::new(Breakers::default());
    let strategy = Arc::new(RetryRecoveryStrategy::new(breakers.clone()));
    let recovery = world.recovery().retry(strategy).build();
    let start = world.now();
    for task in 0..5 {
        let class = ErrorClass::Transient;
        let request = world.request(&format!("t{task}"), 1, class, FailureKind::Agent);
        let at = retry(&recover(&recovery, &request).await);
        let expected = if task < 4 { 0 } else { 10_000 };
        assert_eq!(at.0 - start.0, expected, "task {task}");
    }
    let until = Timestamp(start.0 + 10_000);
    assert_eq!(
        breakers.admit("agent:none", start),
        Admission::Wait { until }
    );
    assert_eq!(breakers.admit("agent:other", start), Admission::Go);
    breakers.succeeded("agent:none");
    let request = world.request("t9", 1, ErrorClass::Transient, FailureKind::Agent);
    assert_eq!(retry(&recover(&recovery, &request).await), start);
}

#[tokio::test]
async fn a_watched_agent_tells_its_failures_when_they_happen() {
    let world = World::new().await;
    let breakers = Arc::new(Breakers::default());
    let agent = breakers.watch(Arc::new(Flaky), world.clock.clone());
    let strategy = Arc::new(RetryRecoveryStrategy::new(breakers.clone()));
    let recovery = engine_recovery::AdvancedRecovery::builder(
        world.state.clone(),
        world.checkpoints.clone(),
        world.git.clone(),
        agent.clone(),
    )
    .clock(world.clock.clone())
    .steps(world.steps.clone())
    .retry(strategy)
    .build();
    let request = world.request("a", 1, ErrorClass::Transient, FailureKind::Agent);
    for _ in 0..4 {
        let asked = agent
            .run(agent_request(&request), &CancellationToken::new())
            .await;
        assert_eq!(asked.expect_err("it fails").class(), ErrorClass::Transient);
    }
    // Reported a second time by the recovery, it is not a fifth failure.
    assert_eq!(retry(&recover(&recovery, &request).await), world.now());
}

/// An agent whose provider is down.
#[derive(Debug)]
struct Flaky;

#[async_trait::async_trait]
impl core_types::Agent for Flaky {
    fn name(&self) -> &'static str {
        "flaky"
    }

    fn capabilities(&self) -> core_types::AgentCapabilities {
        NoAgent.capabilities()
    }

    fn changes(&self) -> core_types::ChangePolicy {
        NoAgent.changes()
    }

    async fn run(
        &self,
        _: core_types::AgentRequest,
        _: &CancellationToken,
    ) -> Result<core_types::AgentResult, core_types::PortError> {
        let class = ErrorClass::Transient;
        Err(core_types::PortError::new(class, "reach the provider"))
    }
}

fn agent_request(request: &core_types::RecoveryRequest) -> core_types::AgentRequest {
    core_types::AgentRequest {
        run: request.run.clone(),
        step: None,
        repository: None,
        attempt: 1,
        issue: request.issue.clone(),
        task: core_types::AgentTask::Implement {
            task: request.task.clone().expect("a task"),
            dependencies: Vec::new(),
        },
        context: std::collections::BTreeMap::new(),
        advice: core_types::Advice::default(),
        model: None,
        grant: None,
        conversation: None,
        folder: request.scratch.clone(),
        scratch: request.scratch.clone(),
        timeout: Duration::from_secs(1),
    }
}
