//! How a journal is opened.

use std::{sync::Arc, time::Duration};

use crate::{Error, RealStorage, Storage, faults::Faults, format::Kind};

/// Options of all journals and readers.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the files are; default: the real file system.
    pub storage: Arc<dyn Storage>,
    /// Longest payload taken, in bytes; default 16 MiB, which bounds the memory of a replay.
    pub max_record_bytes: usize,
    /// A segment at least this long, in bytes, is followed by a new one; default 8 MiB.
    pub segment_bytes: u64,
    /// A buffered append is on disk at most this much later (plus the flush); default 100 ms, what
    /// a person who watches takes for immediate.
    pub flush_within: Duration,
    /// Counts appends, and ends the process at one of them; default none. For crash tests.
    pub faults: Option<Faults>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            storage: Arc::new(RealStorage),
            max_record_bytes: 16 << 20,
            segment_bytes: 8 << 20,
            flush_within: Duration::from_millis(100),
            faults: None,
        }
    }
}

impl Options {
    /// Whether a record may be appended at all.
    pub(crate) fn admit(&self, kind: Kind, payload: &[u8]) -> Result<(), Error> {
        // The format's length field has 32 bits.
        let limit = self.max_record_bytes.min(u32::MAX as usize);
        if payload.len() > limit {
            return Err(Error::TooLarge {
                bytes: payload.len(),
                limit,
            });
        }
        if kind.is_reserved() {
            return Err(Error::ReservedKind { kind });
        }
        Ok(())
    }
}
