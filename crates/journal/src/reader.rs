//! Reading a journal that others write.

use std::{path::Path, sync::Arc};

use crate::{Error, FoldError, Options, cursor::Cursor, format::Record};

/// Reads a journal from its first record on and follows it as it grows. Takes no lock and writes
/// nothing, so it never disturbs a writer, and works in a folder that may only be read.
#[derive(Debug)]
pub struct Reader {
    cursor: Cursor,
    incomplete_bytes: u64,
}

impl Reader {
    /// A reader at the first record of the journal in `dir`, which need not exist yet. Only the
    /// storage of the options matters.
    pub fn open(dir: &Path, options: &Options) -> Self {
        Self {
            cursor: Cursor::new(Arc::clone(&options.storage), dir),
            incomplete_bytes: 0,
        }
    }

    /// All whole records since the last call, in order; often none. What a live writer has written
    /// but not yet flushed may be among them. An incomplete tail is no error.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::NewerFormat`], or the errors of file operations; the records
    /// read before it are lost to this reader. Use [`Reader::read_each`] to have them.
    pub fn read_new(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        self.read_each(|record| {
            records.push(record.clone());
            Ok::<(), Error>(())
        })?;
        Ok(records)
    }

    /// Gives each whole record since the last call to `visit`, without holding them all in memory.
    /// A record that `visit` refuses comes again with the next call.
    ///
    /// # Errors
    /// As [`Reader::read_new`], and [`Error::Replay`] if `visit` refuses a record.
    pub fn read_each<E: Into<FoldError>>(
        &mut self,
        mut visit: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<(), Error> {
        let tail = self.cursor.advance(&mut |record| {
            visit(record).map_err(|error| Error::Replay {
                seq: record.seq,
                source: Arc::from(error.into()),
            })
        })?;
        self.incomplete_bytes = tail.map_or(0, |tail| tail.size - tail.offset);
        Ok(())
    }

    /// Sequence number of the last record read, 0 for none.
    pub fn last_seq(&self) -> u64 {
        self.cursor.chain().next_seq - 1
    }

    /// How many bytes stood after the last whole record at the last call: being written, or torn.
    pub fn incomplete_bytes(&self) -> u64 {
        self.incomplete_bytes
    }
}
