//! A hit beside moka's own, and a herd of misses beside tokio's `OnceCell`.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use perf_utils::{AsyncCache, CacheOptions};
use serde_json::{Value, json};
use testkit::Rounds;
use tokio::{sync::OnceCell, task::JoinSet};

use crate::{ROUNDS, TURNS, say, verdict};

const ENTRIES: usize = 10_000;
const READS: usize = 1_000_000;
const TTL: Duration = Duration::from_secs(3600);
const CALLERS: usize = 10_000;

pub(crate) fn hits() -> Result<Vec<Value>> {
    let keys: Vec<String> = (0..ENTRIES)
        .map(|i| format!("repository/issue-{i}"))
        .collect();
    // A few keys are asked for often: the cube of a uniform number.
    let mut seed = 1_u64;
    let reads: Vec<&String> = (0..READS)
        .map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            &keys[(uniform.powi(3) * ENTRIES as f64) as usize]
        })
        .collect();
    let value: Arc<str> = "the body of an issue".into();
    let ours = AsyncCache::new(CacheOptions {
        ttl: TTL,
        max_size: 2 * ENTRIES as u64,
        ..CacheOptions::default()
    })?;
    let bare = moka::sync::Cache::builder()
        .max_capacity(2 * ENTRIES as u64)
        .time_to_live(TTL)
        .build();
    for key in &keys {
        ours.set(key.clone(), Arc::clone(&value));
        bare.insert(key.clone(), Arc::clone(&value));
    }
    let (mut of_ours, mut of_bare) = (Rounds::default(), Rounds::default());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let (mut ns_ours, mut ns_bare) = (0.0, 0.0);
        for turn in reads.chunks(READS / (20 * TURNS)) {
            ns_ours += time(turn, |key| ours.get(key));
            ns_bare += time(turn, |key| bare.get(key));
        }
        if round > 0 {
            of_ours.add(ns_ours / READS as f64);
            of_bare.add(ns_bare / READS as f64);
        }
    }
    let ratio = of_ours.ratio(&of_bare);
    say(format!(
        "hit: ours {:.0} ns, moka {:.0} ns",
        of_ours.median(),
        of_bare.median()
    ));
    Ok(vec![json!({
        "claim": "a hit among 10,000 entries with string keys and a time to live",
        "ours": of_ours.median(), "unit": "ns",
        "held_against": "moka::sync::Cache::get with a time to live",
        "theirs": of_bare.median(), "ratio": ratio, "goal": "≤ 1.1",
        "spread": format!("ours {}, theirs {}", of_ours.spread(), of_bare.spread()),
        "verdict": verdict(ratio <= 1.1),
    })])
}

/// Nanoseconds for these reads.
fn time<T>(reads: &[&String], get: impl Fn(&String) -> Option<T>) -> f64 {
    let begin = Instant::now();
    for key in reads {
        black_box(get(key));
    }
    begin.elapsed().as_secs_f64() * 1e9
}

pub(crate) fn misses() -> Result<Vec<Value>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let (mut of_ours, mut of_bare) = (Rounds::default(), Rounds::default());
    let mut calls = Vec::new();
    for round in 0..=ROUNDS {
        let (mut ms_ours, mut ms_bare) = (0.0, 0.0);
        for _ in 0..TURNS {
            let cache: AsyncCache<u64, usize> = AsyncCache::new(CacheOptions::default())?;
            let (ms, n_calls) = runtime.block_on(herd(move |load| {
                let cache = cache.clone();
                async move {
                    let load = async || Ok::<_, ()>(load.call().await);
                    cache.get_or_load(7, load).await.is_ok()
                }
            }));
            calls.push(n_calls);
            ms_ours += ms / TURNS as f64;
            let cell = Arc::new(OnceCell::new());
            let (ms, _) = runtime.block_on(herd(move |load| {
                let cell = Arc::clone(&cell);
                async move { *cell.get_or_init(async || load.call().await).await > 0 }
            }));
            ms_bare += ms / TURNS as f64;
        }
        if round > 0 {
            of_ours.add(ms_ours);
            of_bare.add(ms_bare);
        }
    }
    let most = calls.iter().copied().max().unwrap_or_default();
    let ratio = of_ours.ratio(&of_bare);
    say(format!(
        "{CALLERS} misses: {most} calls, {:.1} ms",
        of_ours.median()
    ));
    Ok(vec![
        json!({
            "claim": format!("calls of the loader by {CALLERS} concurrent misses of one key"),
            "ours": most, "goal": "1", "spread": format!("the most of {} herds", calls.len()),
            "verdict": verdict(calls.iter().all(|n| *n == 1)),
        }),
        json!({
            "claim": format!("time until all {CALLERS} have the value, with a loader of 1 ms"),
            "ours": of_ours.median(), "unit": "ms",
            "held_against": "tokio's OnceCell, which keeps one value forever",
            "theirs": of_bare.median(), "ratio": ratio, "goal": "≤ 1.3",
            "spread": format!("ours {}, theirs {}", of_ours.spread(), of_bare.spread()),
            "verdict": verdict(ratio <= 1.3),
        }),
    ])
}

/// Takes a millisecond and counts.
#[derive(Clone, Default)]
struct Loader(Arc<AtomicUsize>);

impl Loader {
    async fn call(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Milliseconds until all callers have the value, and how often it was loaded.
async fn herd<F>(get: impl Fn(Loader) -> F) -> (f64, usize)
where
    F: Future<Output = bool> + Send + 'static,
{
    let loader = Loader::default();
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..CALLERS {
        tasks.spawn(get(loader.clone()));
    }
    let n_served = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|served| *served)
        .count();
    assert_eq!(n_served, CALLERS, "all callers are served");
    (
        begin.elapsed().as_secs_f64() * 1e3,
        loader.0.load(Ordering::SeqCst),
    )
}
