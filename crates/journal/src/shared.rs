//! The journal of many short-lived writers: the lock is taken for each batch.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Error, FoldError, LockMode, OpenMode, Options, Position,
    appender::{Appender, Recovered, cut},
    cursor::{Cursor, Tail},
    format::{Kind, Record, SegmentName},
};

/// The epoch of all shared journals: their fence is the lock.
const EPOCH: u32 = 1;

/// A state that is built from records.
pub trait Fold {
    /// Takes the next record into the state.
    ///
    /// # Errors
    /// Whatever keeps the state from taking it; the state MUST then be as before, since the same
    /// record comes again.
    fn apply(&mut self, record: &Record) -> Result<(), FoldError>;
}

/// A journal that several processes write, one batch at a time, with the state that this handle has
/// folded from it. All methods block on the disk, and [`SharedJournal::batch`] on other writers:
/// async code calls them on a blocking thread.
///
/// ```
/// use journal::{Error, Fold, FoldError, Kind, Options, Record, SharedJournal};
///
/// const SPENT: Kind = Kind(1);
///
/// #[derive(Debug, Default)]
/// struct Total(u64);
///
/// impl Fold for Total {
///     fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
///         self.0 += std::str::from_utf8(&record.payload)?.parse::<u64>()?;
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// # let folder = tempfile::tempdir().map_err(|_| Error::Stopped)?;
/// # let dir = folder.path();
/// let ledger = SharedJournal::open(dir, Options::default(), Total::default())?;
/// let spend = |amount: u64| {
///     ledger.batch(|total, batch| {
///         // Nobody else writes now, so this cannot be overtaken.
///         if total.0 + amount > 10 {
///             return Ok::<_, Error>(false);
///         }
///         batch.append(SPENT, amount.to_string().into_bytes())?;
///         Ok(true)
///     })
/// };
/// assert!(spend(7)?);
/// assert!(!spend(7)?);
/// assert_eq!(ledger.read(|total| total.0)?, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedJournal<F> {
    dir: PathBuf,
    options: Options,
    inner: Mutex<Inner<F>>,
}

#[derive(Debug)]
struct Inner<F> {
    state: F,
    cursor: Cursor,
    /// The last segment and the end of its records when this handle flushed them.
    synced: Option<(SegmentName, u64)>,
    failure: Option<Error>,
    recovered: Vec<Recovered>,
}

/// The records that a batch will append, all at once or, if it fails, not at all or in part.
#[derive(Debug)]
pub struct Batch<'a> {
    options: &'a Options,
    next_seq: u64,
    records: Vec<(Kind, Vec<u8>)>,
}

impl Batch<'_> {
    /// Stages a record. Returns the sequence number it will have.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::ReservedKind`].
    pub fn append(&mut self, kind: Kind, payload: Vec<u8>) -> Result<u64, Error> {
        self.options.admit(kind, &payload)?;
        self.records.push((kind, payload));
        Ok(self.next_seq + self.records.len() as u64 - 1)
    }
}

impl<F: Fold> SharedJournal<F> {
    /// Opens the journal in `dir` and folds its records into `state`. Writes nothing: a missing
    /// folder is an empty journal, which the first batch creates.
    ///
    /// # Errors
    /// [`Error::Replay`] if the fold refuses a record; [`Error::Damaged`], [`Error::NewerFormat`], or
    /// the errors of file operations.
    pub fn open(dir: &Path, options: Options, state: F) -> Result<Self, Error> {
        let cursor = Cursor::new(Arc::clone(&options.storage), dir);
        Self::opened(dir, options, state, cursor)
    }

    /// Opens the journal in `dir` where a snapshot of its state ends, and folds only the records behind it.
    /// Nothing where the journal does not hold that record: it is another one, or was cut since; then the
    /// snapshot is worth nothing.
    ///
    /// What stands before the position is not read: damage to it is not noticed here.
    ///
    /// # Errors
    /// As [`SharedJournal::open`].
    pub fn open_at(
        dir: &Path,
        options: Options,
        state: F,
        position: &Position,
    ) -> Result<Option<Self>, Error> {
        if !position.is_in(dir, &options) {
            return Ok(None);
        }
        let cursor = Cursor::at(Arc::clone(&options.storage), dir, position);
        Self::opened(dir, options, state, cursor).map(Some)
    }

    fn opened(dir: &Path, options: Options, state: F, cursor: Cursor) -> Result<Self, Error> {
        let mut inner = Inner {
            state,
            cursor,
            synced: None,
            failure: None,
            recovered: Vec::new(),
        };
        inner.catch_up()?;
        Ok(Self {
            dir: dir.to_owned(),
            options,
            inner: Mutex::new(inner),
        })
    }

