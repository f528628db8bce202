//! The journal of one owner: callers queue records, one thread writes and flushes what has gathered.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    Error, FoldError, LockMode, OpenMode, Options, RealStorage, Storage, StorageLock,
    appender::{Appender, Recovered, cut},
    cursor::Cursor,
    faults::Point,
    format::{Kind, Record},
};

/// Buffered records are written without waiting for their time once they are this long together.
const BUFFER_BYTES: usize = 256 << 10;
const LOCK_FILE: &str = "lock";

/// A journal that this process owns. Clones are handles of the same journal; the last one that is
/// dropped writes what is buffered, ends the writing thread and gives the lock back.
#[derive(Debug, Clone)]
pub struct Journal {
    owner: Arc<Owner>,
}

#[derive(Debug)]
struct Owner {
    dir: PathBuf,
    epoch: u32,
    recovered: Option<Recovered>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    // After `thread`, which `drop` joins: the lock outlives the last write.
    _lock: Box<dyn StorageLock>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    queue: Mutex<Queue>,
    /// Wakes the writing thread.
    wake: Condvar,
}

/// What waits for the writing thread. Its length is bounded by the callers: who appends durably waits,
/// and what is buffered is written as soon as [`BUFFER_BYTES`] have gathered.
#[derive(Debug)]
struct Queue {
    records: Vec<Pending>,
    bytes: usize,
    next_seq: u64,
    /// Told when all records queued before them are on disk.
    waiters: Vec<Waiter>,
    /// When the oldest buffered record must be written.
    deadline: Option<Instant>,
    closed: bool,
    failure: Option<Error>,
}

struct Pending {
    kind: Kind,
    payload: Vec<u8>,
    point: Point,
}

impl fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {} bytes", self.kind, self.payload.len())
    }
}

impl Journal {
    /// Takes ownership of the journal in `dir`, which is created if it is missing, and gives all its
    /// records to `replay`, in order. All it replays is on disk. Blocks, at most some 50 ms for the lock.
    ///
    /// # Errors
    /// [`Error::Locked`] if it has an owner; [`Error::Replay`] if `replay` refuses a record;
    /// [`Error::Damaged`], [`Error::NewerFormat`], or the errors of file operations. None of them
    /// changes what the journal holds.
    pub fn create_or_open<E: Into<FoldError>>(
        dir: &Path,
        options: Options,
        mut replay: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<Self, Error> {
        let mut visit = |record: &Record| {
            replay(record).map_err(|error| Error::Replay {
                seq: record.seq,
                source: Arc::from(error.into()),
            })
        };
        Self::open(dir, options, &mut visit)
    }

    fn open(
        dir: &Path,
        options: Options,
        visit: &mut dyn FnMut(&Record) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        options
            .storage
            .create_dir(dir)
            .map_err(Error::io("create", dir))?;
        let lock = own(&*options.storage, dir)?;
        let mut cursor = Cursor::new(Arc::clone(&options.storage), dir);
        let mut epoch = 1;
        let mut recovered = None;
        if let Some(tail) = cursor.advance(visit)? {
            epoch = tail.segment.epoch.saturating_add(1);
            // A segment without a whole header is left: the new one takes its place in the order.
            if tail.offset > 0 {
                recovered = cut(&options, dir, tail)?.1;
            }
        }
        let chain = cursor.chain();
        let appender = Appender::create(&options, dir, epoch, chain, OpenMode::CreateNew)?;
        let queue = Queue {
            records: Vec::new(),
            bytes: 0,
            next_seq: chain.next_seq,
            waiters: Vec::new(),
            deadline: None,
            closed: false,
            failure: None,
        };
        let shared = Arc::new(Shared {
            options,
            queue: Mutex::new(queue),
            wake: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.write_all(appender))
            .map_err(Error::io("start the writer of", dir))?;
        let owner = Owner {
            dir: dir.to_owned(),
            epoch,
            recovered,
            shared,
            thread: Some(thread),
            _lock: lock,
        };
        Ok(Self {
            owner: Arc::new(owner),
        })
    }

    /// Appends a record and waits until it is on disk. Returns its sequence number. Concurrent
    /// appends share one flush. The record is queued, and so ordered, by the call itself.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::ReservedKind`] with nothing queued; [`Error::Poisoned`] after an
    /// earlier failure; the errors of file operations, after which the record may or may not be on disk.
    ///
    /// # Cancel safety
    /// Dropping the future drops the answer only: the record is written all the same.
    pub fn append(
        &self,
        kind: Kind,
        payload: Vec<u8>,
    ) -> impl Future<Output = Result<u64, Error>> + Send + use<> {
        let queued = self.owner.shared.append(kind, payload);
        async move {
            let (seq, done) = queued?;
            settled(done).await?;
            Ok(seq)
        }
    }

    /// As [`Journal::append`], for callers outside of async code. Blocks.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_blocking(&self, kind: Kind, payload: Vec<u8>) -> Result<u64, Error> {
        block_on(self.append(kind, payload))
    }

    /// Appends a record that may be lost: it is on disk with the next durable append or flush, or
    /// within [`Options::flush_within`]. Returns its sequence number. Does not wait.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::ReservedKind`]; [`Error::Poisoned`] after an earlier failure. A
    /// failure to write this record is reported by the appends and flushes after it.
    pub fn append_buffered(&self, kind: Kind, payload: Vec<u8>) -> Result<u64, Error> {
        self.owner.shared.append_buffered(kind, payload)
    }

    /// Waits until all that was appended before the call is on disk.
    ///
    /// # Errors
    /// [`Error::Poisoned`] after an earlier failure, else the errors of file operations.
    ///
    /// # Cancel safety
    /// Dropping the future drops the answer only.
    pub fn flush(&self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let queued = self.owner.shared.flush();
        async move { settled(queued?).await }
    }

    /// As [`Journal::flush`], for callers outside of async code. Blocks.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub fn flush_blocking(&self) -> Result<(), Error> {
        block_on(self.flush())
    }

