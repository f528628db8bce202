//! The ledger in a journal.

use std::sync::Arc;

use core_types::Ledger;
use cost::JournalLedger;
use testkit::FixedClock;

use crate::memory::options;

#[tokio::test]
async fn it_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    testkit::ledger::conformance(async |limit| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let dir = folder.path().join(count.to_string());
        let ledger = JournalLedger::open(&dir, options(limit), Arc::new(FixedClock::default()));
        Arc::new(ledger.unwrap()) as Arc<dyn Ledger>
    })
    .await;
}
