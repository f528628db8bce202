//! What journals tell, counted for Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{ErrorClass, PortError, RunId};

use crate::{
    fold::RunSource,
    metrics::{EventFold, Metrics},
};

/// Counts each event of each run once.
#[derive(Debug)]
pub(super) struct Counting {
    metrics: Metrics,
    fold: EventFold,
    /// The removed runs of which all is counted that there is.
    removed: BTreeSet<RunId>,
    /// Up to which event each run is counted.
    counted: BTreeMap<RunId, u64>,
}

impl Counting {
    pub(super) fn into(metrics: Metrics) -> Self {
        Self {
            fold: EventFold::new(metrics.clone()),
            metrics,
            removed: BTreeSet::new(),
            counted: BTreeMap::new(),
        }
    }

    /// Counts what has come of a run since. One that was removed has nothing more to count: it is
    /// forgotten, and what it has counted stays. Was it removed before it was ever looked at, what it
    /// had counted by then is counted.
    ///
    /// # Cancel safety
    ///
    /// Dropped, whole batches are counted and none twice.
    pub(super) async fn take(
        &mut self,
        source: &dyn RunSource,
        run: &RunId,
    ) -> Result<(), PortError> {
        loop {
            let after = self.counted.get(run).copied().unwrap_or(0);
            let batch = match source.events(run, after).await {
                Ok(batch) => batch,
                Err(error) if error.class() == ErrorClass::NotFound => {
                    if !self.counted.contains_key(run)
                        && !self.removed.contains(run)
                        && let Some(tally) = source.tally(run).await?
                    {
                        self.metrics.add(&tally);
                    }
                    self.removed.insert(run.clone());
                    self.fold.forget(run);
                    self.counted.remove(run);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.fold
                .apply_all(run, batch.events.iter().map(|(_, event)| event));
            self.fold.set_held(run, batch.is_held);
            if let Some((seq, _)) = batch.events.last() {
                self.counted.insert(run.clone(), *seq);
            }
            if !batch.has_more {
                return Ok(());
            }
        }
    }
}
