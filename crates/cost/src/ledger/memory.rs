//! A ledger for as long as the process lives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use core_types::{
    Clock, Ledger, OperationId, PortError, Reservation, Settled, SpendRequest, SpendScope, Spent,
    TokenUsage, Usd,
};

use super::{
    account::{Day, Limit},
    book::{Book, Decided, Purpose},
    options::LedgerOptions,
    report::Spending,
};
use crate::Error;

/// Keeps limits within one process, and forgets everything with it. Its decisions are those of a
/// [`JournalLedger`](super::JournalLedger).
#[derive(Debug)]
pub struct MemoryLedger {
    options: LedgerOptions,
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
}

impl MemoryLedger {
    /// An empty ledger. The clock tells the day that spending counts on.
    #[must_use]
    pub fn new(options: LedgerOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            options,
            clock,
            book: Mutex::default(),
        }
    }

    /// Raises a limit, and returns what it was before.
    ///
    /// # Errors
    ///
    /// [`Error::NoLimit`], [`Error::NotARaise`].
    pub fn raise(&self, operation: &OperationId, limit: &Limit, to: Usd) -> Result<Usd, Error> {
        let mut book = self.book();
        let decided = book.decide_raise(&self.options, operation, limit, to)?;
        take(&mut book, decided)
    }

    /// What was spent and is set aside.
    #[must_use]
    pub fn spending(&self) -> Spending {
        Spending::of(&self.book(), &self.options)
    }

    fn set_aside(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        purpose: &Purpose,
    ) -> Result<Reservation, PortError> {
        let day = Day::of(self.clock.now());
        let mut book = self.book();
        book.decide_reserve(&self.options, day, operation, scope, request, purpose)
            .and_then(|decided| take(&mut book, decided))
            .map_err(|error| error.into_port_error("set money aside"))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Decisions change nothing, and what is applied was decided: a panic leaves the book whole.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<T>(book: &mut Book, decided: Decided<T>) -> Result<T, Error> {
    match decided {
        Decided::Before(answer) => Ok(answer),
        Decided::Now(answer, movement) => book.apply(movement).map(|()| answer),
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        parent: Option<&Reservation>,
    ) -> Result<Reservation, PortError> {
        self.set_aside(operation, scope, request, &parent.into())
    }

    async fn reserve_more(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
    ) -> Result<Reservation, PortError> {
        self.set_aside(operation, scope, request, &Purpose::UnderWay)
    }

    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        let mut book = self.book();
        book.decide_settle(
            &self.options,
            operation,
            &reservation.operation,
            spent,
            None,
        )
        .and_then(|decided| take(&mut book, decided))
        .map_err(|error| error.into_port_error("settle what was spent"))
    }

    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        self.options.price(model, usage)
    }
}