    /// Sequence number of the last record appended, on disk or not; 0 for none.
    pub fn last_seq(&self) -> u64 {
        self.owner.shared.lock().next_seq - 1
    }

    /// The epoch of this owner; 1 for the first.
    pub fn epoch(&self) -> u32 {
        self.owner.epoch
    }

    /// The journal's folder.
    pub fn dir(&self) -> &Path {
        &self.owner.dir
    }

    /// The torn tail that was cut when this owner opened the journal, if there was one.
    pub fn recovered(&self) -> Option<&Recovered> {
        self.owner.recovered.as_ref()
    }
}

/// Whether a live process owns the [`Journal`] in `dir`; false where there is none.
///
/// # Errors
/// [`Error::ReadOnly`] or [`Error::Io`] if the lock cannot be looked at.
pub fn is_locked(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(LOCK_FILE);
    match RealStorage.lock(&path, LockMode::Probe) {
        Ok(lock) => Ok(lock.is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", &path)(error)),
    }
}

/// Takes the owner's lock.
fn own(storage: &dyn Storage, dir: &Path) -> Result<Box<dyn StorageLock>, Error> {
    let path = dir.join(LOCK_FILE);
    // Who asks `is_locked` holds the lock for a moment; only who holds it longer owns the journal.
    for attempt in 0..10 {
        if attempt > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(lock) = storage
            .lock(&path, LockMode::Try)
            .map_err(Error::io("lock", &path))?
        {
            return Ok(lock);
        }
    }
    Err(Error::Locked {
        dir: dir.to_owned(),
    })
}

type Waiter = oneshot::Sender<Result<(), Error>>;
type Done = oneshot::Receiver<Result<(), Error>>;

/// A sender that is dropped unsent was the writing thread's, in a panic.
async fn settled(done: Done) -> Result<(), Error> {
    done.await.unwrap_or(Err(Error::Stopped))
}

impl Shared {
    fn append(&self, kind: Kind, payload: Vec<u8>) -> Result<(u64, Done), Error> {
        self.options.admit(kind, &payload)?;
        let mut queue = self.writable()?;
        let seq = self.push(&mut queue, kind, payload);
        Ok((seq, self.wait_in(queue)))
    }

    fn append_buffered(&self, kind: Kind, payload: Vec<u8>) -> Result<u64, Error> {
        self.options.admit(kind, &payload)?;
        let mut queue = self.writable()?;
        let seq = self.push(&mut queue, kind, payload);
        let first = queue.deadline.is_none();
        if first {
            // A time too far off to exist means: with the next durable append.
            queue.deadline = Instant::now().checked_add(self.options.flush_within);
        }
        if first || queue.bytes >= BUFFER_BYTES {
            self.wake.notify_one();
        }
        Ok(seq)
    }

    fn flush(&self) -> Result<Done, Error> {
        Ok(self.wait_in(self.writable()?))
    }

    fn writable(&self) -> Result<MutexGuard<'_, Queue>, Error> {
        let queue = self.lock();
        match &queue.failure {
            None => Ok(queue),
            Some(cause) => Err(Error::poisoned_by(cause)),
        }
    }

    fn push(&self, queue: &mut Queue, kind: Kind, payload: Vec<u8>) -> u64 {
        let point = self
            .options
            .faults
            .as_ref()
            .map_or(Point::NONE, |faults| faults.arrive());
        let seq = queue.next_seq;
        queue.next_seq += 1;
        queue.bytes += payload.len();
        queue.records.push(Pending {
            kind,
            payload,
            point,
        });
        seq
    }

    fn wait_in(&self, mut queue: MutexGuard<'_, Queue>) -> Done {
        let (told, done) = oneshot::channel();
        queue.waiters.push(told);
        self.wake.notify_one();
        done
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between any two statements that could panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writing thread: until the journal is closed or a write fails.
    fn write_all(&self, mut appender: Appender) {
        let _stop = StopGuard(self);
        while let Some((records, waiters)) = self.gathered() {
            let written = if records.is_empty() {
                Ok(())
            } else {
                appender.append(records.iter().map(|record| (record.kind, &*record.payload)))
            };
            if let (Ok(()), Some(faults)) = (&written, &self.options.faults) {
                records
                    .iter()
                    .for_each(|record| faults.on_disk(record.point));
            }
            if let Err(error) = &written {
                self.lock().failure = Some(error.clone());
            }
            for waiter in waiters {
                // Who no longer listens has dropped the future.
                drop(waiter.send(written.clone()));
            }
            if written.is_err() {
                return;
            }
        }
    }

    /// Waits for something to do, and takes all of it. Nothing once the journal is closed and empty.
    fn gathered(&self) -> Option<(Vec<Pending>, Vec<Waiter>)> {
        let mut queue = self.lock();
        while queue.waiters.is_empty() && queue.bytes < BUFFER_BYTES && !queue.closed {
            let Some(deadline) = queue.deadline else {
                queue = self
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self
                .wake
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if queue.closed && queue.records.is_empty() && queue.waiters.is_empty() {
            return None;
        }
        queue.bytes = 0;
        queue.deadline = None;
        Some((
            std::mem::take(&mut queue.records),
            std::mem::take(&mut queue.waiters),
        ))
    }
}

/// Leaves nobody waiting for a thread that is gone.
struct StopGuard<'a>(&'a Shared);

impl Drop for StopGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        let failure = queue.failure.get_or_insert(Error::Stopped).clone();
        queue.records.clear();
        for waiter in std::mem::take(&mut queue.waiters) {
            drop(waiter.send(Err(Error::poisoned_by(&failure))));
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the storage has been reported to all who waited.
            drop(thread.join());
        }
    }
}

/// Polls a future on this thread. Tokio's own blocking receive panics inside a runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
