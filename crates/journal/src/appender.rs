//! The one way a journal is written: encoded records go to the last segment and are flushed.

use std::path::{Path, PathBuf};

use crate::{
    Error, OpenMode, Options, StorageFile, atomic_write_in,
    cursor::Tail,
    format::{Chain, Kind, SEGMENT_HEADER, SegmentName, encode},
};

/// A torn tail that was cut when a journal was opened for writing: what a writer was writing when it
/// was killed, never anything that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// The segment.
    pub file: PathBuf,
    /// Where the tail began, in bytes.
    pub offset: u64,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// The file that keeps it.
    pub quarantine: PathBuf,
}

/// The last segment of a journal, held by the one who may write to it.
#[derive(Debug)]
pub(crate) struct Appender {
    options: Options,
    dir: PathBuf,
    segment: SegmentName,
    file: Box<dyn StorageFile>,
    size: u64,
    chain: Chain,
}

impl Appender {
    /// Begins a segment. When this returns, its header and its name are on disk.
    pub(crate) fn create(
        options: &Options,
        dir: &Path,
        epoch: u32,
        chain: Chain,
        mode: OpenMode,
    ) -> Result<Self, Error> {
        let segment = SegmentName {
            epoch,
            first_seq: chain.next_seq,
        };
        let path = dir.join(segment.file_name());
        let file = options
            .storage
            .open(&path, mode)
            .map_err(Error::io("create", &path))?;
        file.write_at(0, &segment.header(chain.prev))
            .map_err(Error::io("write", &path))?;
        file.sync_data().map_err(Error::io("flush", &path))?;
        options
            .storage
            .sync_dir(dir)
            .map_err(Error::io("flush", dir))?;
        Ok(Self {
            options: options.clone(),
            dir: dir.to_owned(),
            segment,
            file,
            size: SEGMENT_HEADER,
            chain,
        })
    }

    /// Goes on in the last segment, after its tail has been cut by [`cut`].
    pub(crate) fn resume(
        options: &Options,
        dir: &Path,
        file: Box<dyn StorageFile>,
        tail: Tail,
        chain: Chain,
    ) -> Self {
        let (options, dir) = (options.clone(), dir.to_owned());
        Self {
            options,
            dir,
            segment: tail.segment,
            file,
            size: tail.offset,
            chain,
        }
    }

    /// What this handle knows to be on disk: the last segment, and all records before a number.
    pub(crate) fn synced(&self) -> (SegmentName, u64) {
        (self.segment, self.chain.next_seq)
    }

    /// Writes and flushes records as one. After an error nothing more may be appended: how much of
    /// them is on disk is unknown.
    pub(crate) fn append<'a>(
        &mut self,
        records: impl Iterator<Item = (Kind, &'a [u8])>,
    ) -> Result<(), Error> {
        if self.size >= self.options.segment_bytes.max(SEGMENT_HEADER + 1) {
            *self = Self::create(
                &self.options,
                &self.dir,
                self.segment.epoch,
                self.chain,
                OpenMode::Write,
            )?;
        }
        let mut bytes = Vec::new();
        let chain = encode(self.chain, self.segment.epoch, records, &mut bytes);
        let path = || self.dir.join(self.segment.file_name());
        self.file
            .write_at(self.size, &bytes)
            .map_err(|error| Error::io("write", &path())(error))?;
        self.file
            .sync_data()
            .map_err(|error| Error::io("flush", &path())(error))?;
        self.size += bytes.len() as u64;
        self.chain = chain;
        Ok(())
    }
}

/// Opens the last segment for writing, cuts its torn tail after saving it in `quarantine/`, and
/// flushes it and its name: a killed writer may have left whole records that are in memory only,
/// and who reads them now will act on them.
pub(crate) fn cut(
    options: &Options,
    dir: &Path,
    tail: Tail,
) -> Result<(Box<dyn StorageFile>, Option<Recovered>), Error> {
    let path = dir.join(tail.segment.file_name());
    let file = options
        .storage
        .open(&path, OpenMode::Write)
        .map_err(Error::io("open", &path))?;
    let mut recovered = None;
    if tail.size > tail.offset {
        let mut torn = vec![0; (tail.size - tail.offset) as usize];
        let mut read = 0;
        while read < torn.len() {
            match file
                .read_at(tail.offset + read as u64, &mut torn[read..])
                .map_err(Error::io("read", &path))?
            {
                0 => break,
                more => read += more,
            }
        }
        torn.truncate(read);
        let folder = dir.join("quarantine");
        options
            .storage
            .create_dir(&folder)
            .map_err(Error::io("create", &folder))?;
        let quarantine = folder.join(format!("{}.{}", tail.segment.file_name(), tail.offset));
        atomic_write_in(&*options.storage, &quarantine, &torn)?;
        file.truncate(tail.offset)
            .map_err(Error::io("cut", &path))?;
        recovered = Some(Recovered {
            file: path.clone(),
            offset: tail.offset,
            bytes: torn.len() as u64,
            quarantine,
        });
    }
    file.sync_data().map_err(Error::io("flush", &path))?;
    options
        .storage
        .sync_dir(dir)
        .map_err(Error::io("flush", dir))?;
    Ok((file, recovered))
}
