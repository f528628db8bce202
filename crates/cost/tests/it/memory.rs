//! The ledger of one process.

use std::sync::Arc;

use core_types::{Ledger, Usd};
use cost::{LedgerOptions, Limits, MemoryLedger};
use testkit::FixedClock;

/// A run may spend so much, and nothing else has a limit.
pub(crate) fn options(run: Usd) -> LedgerOptions {
    LedgerOptions {
        limits: Limits {
            run: Some(run),
            ..Limits::NONE
        },
        ..LedgerOptions::default()
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    testkit::ledger::conformance(async |limit| {
        let clock = Arc::new(FixedClock::default());
        Arc::new(MemoryLedger::new(options(limit), clock)) as Arc<dyn Ledger>
    })
    .await;
}

#[tokio::test]
async fn without_limits_it_grants_what_is_asked() {
    let options = LedgerOptions {
        limits: Limits::NONE,
        ..LedgerOptions::default()
    };
    let ledger = MemoryLedger::new(options, Arc::new(FixedClock::default()));
    testkit::neutral::ledger(&ledger).await;
}
