//! Removing records for good. What they came to stays.

use std::collections::HashMap;

use core_types::Timestamp;
use journal::{Reader, SharedJournal};

use super::{
    folder::{Store, cache_path, folder},
    state::{AggregateRecord, State},
    table::{Row, key},
};
use crate::{
    Error,
    record::{
        AGGREGATE, EXECUTION, ExecutionRecord, KEPT, MOVED, MovedRecord, ReviewRecord, Stored,
        VERSION,
    },
};

/// Records a flush.
const CHUNK: usize = 2_000;

impl Store {
    /// Removes the executions that `is_old` says, from the disk too. Returns how many there were.
    ///
    /// What is kept goes to a new journal first; the last record of the old one then names it. Killed before
    /// that record, nothing has happened; killed after it, the old one's files are left and removed next time.
    pub(crate) fn remove(
        &self,
        at: Timestamp,
        is_old: impl Fn(&Row) -> bool,
    ) -> Result<u64, Error> {
        let (number, removed) = self.batch_numbered(|number, state, batch| {
            let removed = state.table.rows.iter().filter(|row| is_old(row)).count() as u64;
            if removed == 0 {
                return Ok((number, 0));
            }
            let next = number + 1;
            for other in self.numbers().into_iter().filter(|it| *it != number) {
                self.discard(other, at)?;
            }
            self.copy(number, next, at, state, &is_old, removed)?;
            let record = MovedRecord {
                v: VERSION,
                at,
                next,
            };
            batch.append(MOVED, record.encode()?)?;
            Ok((number, removed))
        })?;
        if removed > 0 {
            self.follow(number)?;
            // What stays is hidden behind its successor, and goes with the next clean-up.
            self.discard(number, at).ok();
        }
        Ok(removed)
    }

    /// Writes the next journal: the aggregate, then the records that are kept.
    fn copy(
        &self,
        number: u32,
        next: u32,
        at: Timestamp,
        state: &State,
        is_old: &impl Fn(&Row) -> bool,
        removed: u64,
    ) -> Result<(), Error> {
        let rows = state.table.rows.iter().filter(|row| !is_old(row));
        let kept: HashMap<&str, &Row> = rows.map(|row| (&*row.key, row)).collect();
        let mut core = state.core.clone();
        core.removed += removed;
        let aggregate = AggregateRecord {
            v: VERSION,
            at,
            core,
        };
        let journal =
            SharedJournal::open(&folder(self.dir(), next), self.options().clone(), Passed)?;
        journal.batch(|_, batch| {
            batch.append(AGGREGATE, aggregate.encode()?)?;
            Ok::<_, Error>(())
        })?;
        let mut chunk = Vec::new();
        let write = |chunk: &mut Vec<Vec<u8>>| {
            journal.batch(|_, batch| {
                for payload in chunk.drain(..) {
                    batch.append(KEPT, payload)?;
                }
                Ok::<_, Error>(())
            })
        };
        let mut reader = Reader::open(&folder(self.dir(), number), self.options());
        let mut failed = None;
        reader.read_each(|record| {
            if !matches!(record.kind, EXECUTION | KEPT) || failed.is_some() {
                return Ok::<_, journal::Error>(());
            }
            let Ok(mut execution) = ExecutionRecord::decode(&record.payload) else {
                return Ok(());
            };
            let key = key(
                execution.run.as_str(),
                execution.task.as_str(),
                execution.attempt,
            );
            // A second record of one attempt was never taken in, and is not kept.
            let is_its_own = state
                .table
                .get(&key)
                .is_some_and(|row| row.seq == record.seq);
            if let (true, Some(row)) = (is_its_own, kept.get(key.as_str())) {
                execution.outcome = row.outcome;
                // What came later goes on with it.
                let score = execution.review.map(|review| review.score());
                if row.review != score {
                    execution.review = row.review.map(ReviewRecord::of_score);
                }
                match execution.encode() {
                    Ok(payload) => chunk.push(payload),
                    Err(error) => failed = Some(error),
                }
            }
            if chunk.len() >= CHUNK
                && let Err(error) = write(&mut chunk)
            {
                failed = Some(error);
            }
            Ok(())
        })?;
        match failed {
            Some(error) => Err(error),
            None => write(&mut chunk),
        }
    }

    /// Removes a journal that nobody may find: one that has moved, or one that was never finished. The first
    /// step hides it as a whole.
    fn discard(&self, number: u32, at: Timestamp) -> Result<(), Error> {
        let storage = &self.options().storage;
        let old = folder(self.dir(), number);
        let hidden = self.dir().join(format!("removed-{number}-{}", at.0));
        let cannot = |source| Error::CannotRemove {
            path: old.clone(),
            source,
        };
        storage.remove(&cache_path(self.dir(), number)).ok();
        match storage.rename(&old, &hidden) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(cannot)?,
        }
        for name in storage.list(&hidden).map_err(cannot)? {
            // What is left is hidden, and takes no more than its space.
            storage.remove(&hidden.join(name)).ok();
        }
        Ok(())
    }
}

/// A fold of what nobody looks at.
#[derive(Debug, Default)]
struct Passed;

impl journal::Fold for Passed {
    fn apply(&mut self, _: &journal::Record) -> Result<(), journal::FoldError> {
        Ok(())
    }
}
