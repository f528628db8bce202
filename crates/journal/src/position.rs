//! A place in a journal that outlives the process that read up to it.

use std::io;

use crate::{
    OpenMode, Options, StorageFile,
    format::{
        Chain, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader, SegmentName, verify,
    },
};

/// The end of a record, to be kept beside a state that was folded up to it: see
/// [`SharedJournal::open_at`](crate::SharedJournal::open_at).
///
/// It names the record by its checksum, which is chained to all records before it: no other journal, and none
/// that was cut and written anew, holds the same one, but by a chance of one to four billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub(crate) segment: SegmentName,
    /// Where the last record begins and ends in its segment.
    pub(crate) start: u64,
    pub(crate) offset: u64,
    pub(crate) chain: Chain,
}

impl Position {
    /// How many bytes [`Position::to_bytes`] gives.
    pub const LEN: usize = 40;

    /// The sequence number of the record at whose end it is.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.chain.next_seq - 1
    }

    /// As bytes, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let parts: [&[u8]; 6] = [
            &self.segment.first_seq.to_le_bytes(),
            &self.start.to_le_bytes(),
            &self.offset.to_le_bytes(),
            &self.chain.next_seq.to_le_bytes(),
            &self.chain.prev.to_le_bytes(),
            &self.segment.epoch.to_le_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    /// From those bytes; nothing where they are none of a position.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let position = Self {
            segment: SegmentName {
                first_seq: long(0)?,
                epoch: short(36)?,
            },
            start: long(8)?,
            offset: long(16)?,
            chain: Chain {
                next_seq: long(24)?,
                prev: short(32)?,
            },
        };
        let is_sound = position.start >= SEGMENT_HEADER
            && position.offset >= position.start.saturating_add(RECORD_HEADER as u64)
            && position.segment.first_seq < position.chain.next_seq;
        is_sound.then_some(position)
    }

    /// Whether the journal still has the record at whose end this is. What cannot be read, it has not.
    pub(crate) fn is_in(&self, dir: &std::path::Path, options: &Options) -> bool {
        let path = dir.join(self.segment.file_name());
        let file = options.storage.open(&path, OpenMode::Read);
        file.is_ok_and(|file| self.matches(&*file).unwrap_or(false))
    }

    fn matches(&self, file: &dyn StorageFile) -> io::Result<bool> {
        if file.size()? < self.offset {
            return Ok(false);
        }
        let header = read(file, 0, SEGMENT_HEADER as usize)?;
        let is_segment = matches!(
            SegmentHeader::parse(&header),
            SegmentHeader::Whole { name, .. } if name == self.segment
        );
        let record = read(file, self.start, RECORD_HEADER)?;
        if !is_segment || record.len() < RECORD_HEADER {
            return Ok(false);
        }
        let header = RecordHeader::parse(&record);
        if header.seq != self.seq() || self.start + header.size() as u64 != self.offset {
            return Ok(false);
        }
        let record = read(file, self.start, header.size())?;
        Ok(record.len() == header.size() && verify(&record) == Some(self.chain.prev))
    }
}

/// So many bytes, or fewer where the file ends.
fn read(file: &dyn StorageFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(offset + filled as u64, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
