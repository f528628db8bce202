use std::{path::Path, sync::Arc, time::Duration};

use core_types::{Clock, RepositoryName};

use super::options::Options;
use crate::{
    Error, KeepPrompts,
    store::{Rules, Store},
};

/// What runs did and what came of it, and what is learnt from that; a folder that any number of processes
/// share. Clones are the same handle.
///
/// Besides the methods of the first description there are [`propose`](Self::propose),
/// [`approve`](Self::approve) and [`retire`](Self::retire) for lessons, [`lessons`](Self::lessons),
/// [`why`](Self::why) and [`export`](Self::export) to look at them, [`record_outcome`](Self::record_outcome) for what
/// becomes known later, [`similar`](Self::similar) and [`forget`](Self::forget).
///
/// # Cancel safety
///
/// A dropped call drops the answer only; what it began happens all the same, whole or not at all. This
/// holds for all methods.
#[derive(Debug, Clone)]
pub struct FeedbackLoop {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keep_prompts: KeepPrompts,
    pub(super) rules: Rules,
}

impl FeedbackLoop {
    /// Opens the feedback in a folder with default options. A missing folder is one without any; the first
    /// record creates it. Reads all of it, blocking.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal` (damage, or the disk).
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir, Options::default())
    }

    /// As [`FeedbackLoop::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`FeedbackLoop::open`], and `Validation` for a share of trials outside of 0 to 1.
    pub fn open_with(dir: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        options.exploration.check()?;
        let inner = Inner {
            store: Store::open(dir.as_ref(), options.journal)?,
            clock: options.clock,
            keep_prompts: options.keep_prompts,
            rules: Rules {
                exploration: options.exploration,
                plan: options.plan,
                seed: options.seed,
            },
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Removes executions that are older than `max_age`, from the disk too, and returns how many there were.
    /// All sums stay: no statistic and no lesson changes by it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn example(feedback: &learning::FeedbackLoop) -> Result<(), learning::Error> {
    /// // Clean up old feedback: keep the last 90 days.
    /// let deleted = feedback
    ///     .cleanup_old_feedback(Duration::from_secs(90 * 24 * 60 * 60))
    ///     .await?;
    /// println!("Deleted {deleted} old feedback entries");
    /// # assert_eq!(deleted, 0);
    /// # Ok(())
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let feedback = learning::FeedbackLoop::open(folder.path())?;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(&feedback))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` (disk full or read-only; what was there is intact), `Internal`.
    pub async fn cleanup_old_feedback(&self, max_age: Duration) -> Result<u64, Error> {
        self.blocking(move |inner| {
            let now = inner.clock.now();
            inner.store.remove(now, |row| now.since(row.at) > max_age)
        })
        .await
    }

    /// Removes all executions of a repository, from the disk too, and returns how many there were. Sums stay,
    /// and so do lessons, which can be retired.
    ///
    /// # Errors
    ///
    /// As [`FeedbackLoop::cleanup_old_feedback`].
    pub async fn forget(&self, repository: &RepositoryName) -> Result<u64, Error> {
        let name = repository.clone();
        self.blocking(move |inner| {
            let is_of_it = |row: &crate::store::Row| &*row.repository == name.as_str();
            inner.store.remove(inner.clock.now(), is_of_it)
        })
        .await
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(Error::CutOff)?
    }
}

impl Inner {
    /// Does what is due: looks, and the end of what faded.
    pub(super) fn settle(&self) -> Result<(), Error> {
        while self.store.read(|state| {
            let due = self.rules.due(&state.core, self.clock.now());
            due.map(|due| due.is_some())
        })?? {
            self.store.batch(|state, batch| {
                // Another process may have done it meanwhile.
                if let Some((kind, payload)) = self.rules.due(&state.core, self.clock.now())? {
                    batch.append(kind, payload)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
