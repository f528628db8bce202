//! The same for several repositories at a time.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};

/// Does works whose other sides, such as forges, may be far away: `at_a_time` of them (at least
/// one) side by side, and all of them, whatever fails.
///
/// # Errors
///
/// The first in their order.
pub(crate) fn at_once<'a, E: Send + 'a>(
    at_a_time: usize,
    works: impl Iterator<Item = impl Future<Output = Result<(), E>> + Send + 'a>,
) -> BoxFuture<'a, Result<(), E>> {
    let works: Vec<_> = works.map(FutureExt::boxed).collect();
    let results = stream::iter(works).buffered(at_a_time.max(1));
    results
        .fold(Ok(()), async |first, result| first.and(result))
        .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Barrier;

    use super::at_once;

    #[tokio::test]
    async fn works_go_side_by_side_up_to_a_number() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let pair = Barrier::new(2);
        let works = (0..6).map(|_| async {
            let n = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(n, Ordering::SeqCst);
            // Alone none would go on.
            pair.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(())
        });
        assert_eq!(at_once(2, works).await, Ok(()));
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn all_are_done_and_the_first_error_is_told() {
        let done = AtomicUsize::new(0);
        let works = (0..5).map(|i| {
            let done = &done;
            async move {
                // The later ones end first.
                for _ in i..5 {
                    tokio::task::yield_now().await;
                }
                done.fetch_add(1, Ordering::SeqCst);
                if i % 2 == 1 { Err(i) } else { Ok(()) }
            }
        });
        assert_eq!(at_once(5, works).await, Err(1));
        assert_eq!(done.load(Ordering::SeqCst), 5);
        let none = std::iter::empty::<std::future::Ready<Result<(), ()>>>();
        assert_eq!(at_once(0, none).await, Ok(()));
    }
}
