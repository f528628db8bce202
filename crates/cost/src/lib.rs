//! cost
mod error;
mod ledger;
mod prices;
pub use error::Error;
pub use ledger::{
    Basis, BudgetExceeded, Day, Group, Hardness, JournalLedger, LedgerOptions, Limit, Limits,
    MemoryLedger, OpenReservation, RAISED, RESERVED, SETTLED, Share, Spending, SpendingRow,
    Standing, Unreported,
};
pub use prices::{
    Change, Cost, ModelRates, Moves, PriceTable, Rate, RateKind, Rates, Refreshed, ServiceTier,
    TablePrice,
};
