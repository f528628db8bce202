//! The governor on tokio's paused clock.

use std::{sync::Arc, time::Duration};

use core_types::{Clock as _, ErrorClass, Timestamp};
use perf_utils::{
    RateGovernor,
    governor::{CallKind, Error, Governors, Limits, Observation},
};
use testkit::FixedClock;
use tokio::{task::JoinSet, time::Instant};

fn governor(limits: Limits) -> RateGovernor {
    RateGovernor::with_clock(
        "builder@example.com",
        limits,
        Arc::new(FixedClock::default()),
    )
    .expect("it works in a test")
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn mutations_keep_their_distance_and_order() {
    let limits = Limits {
        mutation_spacing: seconds(1),
        ..Limits::default()
    };
    let governor = governor(limits);
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for i in 0..20u64 {
        let governor = governor.clone();
        tasks.spawn(async move {
            let permit = governor
                .acquire(CallKind::Mutation)
                .await
                .expect("it works in a test");
            permit.report(Observation::default());
            (i, begin.elapsed().as_secs())
        });
    }
    let mut begun = Vec::new();
    while let Some(task) = tasks.join_next().await {
        begun.push(task.expect("it works in a test"));
    }
    let expected: Vec<_> = (0..20).map(|i| (i, i)).collect();
    assert_eq!(begun, expected);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_the_host_names_is_waited_for() {
    let governor = governor(Limits::default());
    let now = FixedClock::default().now();
    let permit = governor
        .acquire(CallKind::Read)
        .await
        .expect("it works in a test");
    let retry_at = Some(Timestamp(now.0 + 30_000));
    permit.report(Observation {
        is_refused: true,
        retry_at,
        ..Observation::default()
    });
    let begin = Instant::now();
    let permits = tokio::join!(
        governor.acquire(CallKind::Read),
        governor.acquire(CallKind::Mutation)
    );
    assert!(permits.0.is_ok() && permits.1.is_ok());
    assert_eq!(begin.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_an_error_at_once() {
    let governor = governor(Limits {
        max_wait: seconds(60),
        ..Limits::default()
    });
    let until = Timestamp(FixedClock::default().now().0 + 3_600_000);
    let permit = governor
        .acquire(CallKind::Read)
        .await
        .expect("it works in a test");
    permit.report(Observation {
        remaining: Some(0),
        resets_at: Some(until),
        ..Observation::default()
    });
    let begin = Instant::now();
    let error = governor.acquire(CallKind::Read).await.unwrap_err();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    let Error::TooLong {
        until: told,
        account,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(account, "builder@example.com");
    assert!(told.since(until) < Duration::from_millis(2), "{told}");
    assert!(matches!(
        error.class(),
        ErrorClass::RateLimited { until: Some(_) }
    ));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_for_others_is_told_too() {
    let governor = governor(Limits {
        max_wait: seconds(60),
        ..Limits::default()
    });
    let held = governor
        .acquire(CallKind::Mutation)
        .await
        .expect("it works in a test");
    let begin = Instant::now();
    assert!(governor.acquire(CallKind::Mutation).await.is_err());
    assert_eq!(begin.elapsed(), seconds(60));
    drop(held);
    assert!(
        governor.acquire(CallKind::Mutation).await.is_ok(),
        "its place was given up"
    );
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_holds_nobody_up() {
    let governor = governor(Limits {
        mutation_spacing: seconds(10),
        ..Limits::default()
    });
    drop(
        governor
            .acquire(CallKind::Mutation)
            .await
            .expect("it works in a test"),
    );
    let mut tasks = JoinSet::new();
    let mut ask = || {
        let governor = governor.clone();
        tasks.spawn(async move { governor.acquire(CallKind::Mutation).await.map(drop) })
    };
    // The first keeps the time for the second.
    let first = ask();
    ask();
    tokio::task::yield_now().await;
    first.abort();
    let begin = Instant::now();
    let mut n_served = 0;
    while let Some(result) = tasks.join_next().await {
        n_served += usize::from(result.is_ok_and(|result| result.is_ok()));
    }
    assert_eq!((n_served, begin.elapsed()), (1, seconds(10)));
}

#[test]
fn an_account_has_one_governor() {
    let governors = Governors::default();
    governors
        .of("a.example", "x", Limits::github())
        .expect("it works in a test");
    governors
        .of("A.EXAMPLE", "x", Limits::github())
        .expect("it works in a test");
    let error = governors
        .of("a.example", "x", Limits::gitlab())
        .unwrap_err();
    assert!(matches!(error, Error::LimitsDiffer { .. }), "{error}");
    governors
        .of("a.example", "y", Limits::gitlab())
        .expect("it works in a test");
    let zero = Limits {
        max_in_flight: 0,
        ..Limits::default()
    };
    let error = governors.of("b.example", "x", zero).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
}
