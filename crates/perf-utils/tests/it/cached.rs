//! `#[cached]`: what it serves.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use perf_utils::{CacheOptions, cache::Error, cached, set_cache_defaults};
use tokio::{
    task::JoinSet,
    time::{advance, sleep},
};

/// Each test has functions, and so caches, of its own.
static CALLS: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];

fn call(i: usize) -> usize {
    CALLS[i].fetch_add(1, Ordering::SeqCst) + 1
}

/// Looks an issue up.
#[cached(ttl_seconds = 1)]
pub async fn get_title(number: u64, repository: &str, labels: &[String]) -> Arc<str> {
    format!("{repository}#{number} {labels:?} {}", call(0)).into()
}

#[tokio::test]
async fn arguments_are_the_key() {
    let labels = vec!["a".to_owned()];
    assert_eq!(&*get_title(1, "x", &labels).await, "x#1 [\"a\"] 1");
    assert_eq!(
        &*get_title(1, "x", &["a".to_owned()]).await,
        "x#1 [\"a\"] 1"
    );
    assert_eq!(&*get_title(2, "x", &labels).await, "x#2 [\"a\"] 2");
    assert_eq!(&*get_title(1, "y", &labels).await, "y#1 [\"a\"] 3");
    assert_eq!(&*get_title(1, "x", &[]).await, "x#1 [] 4");
    let stats = get_title::cache().get_stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 4, 4));
    let key = (1, "x".to_owned(), labels.clone());
    assert!(get_title::cache().get(&key).is_some(), "the key is typed");
    get_title::cache().delete(&key);
    assert_eq!(&*get_title(1, "x", &labels).await, "x#1 [\"a\"] 5");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(&*get_title(1, "x", &labels).await, "x#1 [\"a\"] 6");
    get_title::cache().clear();
    assert_eq!(get_title::cache().get_stats().entries, 0);
}

/// Can neither be cloned nor shared.
#[derive(Debug)]
struct Alone(Box<dyn fmt::Debug + Send>);

type Answer<T> = std::result::Result<T, Alone>;

#[cached(ttl_seconds = 600, max_size = 10)]
async fn even(n: usize) -> Result<usize, Alone> {
    tokio::task::yield_now().await;
    let calls = call(1);
    if n.is_multiple_of(2) {
        Ok(calls)
    } else {
        Err(Alone(Box::new(calls)))
    }
}

#[tokio::test]
async fn an_error_that_cannot_be_cloned_is_its_callers() {
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        tasks.spawn(even(1));
    }
    let mut errors = Vec::new();
    while let Some(result) = tasks.join_next().await {
        errors.push(format!(
            "{:?}",
            result.expect("it works in a test").unwrap_err().0
        ));
    }
    errors.sort();
    assert_eq!(
        errors,
        ["1", "2", "3"],
        "each called for itself, one after another"
    );
    assert_eq!(even(2).await.expect("it works in a test"), 4);
    assert_eq!(even(2).await.expect("it works in a test"), 4);
    assert_eq!(even::cache().get_stats().entries, 1, "an error is not kept");
}

#[cached]
async fn shared(n: usize) -> std::io::Result<usize> {
    tokio::task::yield_now().await;
    call(2);
    Ok(n)
}

#[tokio::test]
async fn concurrent_calls_are_one() {
    let mut tasks = JoinSet::new();
    for _ in 0..1000 {
        tasks.spawn(shared(7));
    }
    while let Some(result) = tasks.join_next().await {
        assert_eq!(
            result
                .expect("it works in a test")
                .expect("it works in a test"),
            7
        );
    }
    assert_eq!(shared::cache().get_stats().loads, 1);
}

#[cached(negative_ttl_seconds = 5, ttl_seconds = 60)]
async fn fails(n: usize) -> Result<usize, String> {
    tokio::task::yield_now().await;
    Err(format!("{n} {}", call(3)))
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_if_asked_for() {
    let (first, second) = tokio::join!(fails(1), fails(1));
    assert_eq!(first, Err("1 1".into()));
    assert_eq!(second, first, "those who wait share it");
    assert_eq!(fails(1).await, first);
    advance(Duration::from_secs(5)).await;
    assert_eq!(fails(1).await, Err("1 2".into()));
}

#[tokio::test]
async fn patterns_early_returns_and_types_of_a_function_body_are_served() {
    #[derive(Clone, PartialEq, Debug)]
    struct Local(u8);

    #[cached]
    async fn local((a, b): (u8, u8), mut more: Vec<u8>, _: &'static str) -> Option<Local> {
        more.push(a);
        if more.len() > 1 {
            return None;
        }
        Some(Local(b))
    }
    assert_eq!(local((1, 2), vec![], "x").await, Some(Local(2)));
    assert_eq!(local((1, 2), vec![3], "x").await, None);
    assert_eq!(
        local((1, 2), vec![3], "x").await,
        None,
        "absence is a value"
    );
    assert_eq!(local::cache().get_stats().hits, 1);
}

#[cached]
async fn without_arguments() -> Result<usize, Alone> {
    let answer: Answer<usize> = Ok(call(4));
    answer
}

#[tokio::test]
async fn no_arguments_are_a_key_too() {
    assert_eq!(without_arguments().await.expect("it works in a test"), 1);
    assert_eq!(without_arguments().await.expect("it works in a test"), 1);
}

#[cached(ttl_seconds = 1)]
async fn uses_defaults(n: u64) -> u64 {
    n
}

#[tokio::test]
async fn defaults_are_set_once_and_before_use() {
    let zero = CacheOptions {
        ttl: Duration::ZERO,
        ..CacheOptions::default()
    };
    assert_eq!(
        set_cache_defaults(zero),
        Err(Error::ZeroTtl { option: "ttl" })
    );
    uses_defaults(1).await;
    let late = set_cache_defaults(CacheOptions::default());
    assert_eq!(late, Err(Error::DefaultsInUse));
}
