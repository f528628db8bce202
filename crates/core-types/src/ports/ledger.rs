use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{OperationId, PortError, RepositoryName, RunId, TaskId, TokenUsage, Usd};

/// What money is spent on; limits may stand on each part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpendScope {
    /// The run.
    pub run: RunId,
    /// The repository, where there is one.
    pub repository: Option<RepositoryName>,
    /// The task, where there is one.
    pub task: Option<TaskId>,
}

/// What is about to be spent, as far as it is known before the work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpendRequest {
    /// The agent that will spend, as the configuration calls it; may be empty.
    pub agent: String,
    /// The model it will use; may be empty.
    pub model: String,
    /// The most the work can cost, where that is known. `None`: as much as the ledger lets one
    /// request have.
    pub worst_case: Option<Usd>,
}

/// What a piece of work has spent, as far as it is known after it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// The tokens that were reported; zero where none were.
    pub usage: TokenUsage,
    /// The cost that was reported.
    pub cost: Option<Usd>,
    /// The model that was named; may be empty.
    pub model: String,
    /// Whether the work failed: what a failure costs that reports nothing, the ledger knows.
    #[serde(default)]
    pub is_failure: bool,
}

impl Spent {
    /// Whether it says nothing about money: neither cost nor tokens.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.cost.is_none() && self.usage == TokenUsage::default()
    }

    /// Known to have cost nothing: what gives a reservation back.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            cost: Some(Usd::ZERO),
            ..Self::default()
        }
    }
}

/// Money set aside for one piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The reservation's mark: reserving again under it returns the same one.
    pub operation: OperationId,
    /// How much may be spent; `None` for no limit.
    pub amount: Option<Usd>,
}

/// What a piece of work has cost, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What it cost.
    pub amount: Usd,
    /// The model that did it; empty where it is not known.
    pub model: String,
}

/// Keeps spending below its limits.
///
/// Both calls carry an [`OperationId`] and MUST be idempotent under it.
#[async_trait]
pub trait Ledger: Debug + Send + Sync {
    /// Sets money aside before work begins. `parent` is a reservation that this one is taken out of,
    /// never added to. Money that is set aside MUST count as spent until it is settled, whatever
    /// becomes of the caller.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` when a limit would be passed, `Validation` when the operation marks another
    /// reservation, `ResourceExhausted` when it could not be recorded.
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        parent: Option<&Reservation>,
    ) -> Result<Reservation, PortError>;

    /// Replaces a reservation by what was spent, and says what that is. What is above the reservation
    /// MUST be recorded too.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when it could not be recorded, `Conflict` when another operation has
    /// settled the reservation, `NotFound` when there is none.
    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError>;

    /// Sets more money aside for work that is under way. As [`Ledger::reserve`], but it MUST answer at
    /// once, and never wait for the end of other work or for a person: the work goes on spending
    /// meanwhile. A share of a limit at which a person is asked counts for new work alone.
    ///
    /// # Errors
    ///
    /// As [`Ledger::reserve`].
    async fn reserve_more(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
    ) -> Result<Reservation, PortError> {
        self.reserve(operation, scope, request, None).await
    }

    /// What tokens of a model cost; `None` where the ledger has no price. Default none.
    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        let _ = (model, usage);
        None
    }
}

/// Watches over money while work is under way.
#[async_trait]
pub trait Meter: Debug + Send + Sync {
    /// What tokens of a model cost; `None` where nobody knows.
    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd>;

    /// Says whether work that has spent `so_far` may go on. The amount is the whole, not what was
    /// added since the last call, and MAY be asked again.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` when it may not: then the work MUST be ended.
    async fn allow(&self, so_far: Usd) -> Result<(), PortError>;
}

/// What one piece of work may spend.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What is set aside for it.
    pub amount: Usd,
    /// Who is told how much of it is spent, and may set more aside.
    pub meter: Arc<dyn Meter>,
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
        _: &SpendRequest,
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
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        Ok(Settled {
            amount: spent.cost.unwrap_or(Usd::ZERO),
            model: spent.model.clone(),
        })
    }
}
