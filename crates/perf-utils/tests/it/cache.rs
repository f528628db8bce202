//! `AsyncCache` by hand.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use core_types::ErrorClass;
use perf_utils::{AsyncCache, CacheOptions, cache::Error};
use tokio::{
    sync::Barrier,
    task::JoinSet,
    time::{advance, sleep},
};

fn cache<V: Clone + Send + Sync + 'static>(options: CacheOptions) -> AsyncCache<u64, V> {
    AsyncCache::new(options).expect("it works in a test")
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn zeros_are_refused() {
    let new = |options| AsyncCache::<u8, u8>::new(options).unwrap_err();
    let error = new(CacheOptions {
        ttl: Duration::ZERO,
        ..CacheOptions::default()
    });
    assert_eq!(error, Error::ZeroTtl { option: "ttl" });
    assert_eq!(error.class(), ErrorClass::Validation);
    let negative_ttl = Some(Duration::ZERO);
    let error = new(CacheOptions {
        negative_ttl,
        ..CacheOptions::default()
    });
    assert_eq!(
        error,
        Error::ZeroTtl {
            option: "negative_ttl"
        }
    );
    let error = new(CacheOptions {
        max_size: 0,
        ..CacheOptions::default()
    });
    assert_eq!(error, Error::NoRoom);
}

#[tokio::test]
async fn a_value_lives_as_long_as_it_should() {
    let ttl = Duration::from_millis(100);
    let cache = cache(CacheOptions {
        ttl,
        ..CacheOptions::default()
    });
    let begin = Instant::now();
    cache.set(1, "a");
    let mut n_hits = 0;
    // A hit does not prolong it, or this would not end.
    while cache.get(&1).is_some() {
        n_hits += 1;
        sleep(Duration::from_millis(5)).await;
        cache.set(2, "b");
    }
    assert!(begin.elapsed() >= ttl, "gone after {:?}", begin.elapsed());
    let stats = cache.get_stats();
    assert_eq!((stats.hits, stats.misses), (n_hits, 1));
    assert!(stats.entries <= 1, "{stats:?}");
    let rate = n_hits as f64 / (n_hits + 1) as f64;
    assert!((stats.hit_rate() - rate).abs() < 1e-9);
    let forever: AsyncCache<u8, u8> = AsyncCache::new(CacheOptions {
        ttl: Duration::MAX,
        ..CacheOptions::default()
    })
    .expect("it works in a test");
    forever.set(1, 1);
    assert_eq!(forever.get(&1), Some(1));
}

#[test]
fn it_is_bounded_and_counts_what_it_puts_out() {
    let cache = cache(CacheOptions {
        max_size: 10,
        ..CacheOptions::default()
    });
    for key in 0..1000 {
        cache.set(key, key);
    }
    let stats = cache.get_stats();
    assert_eq!(stats.entries, 10);
    assert_eq!(stats.evictions, 990);
}

#[test]
fn what_is_cleared_is_gone() {
    let cache = cache(CacheOptions::default());
    for key in 0..100 {
        cache.set(key, key);
        cache.clear();
        assert_eq!(cache.get(&key), None);
    }
    cache.set(1, 1);
    cache.delete(&1);
    assert_eq!(cache.get_stats().entries, 0);
}

#[test]
fn absence_can_be_a_value() {
    let cache: AsyncCache<u64, Option<u8>> = cache(CacheOptions::default());
    cache.set(1, None);
    assert_eq!(cache.get(&1), Some(None), "known to be absent");
    assert_eq!(cache.get(&2), None, "not known");
}

#[test]
fn a_borrowed_key_finds_an_owned_one() {
    let cache: AsyncCache<String, u8> =
        AsyncCache::new(CacheOptions::default()).expect("it works in a test");
    cache.set("key".to_owned(), 1);
    assert_eq!(cache.get("key"), Some(1));
    cache.delete("key");
    assert_eq!(cache.get("key"), None);
}

