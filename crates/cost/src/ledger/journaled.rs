//! The ledger in a journal that any number of processes share.

use std::{
    cell::{Cell, RefCell},
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use core_types::{
    Clock, Ledger, OperationId, PortError, Reservation, Settled, SpendRequest, SpendScope, Spent,
    TokenUsage, Usd,
};
use journal::{Batch, Fold, FoldError, Record, SharedJournal};
use tokio::sync::oneshot;

use super::{
    account::{Day, Limit},
    book::{Book, Decided, Purpose},
    options::{LedgerOptions, Limits},
    record,
    report::Spending,
};
use crate::Error;

/// Keeps limits over all processes that open the same folder, and over all crashes. Clones are the
/// same handle.
///
/// What `reserve` or `settle` has answered is on disk. Calls that come while the disk is busy share
/// the next flush, in their order. Money that a killed process had set aside stays set aside, until
/// somebody settles it: nobody knows what became of it.
///
/// ```
/// use std::sync::Arc;
/// use core_types::{Ledger, OperationId, RunId, SpendRequest, SpendScope, Spent, SystemClock};
/// use cost::{JournalLedger, LedgerOptions};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path().join("costs");
/// let ledger = JournalLedger::open(&dir, LedgerOptions::default(), Arc::new(SystemClock))?;
/// let scope = SpendScope { run: RunId::new("run-1")?, repository: None, task: None };
///
/// let reserving = OperationId::new("run-1:planning")?;
/// let request = SpendRequest { worst_case: Some("4".parse()?), ..SpendRequest::default() };
/// let reservation = ledger.reserve(&reserving, &scope, &request, None).await?;
///
/// // A second agent cannot have as much: 5 USD is the limit of a run.
/// let other = OperationId::new("run-1:review")?;
/// let refused = ledger.reserve(&other, &scope, &request, None).await.unwrap_err();
/// assert_eq!(
///     refused.to_line(),
///     "failed to set money aside: the limit of run run-1, 5.00 USD, would be passed: 0.00 are spent, \
///      4.00 set aside, 4.00 needed; to go on: automation budget raise 16.00 --run run-1"
/// );
///
/// let spent = Spent { cost: Some("0.25".parse()?), ..Spent::default() };
/// ledger.settle(&OperationId::new("run-1:planning:settle")?, &reservation, &spent).await?;
/// ledger.reserve(&other, &scope, &request, None).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JournalLedger {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    options: LedgerOptions,
    journal_options: journal::Options,
    clock: Arc<dyn Clock>,
    /// Nothing after a failure: what is on disk is then read anew.
    journal: Mutex<Option<SharedJournal<Shelf>>>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether a thread is at work, which also takes what comes meanwhile.
    is_served: bool,
}

struct Waiting {
    request: Request,
    answer: oneshot::Sender<Result<Answer, Error>>,
}

enum Request {
    Reserve {
        operation: OperationId,
        scope: SpendScope,
        request: SpendRequest,
        purpose: Purpose,
    },
    Settle {
        operation: OperationId,
        reservation: OperationId,
        spent: Spent,
        presumed: Option<Usd>,
    },
    Raise {
        operation: OperationId,
        limit: Limit,
        to: Usd,
    },
}

enum Answer {
    Reserved(Reservation),
    Settled(Settled),
    /// With the limit as it was before.
    Raised(Usd),
}

/// The book as the journal's fold.
///
/// A batch decides several requests before any of them is on disk, each in the light of the one
/// before it. So it applies what it stages at once, and `apply` passes over what is applied already.
/// If the batch then fails, the whole handle is given up.
#[derive(Debug, Default)]
struct Shelf {
    book: RefCell<Book>,
    applied: Cell<u64>,
}

impl Fold for Shelf {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        if record.seq <= self.applied.get() {
            return Ok(());
        }
        if let Some(movement) = record::decode(record)? {
            self.book.get_mut().apply(movement)?;
        }
        self.applied.set(record.seq);
        Ok(())
    }
}

impl JournalLedger {
    /// Opens the ledger in `dir` and reads it. A missing folder is an empty ledger; the first
    /// reservation makes it. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] where the journal cannot be read, is damaged, or was written by a newer
    /// version or by hand.
    pub fn open(dir: &Path, options: LedgerOptions, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::open_with(dir, options, clock, journal::Options::default())
    }

