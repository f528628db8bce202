//! The bytes of segments and records, as the crate page describes them.

/// What a record is about. Kinds are constants of the crate that writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(
    /// The number that is stored; 0xFF00 and above are refused.
    pub u16,
);

impl Kind {
    /// Whether the journal keeps the kind for its own records, which no caller sees.
    pub(crate) const fn is_reserved(self) -> bool {
        self.0 >= 0xFF00
    }
}

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the journal: 1, 2, 3 … without a gap.
    pub seq: u64,
    /// Which owner wrote it; always 1 in a shared journal.
    pub epoch: u32,
    /// What it is about.
    pub kind: Kind,
    /// What was appended; JSON by convention.
    pub payload: Vec<u8>,
}

/// Where the next record goes in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) next_seq: u64,
    /// Checksum of the record before it.
    pub(crate) prev: u32,
}

impl Chain {
    pub(crate) const START: Self = Self {
        next_seq: 1,
        prev: 0,
    };
}

pub(crate) const VERSION: u16 = 1;
pub(crate) const SEGMENT_HEADER: u64 = 32;
pub(crate) const RECORD_HEADER: usize = 28;
/// Record flag: everything before this record was on disk when it was written.
const ON_SYNCED: u16 = 1;
const MAGIC: [u8; 8] = *b"AUTOJRNL";

/// Name of a segment; the order is the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) epoch: u32,
    pub(crate) first_seq: u64,
}

impl SegmentName {
    pub(crate) fn file_name(self) -> String {
        format!("{:08}-{:012}.journal", self.epoch, self.first_seq)
    }

    /// Nothing for files that are not segments.
    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let (epoch, first_seq) = file_name.strip_suffix(".journal")?.split_once('-')?;
        let name = Self {
            epoch: epoch.parse().ok()?,
            first_seq: first_seq.parse().ok()?,
        };
        // Exactly one spelling, so that two files are never one segment.
        (name.file_name() == file_name).then_some(name)
    }

    /// The first bytes of the segment, which continues the chain after `prev`.
    pub(crate) fn header(self, prev: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER as usize);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(0_u16.to_le_bytes());
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.first_seq.to_le_bytes());
        bytes.extend(prev.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }
}

/// What the first bytes of a segment say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SegmentHeader {
    Whole { name: SegmentName, prev: u32 },
    Newer { version: u16, features: u16 },
    Invalid,
}

impl SegmentHeader {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let whole = bytes.len() == SEGMENT_HEADER as usize && bytes[..8] == MAGIC;
        if !whole || u32_at(bytes, 28) != crc32fast::hash(&bytes[..28]) {
            return Self::Invalid;
        }
        let (version, features) = (u16_at(bytes, 8), u16_at(bytes, 10));
        if version != VERSION || features != 0 {
            return Self::Newer { version, features };
        }
        let name = SegmentName {
            epoch: u32_at(bytes, 12),
            first_seq: u64_at(bytes, 16),
        };
        Self::Whole {
            name,
            prev: u32_at(bytes, 24),
        }
    }
}

/// The fixed part of a record, not yet checked against its checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordHeader {
    pub(crate) prev: u32,
    length: u32,
    pub(crate) seq: u64,
    pub(crate) epoch: u32,
    kind: u16,
    flags: u16,
}

impl RecordHeader {
    /// Reads the first [`RECORD_HEADER`] bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self {
            prev: u32_at(bytes, 4),
            length: u32_at(bytes, 8),
            seq: u64_at(bytes, 12),
            epoch: u32_at(bytes, 20),
            kind: u16_at(bytes, 24),
            flags: u16_at(bytes, 26),
        }
    }

    /// Length of the whole record, in bytes.
    pub(crate) fn size(self) -> usize {
        RECORD_HEADER + self.length as usize
    }

    pub(crate) fn is_on_synced(self) -> bool {
        self.flags & ON_SYNCED != 0
    }

    /// The record in `bytes`, which are exactly its own.
    pub(crate) fn record(self, bytes: &[u8]) -> Record {
        let payload = bytes[RECORD_HEADER..].to_vec();
        Record {
            seq: self.seq,
            epoch: self.epoch,
            kind: Kind(self.kind),
            payload,
        }
    }
}

/// The checksum of a whole record, if it is the one that it carries.
pub(crate) fn verify(bytes: &[u8]) -> Option<u32> {
    let stored = u32_at(bytes, 0);
    (crc32fast::hash(&bytes[4..]) == stored).then_some(stored)
}

/// Encodes what is written at once and then flushed. Returns where the chain goes on.
pub(crate) fn encode<'a>(
    mut chain: Chain,
    epoch: u32,
    records: impl Iterator<Item = (Kind, &'a [u8])>,
    bytes: &mut Vec<u8>,
) -> Chain {
    let mut flags = ON_SYNCED;
    for (kind, payload) in records {
        let start = bytes.len();
        bytes.extend([0; 4]);
        bytes.extend(chain.prev.to_le_bytes());
        // `Options::admit` has checked the length.
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(chain.next_seq.to_le_bytes());
        bytes.extend(epoch.to_le_bytes());
        bytes.extend(kind.0.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend_from_slice(payload);
        let checksum = crc32fast::hash(&bytes[start + 4..]);
        bytes[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
        chain = Chain {
            next_seq: chain.next_seq + 1,
            prev: checksum,
        };
        flags = 0;
    }
    chain
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
