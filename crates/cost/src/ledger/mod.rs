//! The ledger: money is set aside before it is spent, so that no limit is ever passed.
//!
//! [`Book`](book) is a pure state machine: what was reserved and settled on which account. A
//! [`MemoryLedger`] holds one behind a mutex, a [`JournalLedger`] folds one from a journal that any
//! number of processes write.

mod account;
mod book;
mod entry;
mod journaled;
mod memory;
mod movement;
mod options;
mod record;
mod report;
#[cfg(test)]
mod tests;

pub use account::{BudgetExceeded, Day, Hardness, Limit};
pub use journaled::JournalLedger;
pub use memory::MemoryLedger;
pub use movement::Basis;
pub use options::{LedgerOptions, Limits, Unreported};
pub use record::{RAISED, RESERVED, SETTLED};
pub use report::{Group, OpenReservation, Share, Spending, SpendingRow, Standing};