    /// The same with options for the journal.
    ///
    /// # Errors
    ///
    /// As [`JournalLedger::open`].
    pub fn open_with(
        dir: &Path,
        options: LedgerOptions,
        clock: Arc<dyn Clock>,
        journal_options: journal::Options,
    ) -> Result<Self, Error> {
        let journal = SharedJournal::open(dir, journal_options.clone(), Shelf::default())?;
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            options,
            journal_options,
            clock,
            journal: Mutex::new(Some(journal)),
            queue: Mutex::default(),
        });
        Ok(Self { shared })
    }

    /// Settles a reservation with an amount that nobody reported: what a call that says nothing is taken to
    /// have cost.
    ///
    /// # Errors
    ///
    /// As [`Ledger::settle`].
    ///
    /// # Cancel safety
    ///
    /// When dropped it may happen or not; the same operation may be given again.
    pub async fn presume(
        &self,
        operation: &OperationId,
        reservation: &OperationId,
        amount: Usd,
    ) -> Result<Settled, Error> {
        let request = Request::Settle {
            operation: operation.clone(),
            reservation: reservation.clone(),
            spent: Spent::default(),
            presumed: Some(amount),
        };
        match self.submit(request).await? {
            Answer::Settled(settled) => Ok(settled),
            Answer::Reserved(_) | Answer::Raised(_) => Err(Error::CutOff),
        }
    }

    /// Settles a reservation that another process may have made, by its operation id.
    ///
    /// # Errors
    ///
    /// As [`Ledger::settle`].
    ///
    /// # Cancel safety
    ///
    /// When dropped it may happen or not; the same operation may be given again.
    pub async fn settle_reported(
        &self,
        operation: &OperationId,
        reservation: &OperationId,
        spent: &Spent,
    ) -> Result<Settled, Error> {
        let request = Request::Settle {
            operation: operation.clone(),
            reservation: reservation.clone(),
            spent: spent.clone(),
            presumed: None,
        };
        match self.submit(request).await? {
            Answer::Settled(settled) => Ok(settled),
            Answer::Reserved(_) | Answer::Raised(_) => Err(Error::CutOff),
        }
    }

    /// Raises a limit, for all processes and for good, and returns what it was before; raising again under
    /// the same operation changes nothing and returns the limit as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NoLimit`], [`Error::NotARaise`], or [`Error::Journal`] when it could not be recorded.
    ///
    /// # Cancel safety
    ///
    /// When dropped it may happen or not; the same operation may be given again.
    pub async fn raise(
        &self,
        operation: &OperationId,
        limit: &Limit,
        to: Usd,
    ) -> Result<Usd, Error> {
        let request = Request::Raise {
            operation: operation.clone(),
            limit: limit.clone(),
            to,
        };
        match self.submit(request).await? {
            Answer::Raised(before) => Ok(before),
            Answer::Reserved(_) | Answer::Settled(_) => Err(Error::CutOff),
        }
    }

    /// What was spent and is set aside, by all processes. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// As [`JournalLedger::open`].
    pub fn spending(&self) -> Result<Spending, Error> {
        let mut journal = self.shared.journal();
        let journal = self.shared.opened(&mut journal)?;
        let look = |shelf: &Shelf| Spending::of(&shelf.book.borrow(), &self.shared.options);
        Ok(journal.read(look)?)
    }

    /// How much a limit is now: as it was raised, else as `limits` has it; `None` for no limit. Blocks on
    /// the disk.
    ///
    /// # Errors
    ///
    /// As [`JournalLedger::open`].
    pub fn limit(&self, limit: &Limit, limits: &Limits) -> Result<Option<Usd>, Error> {
        let mut journal = self.shared.journal();
        let journal = self.shared.opened(&mut journal)?;
        Ok(journal.read(|shelf: &Shelf| shelf.book.borrow().limit_on(limit, limits))?)
    }

    /// Where the ledger is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    async fn set_aside(&self, request: Request) -> Result<Reservation, PortError> {
        let answer = match self.submit(request).await {
            Ok(Answer::Reserved(reservation)) => Ok(reservation),
            Ok(_) => Err(Error::CutOff),
            Err(error) => Err(error),
        };
        answer.map_err(|error| error.into_port_error("set money aside"))
    }

    /// Queues a request; whoever finds nobody at work starts a thread for all that wait.
    async fn submit(&self, request: Request) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let serve = {
            let mut queue = self.shared.queue();
            queue.waiting.push(Waiting { request, answer });
            !std::mem::replace(&mut queue.is_served, true)
        };
        if serve {
            let shared = Arc::clone(&self.shared);
            // It ends as soon as nobody waits; each of those who wait is answered by it.
            drop(tokio::task::spawn_blocking(move || shared.serve()));
        }
        answered.await.unwrap_or(Err(Error::CutOff))
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Option<SharedJournal<Shelf>>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal, opened again where the last batch failed.
    fn opened<'a>(
        &self,
        journal: &'a mut Option<SharedJournal<Shelf>>,
    ) -> Result<&'a SharedJournal<Shelf>, Error> {
        let opened = match journal.take() {
            Some(opened) => opened,
            None => SharedJournal::open(&self.dir, self.journal_options.clone(), Shelf::default())?,
        };
        Ok(journal.insert(opened))
    }

    /// Serves until nobody waits.
    fn serve(&self) {
        /// Lets the next caller serve even where this one panics.
        struct Leave<'a>(&'a Shared);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    let mut queue = self.0.queue();
                    queue.is_served = false;
                    // Who waits is told that the work was cut off.
                    queue.waiting.clear();
                }
            }
        }
        let _leave = Leave(self);
        loop {
            let waiting = {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    queue.is_served = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            let (requests, answers): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .map(|waiting| (waiting.request, waiting.answer))
                .unzip();
            let results = match self.act(&requests) {
                Ok(results) => results,
                Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
            };
            for (answer, result) in answers.into_iter().zip(results) {
                // Who does not wait any more may ask again.
                drop(answer.send(result));
            }
        }
    }

    /// Decides on all requests in one batch, which is one flush.
    fn act(&self, requests: &[Request]) -> Result<Vec<Result<Answer, Error>>, Error> {
        let mut held = self.journal();
        let journal = self.opened(&mut held)?;
        let at = self.clock.now();
        let acted = journal.batch(|shelf, batch| {
            let decide = |request| self.decide(shelf, batch, request, at);
            Ok::<_, Error>(requests.iter().map(decide).collect())
        });
        if acted.is_err() {
            // The book may be ahead of the disk.
            *held = None;
        }
        acted
    }

    fn decide(
        &self,
        shelf: &Shelf,
        batch: &mut Batch<'_>,
        request: &Request,
        at: core_types::Timestamp,
    ) -> Result<Answer, Error> {
        let mut book = shelf.book.borrow_mut();
        let options = &self.options;
        let decided = match request {
            Request::Reserve {
                operation,
                scope,
                request,
                purpose,
            } => {
                let day = Day::of(at);
                book.decide_reserve(options, day, operation, scope, request, purpose)?
                    .answer(Answer::Reserved)
            }
            Request::Settle {
                operation,
                reservation,
                spent,
                presumed,
            } => book
                .decide_settle(options, operation, reservation, spent, *presumed)?
                .answer(Answer::Settled),
            Request::Raise {
                operation,
                limit,
                to,
            } => book
                .decide_raise(options, operation, limit, *to)?
                .answer(Answer::Raised),
        };
        match decided {
            Decided::Before(answer) => Ok(answer),
            Decided::Now(answer, movement) => {
                let (kind, payload) = record::encode(&movement, at, options.prices.date())?;
                let seq = batch.append(kind, payload)?;
                book.apply(movement)?;
                shelf.applied.set(seq);
                Ok(answer)
            }
        }
    }
}

impl<T> Decided<T> {
    fn answer(self, answer: impl FnOnce(T) -> Answer) -> Decided<Answer> {
        match self {
            Self::Before(value) => Decided::Before(answer(value)),
            Self::Now(value, movement) => Decided::Now(answer(value), movement),
        }
    }
}

impl fmt::Debug for JournalLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalLedger")
            .field("dir", &self.shared.dir)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Ledger for JournalLedger {
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        parent: Option<&Reservation>,
    ) -> Result<Reservation, PortError> {
        self.set_aside(Request::Reserve {
            operation: operation.clone(),
            scope: scope.clone(),
            request: request.clone(),
            purpose: parent.into(),
        })
        .await
    }

    async fn reserve_more(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
    ) -> Result<Reservation, PortError> {
        self.set_aside(Request::Reserve {
            operation: operation.clone(),
            scope: scope.clone(),
            request: request.clone(),
            purpose: Purpose::UnderWay,
        })
        .await
    }

    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        let settled = self
            .settle_reported(operation, &reservation.operation, spent)
            .await;
        settled.map_err(|error| error.into_port_error("settle what was spent"))
    }

    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        self.shared.options.price(model, usage)
    }
}
