//! What several tests need.

use std::{path::Path, sync::Arc, time::Duration};

use journal::{
    Error, Fold, FoldError, Journal, Kind, Options, Reader, Record, Storage,
    faults::SimulatedStorage,
};

pub(crate) const NOTE: Kind = Kind(7);
pub(crate) const DIR: &str = "/journal";

/// Options without a timer, so that the order of file operations is always the same.
pub(crate) fn options(storage: &SimulatedStorage) -> Options {
    with(Arc::new(storage.clone()))
}

pub(crate) fn with(storage: Arc<dyn Storage>) -> Options {
    Options {
        storage,
        flush_within: Duration::MAX,
        ..Options::default()
    }
}

pub(crate) fn open(dir: &Path, options: Options) -> Result<(Journal, Vec<String>), Error> {
    let mut replayed = Vec::new();
    let journal = Journal::create_or_open(dir, options, |record| {
        replayed.push(text(record));
        Ok::<(), Error>(())
    })?;
    Ok((journal, replayed))
}

pub(crate) fn read(dir: &Path, options: &Options) -> Result<Vec<String>, Error> {
    let records = Reader::open(dir, options).read_new()?;
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record.seq, index as u64 + 1, "sequence numbers have no gap");
    }
    Ok(records.iter().map(text).collect())
}

pub(crate) fn text(record: &Record) -> String {
    String::from_utf8(record.payload.clone()).expect("the tests write text")
}

/// The texts of all records.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Fold for Texts {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        self.0.push(text(record));
        Ok(())
    }
}
