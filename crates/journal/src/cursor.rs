//! The one way a journal is read: by owners when they open it, by shared writers before they
//! append, by readers whenever they like.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, OpenMode, Position, Storage, StorageFile,
    format::{
        Chain, RECORD_HEADER, Record, RecordHeader, SEGMENT_HEADER, SegmentHeader, SegmentName,
        VERSION, verify,
    },
};

/// A place in a journal, and the way onward from it.
#[derive(Debug)]
pub(crate) struct Cursor {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    /// The segment entered last: its header has been checked.
    segment: Option<SegmentName>,
    offset: u64,
    /// Where the last record begins, if it is in this segment.
    last: Option<u64>,
    chain: Chain,
}

/// The end of what is whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    /// The last segment; no other has a higher epoch.
    pub(crate) segment: SegmentName,
    /// Where its last whole record ends; 0 if not even its header is whole.
    pub(crate) offset: u64,
    /// Length of the file; more than `offset` if the tail is torn or being written.
    pub(crate) size: u64,
}

type Visit<'a> = &'a mut dyn FnMut(&Record) -> Result<(), Error>;

impl Cursor {
    pub(crate) fn new(storage: Arc<dyn Storage>, dir: &Path) -> Self {
        Self {
            storage,
            dir: dir.to_owned(),
            segment: None,
            offset: 0,
            last: None,
            chain: Chain::START,
        }
    }

    /// One that goes on from a position that the journal has.
    pub(crate) fn at(storage: Arc<dyn Storage>, dir: &Path, position: &Position) -> Self {
        Self {
            segment: Some(position.segment),
            offset: position.offset,
            last: Some(position.start),
            chain: position.chain,
            ..Self::new(storage, dir)
        }
    }

    /// Where it is; nothing before the first record, and at the beginning of a segment.
    pub(crate) fn position(&self) -> Option<Position> {
        Some(Position {
            segment: self.segment?,
            start: self.last?,
            offset: self.offset,
            chain: self.chain,
        })
    }

    /// Where the next record will go.
    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Visits all whole records from here on, in order. After an error of `visit` the same record
    /// comes again. Returns nothing for a journal without segments.
    pub(crate) fn advance(&mut self, visit: Visit<'_>) -> Result<Option<Tail>, Error> {
        let segments = self.segments()?;
        let Some(nearest) = segments.first().copied().or(self.segment) else {
            return Ok(None);
        };
        loop {
            let following =
                segments.partition_point(|segment| segment.first_seq <= self.chain.next_seq);
            let Some(&segment) = following
                .checked_sub(1)
                .and_then(|current| segments.get(current))
            else {
                return Err(self.damaged(nearest, 0, "the segment before it is missing"));
            };
            let limit = segments.get(following).map(|next| next.first_seq);
            let path = self.dir.join(segment.file_name());
            let file = self
                .storage
                .open(&path, OpenMode::Read)
                .map_err(Error::io("open", &path))?;
            let size = file.size().map_err(Error::io("read", &path))?;
            if self.segment != Some(segment)
                && !self.enter(segment, &*file, size, limit.is_none())?
            {
                return Ok(Some(Tail {
                    segment,
                    offset: 0,
                    size,
                }));
            }
            let size = self
                .scan(segment, &*file, limit, visit)
                .map_err(|fault| fault.at(&path))?;
            if let Some(limit) = limit {
                if self.chain.next_seq < limit {
                    return Err(self.damaged(
                        segment,
                        self.offset,
                        "its last records are missing or not whole",
                    ));
                }
            } else {
                return self.check_tail(segment, &*file, size, visit).map(Some);
            }
        }
    }

