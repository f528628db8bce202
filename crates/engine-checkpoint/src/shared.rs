//! Journals that are locked for each batch, used from async code.

use std::{path::Path, sync::Arc};

use core_types::{Clock, Timestamp};
use journal::{Batch, Fold, SharedJournal};

use crate::{Error, Options, record::Content};

/// A handle on a shared journal and its fold. Clones are the same handle.
#[derive(Debug)]
pub(crate) struct Shared<F> {
    journal: Arc<SharedJournal<F>>,
    clock: Arc<dyn Clock>,
}

impl<F> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self {
            journal: Arc::clone(&self.journal),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<F: Fold + Default + Send + 'static> Shared<F> {
    pub(crate) fn open(dir: &Path, options: &Options) -> Result<Self, Error> {
        let journal = SharedJournal::open(dir, options.journal.clone(), F::default())?;
        let clock = Arc::clone(&options.clock);
        Ok(Self {
            journal: Arc::new(journal),
            clock,
        })
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&F) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let journal = Arc::clone(&self.journal);
        let read = move || Ok(journal.read(look)?);
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|source| Error::Ended { source })?
    }

    /// One batch, with the time at which its turn came.
    pub(crate) async fn batch<T, E>(
        &self,
        act: impl FnOnce(&F, &mut Batch<'_>, Timestamp) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let Self { journal, clock } = self.clone();
        let batch = move || {
            let outcome = journal
                .batch(|state, batch| act(state, batch, clock.now()).map_err(Outcome::Refused));
            outcome.map_err(|failed| match failed {
                Outcome::Refused(error) => error,
                Outcome::Journal(error) => Error::from(error).into(),
            })
        };
        let ended = |source| E::from(Error::Ended { source });
        tokio::task::spawn_blocking(batch).await.map_err(ended)?
    }
}

/// Keeps the caller's error apart from the journal's, which it need not know.
enum Outcome<E> {
    Refused(E),
    Journal(journal::Error),
}

impl<E> From<journal::Error> for Outcome<E> {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error)
    }
}

/// Stages a record.
pub(crate) fn stage<C: Content>(batch: &mut Batch<'_>, content: &C) -> Result<u64, Error> {
    Ok(batch.append(C::KIND, content.encode()?)?)
}