/// A count of calls, and a loader that counts and yields first.
async fn count(calls: &AtomicUsize) -> usize {
    tokio::task::yield_now().await;
    calls.fetch_add(1, Ordering::SeqCst) + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_misses_make_one_call() {
    let cache = cache(CacheOptions::default());
    let calls = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..10_000 {
        let (cache, calls) = (cache.clone(), Arc::clone(&calls));
        tasks.spawn(async move {
            let load = async || Ok::<_, ()>(count(&calls).await);
            cache.get_or_load(1, load).await
        });
    }
    while let Some(value) = tasks.join_next().await {
        assert_eq!(value.expect("it works in a test"), Ok(1));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let stats = cache.get_stats();
    assert_eq!((stats.loads, stats.hits + stats.misses), (1, 10_000));
}

#[tokio::test]
async fn those_who_wait_share_an_error_and_the_next_calls_again() {
    let cache = cache::<u8>(CacheOptions::default());
    let calls = Arc::new(AtomicUsize::new(0));
    let fail = async || Err::<u8, _>(count(&calls).await);
    let results = tokio::join!(
        cache.get_or_load(1, fail),
        cache.get_or_load(1, fail),
        cache.get_or_load(1, fail),
    );
    assert_eq!(results, (Err(1), Err(1), Err(1)));
    assert_eq!(
        cache.get_or_load(1, fail).await,
        Err(2),
        "an error is not kept"
    );
    assert_eq!(cache.get_stats().entries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_if_asked_for() {
    let negative_ttl = Some(seconds(5));
    let cache = cache::<u8>(CacheOptions {
        negative_ttl,
        ..CacheOptions::default()
    });
    let calls = AtomicUsize::new(0);
    let fail = async || Err::<u8, _>(count(&calls).await);
    assert_eq!(cache.get_or_load(1, fail).await, Err(1));
    assert_eq!(cache.get_or_load(1, fail).await, Err(1));
    assert_eq!(cache.get(&1), None, "there is no value");
    // A failure of another type is not what this caller could return.
    let other = async || Err::<u8, _>("other");
    assert_eq!(cache.get_or_load(1, other).await, Err("other"));
    advance(seconds(5)).await;
    assert_eq!(cache.get_or_load(1, async || Ok::<_, ()>(7)).await, Ok(7));
}

#[tokio::test]
async fn a_panic_is_the_callers_own() {
    let cache = cache::<u8>(CacheOptions::default());
    let mut tasks = JoinSet::new();
    let both = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let (cache, both) = (cache.clone(), Arc::clone(&both));
        tasks.spawn(async move {
            both.wait().await;
            let load = async || -> Result<u8, ()> {
                tokio::task::yield_now().await;
                panic!("as planned")
            };
            cache.get_or_load(1, load).await
        });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(
            result.unwrap_err().is_panic(),
            "the second called for itself"
        );
    }
    assert_eq!(cache.get_or_load(1, async || Ok::<_, ()>(7)).await, Ok(7));
    assert_eq!(cache.get_stats().loads, 3);
}

#[tokio::test]
async fn a_dropped_caller_hands_over() {
    let cache = cache::<u8>(CacheOptions::default());
    let mut tasks = JoinSet::new();
    let leads = cache.clone();
    let leader = tasks.spawn(async move {
        let load = async || pending::<Result<u8, ()>>().await;
        leads.get_or_load(1, load).await
    });
    while cache.get_stats().loads == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        let cache = cache.clone();
        tasks.spawn(async move { cache.get_or_load(1, async || Ok(7)).await });
    }
    while cache.get_stats().misses < 11 {
        tokio::task::yield_now().await;
    }
    leader.abort();
    let mut values = Vec::new();
    while let Some(result) = tasks.join_next().await {
        values.extend(result.ok());
    }
    assert_eq!(values, [Ok(7); 10]);
    assert_eq!(cache.get_stats().loads, 2, "one of those who waited called");
}

#[tokio::test]
async fn what_began_before_a_change_is_not_stored_after_it() {
    let changes: [fn(&AsyncCache<u64, u8>); 3] = [
        |cache| cache.delete(&1),
        |cache| cache.clear(),
        |cache| cache.set(1, 9),
    ];
    for (change, then) in changes.into_iter().zip([None, None, Some(9)]) {
        let cache = cache(CacheOptions::default());
        let load = async || {
            // The forge has answered; then someone changes the issue, and says so.
            change(&cache);
            Ok::<_, ()>(7)
        };
        assert_eq!(cache.get_or_load(1, load).await, Ok(7));
        assert_eq!(cache.get(&1), then);
    }
}