    /// The segments that count, in order; their first numbers increase strictly.
    fn segments(&self) -> Result<Vec<SegmentName>, Error> {
        let names = match self.storage.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            result => result.map_err(Error::io("list", &self.dir))?,
        };
        let mut segments: Vec<_> = names
            .iter()
            .filter_map(|name| SegmentName::parse(name))
            .collect();
        segments.sort_unstable();
        // Fencing: what does not begin before all its successors was written too late, or is empty.
        let mut bound = u64::MAX;
        let mut live: Vec<_> = segments
            .into_iter()
            .rev()
            .filter(|segment| {
                let counts = segment.first_seq < bound;
                bound = bound.min(segment.first_seq);
                counts
            })
            .collect();
        live.reverse();
        Ok(live)
    }

    /// Checks the header of the segment that goes on from here. Answers false if it is the last one
    /// and still being created: a header is flushed before the first record is written.
    fn enter(
        &mut self,
        segment: SegmentName,
        file: &dyn StorageFile,
        size: u64,
        last: bool,
    ) -> Result<bool, Error> {
        let path = self.dir.join(segment.file_name());
        let mut window = Window::new(0);
        let header = match window
            .get(file, 0, SEGMENT_HEADER as usize)
            .map_err(Error::io("read", &path))?
        {
            Some(bytes) => SegmentHeader::parse(bytes),
            None => SegmentHeader::Invalid,
        };
        match header {
            SegmentHeader::Whole { name, prev } if name == segment => {
                if segment.first_seq != self.chain.next_seq || prev != self.chain.prev {
                    return Err(self.damaged(
                        segment,
                        0,
                        "it does not continue the segment before it",
                    ));
                }
                self.segment = Some(segment);
                self.offset = SEGMENT_HEADER;
                self.last = None;
                Ok(true)
            }
            SegmentHeader::Newer { version, features } => Err(Error::NewerFormat {
                file: path,
                found: format!("{version} with features {features:#06x}"),
                supported: VERSION,
            }),
            SegmentHeader::Invalid if last && size <= SEGMENT_HEADER => Ok(false),
            SegmentHeader::Invalid | SegmentHeader::Whole { .. } => {
                Err(self.damaged(segment, 0, "its header is not valid"))
            }
        }
    }

    /// Visits whole records of one segment, up to the number `limit`. Returns the file's length.
    fn scan(
        &mut self,
        segment: SegmentName,
        file: &dyn StorageFile,
        limit: Option<u64>,
        visit: Visit<'_>,
    ) -> Result<u64, ScanError> {
        let size = file.size()?;
        let mut window = Window::new(self.offset);
        while limit.is_none_or(|limit| self.chain.next_seq < limit) {
            let Some(bytes) = window.get(file, self.offset, RECORD_HEADER)? else {
                break;
            };
            let header = RecordHeader::parse(bytes);
            let expected = (self.chain.next_seq, self.chain.prev, segment.epoch);
            if (header.seq, header.prev, header.epoch) != expected
                || self.offset + header.size() as u64 > size
            {
                break;
            }
            let Some(bytes) = window.get(file, self.offset, header.size())? else {
                break;
            };
            let Some(checksum) = verify(bytes) else { break };
            let record = header.record(bytes);
            if !record.kind.is_reserved() {
                visit(&record).map_err(ScanError::Visit)?;
            }
            self.last = Some(self.offset);
            self.offset += header.size() as u64;
            self.chain = Chain {
                next_seq: header.seq + 1,
                prev: checksum,
            };
        }
        Ok(size)
    }

    /// Tells a torn tail, or one that is being written, from damage.
    fn check_tail(
        &mut self,
        segment: SegmentName,
        file: &dyn StorageFile,
        mut size: u64,
        visit: Visit<'_>,
    ) -> Result<Tail, Error> {
        let path = self.dir.join(segment.file_name());
        if size > self.offset
            && self
                .later_flush(segment, file, size)
                .map_err(Error::io("read", &path))?
        {
            // A live writer may have written both while we read: then both are whole by now.
            let stuck_at = self.offset;
            size = self
                .scan(segment, file, None, visit)
                .map_err(|fault| fault.at(&path))?;
            if self.offset == stuck_at {
                return Err(self.damaged(
                    segment,
                    stuck_at,
                    "a record is not whole, but a later one is",
                ));
            }
        }
        Ok(Tail {
            segment,
            offset: self.offset,
            size: size.max(self.offset),
        })
    }

    /// Whether behind the broken bytes there is a record that was written only after they had been flushed.
    fn later_flush(
        &self,
        segment: SegmentName,
        file: &dyn StorageFile,
        size: u64,
    ) -> io::Result<bool> {
        let mut window = Window::new(self.offset);
        let last_seq = self
            .chain
            .next_seq
            .saturating_add((size - self.offset) / RECORD_HEADER as u64);
        for offset in self.offset..size.saturating_sub(RECORD_HEADER as u64 - 1) {
            let Some(bytes) = window.get(file, offset, RECORD_HEADER)? else {
                break;
            };
            let header = RecordHeader::parse(bytes);
            let plausible = header.epoch == segment.epoch
                && header.is_on_synced()
                && (self.chain.next_seq..=last_seq).contains(&header.seq)
                && offset + header.size() as u64 <= size;
            if plausible
                && window
                    .get(file, offset, header.size())?
                    .and_then(verify)
                    .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn damaged(&self, segment: SegmentName, offset: u64, reason: &'static str) -> Error {
        let file = self.dir.join(segment.file_name());
        Error::Damaged {
            file,
            offset,
            last_good_seq: self.chain.next_seq - 1,
            reason,
        }
    }
}

/// Why a scan ended early; the path is known one level up.
enum ScanError {
    Io(io::Error),
    Visit(Error),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ScanError {
    fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(error) => Error::io("read", path)(error),
            Self::Visit(error) => error,
        }
    }
}

/// A part of a file in memory, which only moves forward.
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    const CHUNK: usize = 64 << 10;

    fn new(start: u64) -> Self {
        Self {
            start,
            bytes: Vec::new(),
        }
    }

    /// Bytes of the file, from an offset not before the last one. Nothing where the file is shorter.
    fn get(
        &mut self,
        file: &dyn StorageFile,
        offset: u64,
        length: usize,
    ) -> io::Result<Option<&[u8]>> {
        let mut skip = (offset - self.start) as usize;
        if skip + length > self.bytes.len() {
            let rest = self.bytes.get(skip..).unwrap_or_default();
            let mut filled = rest.len();
            let mut bytes = vec![0; length.max(Self::CHUNK)];
            bytes[..filled].copy_from_slice(rest);
            self.bytes = bytes;
            self.start = offset;
            skip = 0;
            while filled < length {
                match file.read_at(offset + filled as u64, &mut self.bytes[filled..])? {
                    0 => break,
                    read => filled += read,
                }
            }
            self.bytes.truncate(filled);
        }
        Ok(self.bytes.get(skip..skip + length))
    }
}
