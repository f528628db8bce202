use std::path::Path;

use core_types::EventRecord;
use journal::Reader;

use crate::{Error, kind, record::Content};

/// The events of a run as they come, and nothing else of it. It takes no lock, writes nothing and
/// holds nothing in memory.
#[derive(Debug)]
pub struct EventTail {
    reader: Reader,
}

impl EventTail {
    /// At the first event of the run in a folder, which need not exist yet; only the storage of the
    /// options matters.
    #[must_use]
    pub fn open(dir: &Path, options: &journal::Options) -> Self {
        Self {
            reader: Reader::open(dir, options),
        }
    }

    /// The events since the last call with the numbers of their records, of all executions of their
    /// steps; blocking. Often none.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal` (damage, or the disk); what was read before it is
    /// lost to this tail.
    pub fn read_new(&mut self) -> Result<Vec<(u64, EventRecord)>, Error> {
        let mut events = Vec::new();
        self.reader.read_each(|record| {
            if record.kind == kind::EVENT {
                events.push((record.seq, EventRecord::decode(record)?));
            }
            Ok::<_, journal::FoldError>(())
        })?;
        Ok(events)
    }
}
