use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{OperationId, PortError, RepositoryName, RunId, TaskId, TokenUsage, Usd};

/// What money is spent on; limits may stand on each part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendScope {
    /// The run.
    pub run: RunId,
    /// The repository, where there is one.
    pub repository: Option<RepositoryName>,
    /// The task, where there is one.
    pub task: Option<TaskId>,
}

/// Money set aside for one piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The reservation's mark: reserving again under it returns the same one.
    pub operation: OperationId,
    /// How much may be spent; `None` for no limit.
    pub amount: Option<Usd>,
}

/// Keeps spending below its limits.
///
/// Both calls carry an [`OperationId`] and MUST be idempotent under it.
#[async_trait]
pub trait Ledger: Debug + Send + Sync {
    /// Sets money aside before work begins. `parent` is a reservation that this one is taken out of.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` when a limit would be passed.
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        parent: Option<&Reservation>,
    ) -> Result<Reservation, PortError>;

    /// Replaces a reservation by what was used. `cost` is what the agent reported, if it did.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when it could not be recorded.
    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        usage: &TokenUsage,
        cost: Option<Usd>,
    ) -> Result<(), PortError>;
}

/// Grants everything and remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLedger;

#[async_trait]
impl Ledger for NoLedger {
    async fn reserve(
        &self,
        operation: &OperationId,
        _: &SpendScope,
        _: Option<&Reservation>,
    ) -> Result<Reservation, PortError> {
        Ok(Reservation {
            operation: operation.clone(),
            amount: None,
        })
    }

    async fn settle(
        &self,
        _: &OperationId,
        _: &Reservation,
        _: &TokenUsage,
        _: Option<Usd>,
    ) -> Result<(), PortError> {
        Ok(())
    }
}