    /// Takes the lock, folds what others have appended, lets `act` decide on the current state, and
    /// appends what it staged, with one flush, before the lock is given back. All that `act` sees is
    /// on disk. A tail that a killed writer left torn is cut first.
    ///
    /// `act` runs under the lock: it must be quick, and must not use this handle.
    ///
    /// # Errors
    /// What `act` answers, with nothing appended; else as [`SharedJournal::open`]. After an error of
    /// writing or flushing it is unknown how much of the batch is on disk, and this handle takes no more
    /// batches ([`Error::Poisoned`]). [`Error::Replay`] after the flush means that the batch is on disk.
    pub fn batch<T, E: From<Error>>(
        &self,
        act: impl FnOnce(&F, &mut Batch<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self.lock();
        if let Some(cause) = &inner.failure {
            return Err(Error::poisoned_by(cause).into());
        }
        let (storage, dir) = (&self.options.storage, &self.dir);
        storage.create_dir(dir).map_err(Error::io("create", dir))?;
        let path = dir.join("lock");
        let _lock = storage
            .lock(&path, LockMode::Wait)
            .map_err(Error::io("lock", &path))?;
        let mut appender = inner.prepare(&self.options, dir)?;
        let mut batch = Batch {
            options: &self.options,
            next_seq: inner.cursor.chain().next_seq,
            records: Vec::new(),
        };
        let answer = act(&inner.state, &mut batch)?;
        if batch.records.is_empty() {
            return Ok(answer);
        }
        let faults = self.options.faults.as_ref();
        let points: Vec<_> = batch
            .records
            .iter()
            .filter_map(|_| Some(faults?.arrive()))
            .collect();
        if let Err(error) = appender.append(
            batch
                .records
                .iter()
                .map(|(kind, payload)| (*kind, &**payload)),
        ) {
            inner.failure = Some(error.clone());
            return Err(error.into());
        }
        if let Some(faults) = faults {
            points.into_iter().for_each(|point| faults.on_disk(point));
        }
        inner.synced = Some(appender.synced());
        inner.catch_up()?;
        Ok(answer)
    }

    /// Folds what others have appended, without the lock. What a writer has written but not yet
    /// flushed may be among it.
    ///
    /// # Errors
    /// As [`SharedJournal::open`].
    pub fn catch_up(&self) -> Result<(), Error> {
        self.lock().catch_up()
    }

    /// Catches up, then looks at the state.
    ///
    /// # Errors
    /// As [`SharedJournal::open`].
    pub fn read<T>(&self, look: impl FnOnce(&F) -> T) -> Result<T, Error> {
        let mut inner = self.lock();
        inner.catch_up()?;
        Ok(look(&inner.state))
    }

    /// As [`SharedJournal::read`], with the place up to which records are in the state, for a snapshot; nothing
    /// where there are none.
    ///
    /// # Errors
    /// As [`SharedJournal::open`].
    pub fn read_at<T>(&self, look: impl FnOnce(&F, Option<Position>) -> T) -> Result<T, Error> {
        let mut inner = self.lock();
        inner.catch_up()?;
        Ok(look(&inner.state, inner.cursor.position()))
    }

    /// The torn tails that batches of this handle have cut.
    pub fn recovered(&self) -> Vec<Recovered> {
        self.lock().recovered.clone()
    }

    /// The journal's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn lock(&self) -> MutexGuard<'_, Inner<F>> {
        // A panic of the caller's `act` or fold leaves the cursor before the record in question.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Fold> Inner<F> {
    fn catch_up(&mut self) -> Result<(), Error> {
        self.advance().map(drop)
    }

    fn advance(&mut self) -> Result<Option<Tail>, Error> {
        let state = &mut self.state;
        self.cursor.advance(&mut |record| {
            state.apply(record).map_err(|error| Error::Replay {
                seq: record.seq,
                source: Arc::from(error),
            })
        })
    }

    /// Under the lock: reads to the end, and makes the last segment fit to be appended to.
    fn prepare(&mut self, options: &Options, dir: &Path) -> Result<Appender, Error> {
        let tail = self.advance()?;
        let chain = self.cursor.chain();
        let ready = match tail {
            // No segment, or one whose creator was killed before its header was whole.
            None => Appender::create(options, dir, EPOCH, chain, OpenMode::Write),
            Some(tail) if tail.offset == 0 => {
                Appender::create(options, dir, EPOCH, chain, OpenMode::Write)
            }
            Some(tail)
                if tail.offset == tail.size
                    && self.synced == Some((tail.segment, chain.next_seq)) =>
            {
                let path = dir.join(tail.segment.file_name());
                let file = options
                    .storage
                    .open(&path, OpenMode::Write)
                    .map_err(Error::io("open", &path))?;
                Ok(Appender::resume(options, dir, file, tail, chain))
            }
            // Others have written: it is flushed again, in case they were killed before they did.
            Some(tail) => cut(options, dir, tail).map(|(file, recovered)| {
                self.recovered.extend(recovered);
                Appender::resume(options, dir, file, tail, chain)
            }),
        };
        match &ready {
            Ok(appender) => self.synced = Some(appender.synced()),
            Err(error) => self.failure = Some(error.clone()),
        }
        ready
    }
}
