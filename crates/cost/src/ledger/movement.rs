//! What changes a book.

use core_types::{OperationId, SpendScope, TokenUsage, Usd};
use serde::{Deserialize, Serialize};

use super::account::{Day, Limit};

/// How the cost of a call is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The agent reported it.
    Reported,
    /// From its tokens by the table of prices.
    Priced,
    /// Nobody knows; what was set aside is taken for it.
    Reserved,
    /// Nothing was reported, and no model named: it is taken for free, or for what is presumed.
    Unreported,
}

/// One change of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Movement {
    Reserved {
        operation: OperationId,
        scope: SpendScope,
        day: Day,
        agent: String,
        model: String,
        amount: Usd,
        parent: Option<OperationId>,
    },
    Settled {
        operation: OperationId,
        reservation: OperationId,
        amount: Usd,
        basis: Basis,
        usage: TokenUsage,
        model: String,
    },
    Raised {
        operation: OperationId,
        limit: Limit,
        to: Usd,
    },
}
