use std::{future::pending, sync::Arc};

use tokio::task::JoinSet;

use super::{AsyncCache, CacheOptions, flight::Flights};

/// However a flight ends, nothing of it is left.
#[tokio::test]
async fn no_flight_is_left_behind() {
    let flights: Arc<Flights<u8, u8>> = Arc::new(Flights::new());
    let (first, second) = (flights.join(&1), flights.join(&1));
    drop(first);
    assert_eq!(flights.lock().len(), 1, "the second still sits in it");
    drop(second);
    assert_eq!(flights.lock().len(), 0);

    let cache: AsyncCache<u8, u8> = AsyncCache::new(CacheOptions::default()).unwrap();
    let mut tasks = JoinSet::new();
    for i in 0..100 {
        let cache = cache.clone();
        tasks.spawn(async move {
            match i % 4 {
                0 => cache.get_or_load(1, async || Ok::<_, ()>(1)).await,
                1 => cache.get_or_load(2, async || Err(())).await,
                2 => cache.get_or_load(3, async || panic!("as planned")).await,
                _ => cache.get_or_load(4, pending).await,
            }
        });
    }
    for _ in 0..75 {
        drop(tasks.join_next().await);
    }
    assert_eq!(cache.flights_under_way(), 1, "the one that never ends");
    tasks.shutdown().await;
    assert_eq!(cache.flights_under_way(), 0);
}
