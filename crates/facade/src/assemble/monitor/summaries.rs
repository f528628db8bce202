//! What is kept of each run for good: the journal `.automation/summaries`.

use std::{collections::BTreeMap, fs, path::Path};

use core_types::RunId;
use engine_checkpoint::{EventTail, kind};
use journal::{Fold, FoldError, Record, SharedJournal};
use monitoring::{
    fold::{RunFold, RunSummary},
    metrics::Tally,
};
use serde::{Deserialize, Serialize};

use super::scrubbed::without_secrets;

use crate::assemble::{Error, Home, Surroundings};

/// The version of [`Kept`].
const VERSION: u16 = 1;

/// A run's summary as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    v: u16,
    /// The mark of the journal that it was made of.
    pub(super) mark: u64,
    pub(super) summary: RunSummary,
    /// What its events have counted; an older version has not kept it.
    #[serde(default)]
    pub(super) tally: Option<Tally>,
}

/// The last summary of each run.
#[derive(Debug, Default)]
pub(super) struct Summaries(pub(super) BTreeMap<RunId, Kept>);

impl Fold for Summaries {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        if record.kind == kind::RUN_SUMMARY {
            let kept: Kept = serde_json::from_slice(&record.payload)?;
            self.0.insert(kept.summary.run.clone(), kept);
        }
        Ok(())
    }
}

/// The summaries of a home; blocking. Where none was kept yet there are none.
pub(super) fn open(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<SharedJournal<Summaries>, journal::Error> {
    let dir = home.state().join("summaries");
    SharedJournal::open(&dir, surroundings.journal.clone(), Summaries::default())
}

/// A number that changes when a run's journal does: segments only grow.
pub(super) fn mark(journal: &Path) -> u64 {
    let entries = fs::read_dir(journal).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    sizes.sum()
}

/// Keeps the summary of a run that no process works on any more; blocking.
fn keep_of(home: &Home, surroundings: &Surroundings, run: &RunId) -> Result<(), Error> {
    let folder = home.run_folder(run).join("journal");
    let mark = mark(&folder);
    let summaries = open(home, surroundings).map_err(Error::Write)?;
    let is_kept = summaries.read(|it| {
        let kept = it.0.get(run);
        kept.is_some_and(|kept| kept.mark == mark && kept.tally.is_some())
    });
    if is_kept.map_err(Error::Write)? {
        return Ok(());
    }
    let mut tail = EventTail::open(&folder, &surroundings.journal);
    let events = tail.read_new();
    let mut events = events.map_err(|source| Error::journal(run, source))?;
    for (_, event) in &mut events {
        without_secrets(event);
    }
    let tally = Tally::of(run, events.iter().map(|(_, event)| event));
    let mut fold = RunFold::new(run.clone());
    fold.extend(events);
    let summary = fold.summary(surroundings.clock.now());
    let kept = Kept {
        v: VERSION,
        mark,
        summary,
        tally: Some(tally),
    };
    let payload = serde_json::to_vec(&kept).map_err(|source| Error::Record {
        run: run.clone(),
        source,
    })?;
    let stored = summaries.batch(|_, batch| {
        batch.append(kind::RUN_SUMMARY, payload)?;
        Ok::<_, journal::Error>(())
    });
    stored.map_err(Error::Write)
}

/// The same on a thread of its own.
pub(crate) async fn keep(
    home: &Home,
    surroundings: &Surroundings,
    run: &RunId,
) -> Result<(), Error> {
    let (home, surroundings, run) = (home.clone(), surroundings.clone(), run.clone());
    let kept = tokio::task::spawn_blocking(move || keep_of(&home, &surroundings, &run));
    kept.await.unwrap_or_else(|panic| {
        let io = std::io::Error::other(panic);
        Err(Error::Io {
            operation: "write",
            path: "summaries".into(),
            source: io,
        })
    })
}
