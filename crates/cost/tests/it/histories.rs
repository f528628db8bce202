//! Random histories: 256 workers set money aside and settle it, the storage fails in the middle of it
//! and forgets what it may, the workers try again. The journal is then read by other rules than the
//! ledger's own: at no record may an account be above its limit.
//!
//! Also included by the example `bench_cost`, which runs many more of them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use core_types::{
    Ledger as _, OperationId, PortError, RepositoryName, Reservation, RunId, SpendRequest,
    SpendScope, Spent, TaskId, Timestamp, Usd,
};
use cost::{JournalLedger, LedgerOptions, Limits, RESERVED, SETTLED};
use journal::{
    Reader,
    faults::{Crash, Fault, FaultKind, Repeat, SimulatedStorage},
};
use serde_json::Value;
use tokio::task::JoinSet;

const WORKERS: u64 = 256;
const DIR: &str = "/ledger";
const CENT: u64 = 10_000_000_000;

/// A clock that stands still: all of a history is on one day.
#[derive(Debug)]
struct Noon;

impl core_types::Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_268_800_000)
    }
}

/// SplitMix64.
#[derive(Debug, Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn cents(cents: u64) -> Usd {
    Usd::from_pico(cents * CENT)
}

/// What one worker does; it does the same when it does it again.
#[derive(Debug, Clone)]
struct Worker {
    name: String,
    scope: SpendScope,
    most: Usd,
    /// Whether the money goes through a part of the reservation.
    by_part: bool,
    /// In percent of what was granted; nothing where the worker is killed before it settles.
    spends: Option<u64>,
}

/// What a worker was answered, the last answer counting.
#[derive(Debug, Clone, Default)]
struct Acknowledged {
    reserved: Option<Usd>,
    settled: Option<Usd>,
    failed: bool,
}

impl Worker {
    fn new(number: u64, chance: &mut Chance) -> Self {
        let by_part = chance.below(8) == 0;
        Self {
            name: format!("w{number}"),
            scope: SpendScope {
                run: RunId::new(format!("run-{}", chance.below(3))).expect("a valid name"),
                repository: Some(
                    RepositoryName::new(format!("r{}", chance.below(2))).expect("a valid name"),
                ),
                task: (!by_part)
                    .then(|| TaskId::new(format!("t{}", chance.below(10))).expect("a valid name")),
            },
            most: cents(1 + chance.below(9)),
            by_part,
            spends: (chance.below(6) > 0).then(|| chance.below(101)),
        }
    }

    fn operation(&self, what: &str) -> OperationId {
        OperationId::new(format!("{}:{what}", self.name)).expect("a valid id")
    }

    async fn work(&self, ledger: &JournalLedger, operations: &AtomicU64) -> Acknowledged {
        let mut answers = Acknowledged::default();
        if let Err(error) = self.act(ledger, operations, &mut answers).await {
            answers.failed = error.class() != core_types::ErrorClass::BudgetExceeded;
        }
        answers
    }

    async fn act(
        &self,
        ledger: &JournalLedger,
        operations: &AtomicU64,
        answers: &mut Acknowledged,
    ) -> Result<(), PortError> {
        let count = || operations.fetch_add(1, Ordering::Relaxed);
        let request = SpendRequest {
            worst_case: Some(self.most),
            ..SpendRequest::default()
        };
        count();
        let id = self.operation("reserve");
        let whole = ledger.reserve(&id, &self.scope, &request, None).await?;
        answers.reserved = whole.amount;
        let Some(percent) = self.spends else {
            return Ok(());
        };
        let granted = whole.amount.unwrap_or_default();
        let mut cost = Usd::from_pico(granted.pico() * percent / 100);
        if self.by_part {
            let within = SpendScope {
                task: Some(TaskId::new("part").expect("a valid name")),
                ..self.scope.clone()
            };
            let half = SpendRequest {
                worst_case: Some(Usd::from_pico(granted.pico() / 2)),
                ..request
            };
            count();
            let id = self.operation("part");
            let part = ledger.reserve(&id, &within, &half, Some(&whole)).await?;
            let of_part = Usd::from_pico(part.amount.unwrap_or_default().pico() * percent / 100);
            count();
            self.settle(ledger, "part", &part, of_part).await?;
            cost = cost.saturating_sub(of_part);
        }
        count();
        self.settle(ledger, "whole", &whole, cost).await?;
        answers.settled = Some(cost);
        Ok(())
    }

    async fn settle(
        &self,
        ledger: &JournalLedger,
        what: &str,
        reservation: &Reservation,
        cost: Usd,
    ) -> Result<(), PortError> {
        let spent = Spent {
            cost: Some(cost),
            ..Spent::default()
        };
        let id = self.operation(&format!("settle-{what}"));
        ledger.settle(&id, reservation, &spent).await.map(drop)
    }
}

async fn all_work(
    ledger: &JournalLedger,
    workers: &[Worker],
    operations: &Arc<AtomicU64>,
) -> Vec<Acknowledged> {
    let mut tasks = JoinSet::new();
    for (idx, worker) in workers.iter().cloned().enumerate() {
        let (ledger, operations) = (ledger.clone(), Arc::clone(operations));
        tasks.spawn(async move { (idx, worker.work(&ledger, &operations).await) });
    }
    let mut answers = vec![Acknowledged::default(); workers.len()];
    for (idx, answer) in tasks.join_all().await {
        answers[idx] = answer;
    }
    answers
}

/// One history. Answers how many operations were asked for.
///
/// # Panics
///
/// Where a limit was passed or something acknowledged is lost, with the seed.
pub(crate) async fn history(seed: u64) -> u64 {
    let mut chance = Chance(seed);
    let limits = Limits {
        run: Some(cents(100 + chance.below(200))),
        day: Some(cents(200 + chance.below(400))),
        repository: (chance.below(2) == 0).then(|| cents(150)),
        task: (chance.below(2) == 0).then(|| cents(40)),
        soft_percent: (chance.below(4) == 0).then_some(80),
    };
    let options = LedgerOptions {
        limits,
        ..LedgerOptions::default()
    };
    let workers: Vec<Worker> = (0..WORKERS).map(|n| Worker::new(n, &mut chance)).collect();
    let operations = Arc::new(AtomicU64::new(0));
    let open = |storage: &SimulatedStorage| {
        let journal = journal::Options {
            storage: Arc::new(storage.clone()),
            segment_bytes: 20_000,
            ..journal::Options::default()
        };
        JournalLedger::open_with(Path::new(DIR), options.clone(), Arc::new(Noon), journal)
    };

    let storage = SimulatedStorage::new();
    storage.inject(Fault {
        operation: 1 + chance.below(60),
        kind: FaultKind::Io,
        repeat: Repeat::Forever,
        written: chance.below(3_000) as usize,
    });
    // Where it cannot even be opened, nobody works before the crash.
    let before = match open(&storage) {
        Ok(ledger) => all_work(&ledger, &workers, &operations).await,
        Err(_) => vec![Acknowledged::default(); workers.len()],
    };
    let crash = match chance.below(4) {
        0 => Crash::Kill,
        1 => Crash::LoseUnsynced,
        2 => Crash::KeepPrefix(chance.below(4_000) as usize),
        _ => Crash::LosePrefix(chance.below(4_000) as usize),
    };
    let storage = storage.restart(crash);
    let balances = replay(&storage, &limits, seed);
    for (worker, answer) in workers.iter().zip(&before) {
        if let Some(reserved) = answer.reserved {
            let kept = balances.reserved.get(worker.operation("reserve").as_str());
            assert_eq!(kept, Some(&reserved), "seed {seed}: a reservation is lost");
        }
        if answer.settled.is_some() {
            let settled = balances
                .settled
                .contains_key(worker.operation("reserve").as_str());
            assert!(settled, "seed {seed}: a settlement is lost");
        }
    }

    // Everybody tries again, as resumed runs do; nothing may count twice.
    let ledger = open(&storage).unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    let after = all_work(&ledger, &workers, &operations).await;
    assert!(
        after.iter().all(|answer| !answer.failed),
        "seed {seed}: the storage works again"
    );
    let balances = replay(&storage, &limits, seed);
    let told = ledger
        .spending()
        .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    for standing in &told.standings {
        let expected = balances.accounts.get(&standing.limit.to_string());
        let sum = standing.spent.saturating_add(standing.reserved).pico();
        assert_eq!(
            Some(&sum),
            expected,
            "seed {seed}: {} is not what its records say",
            standing.limit
        );
    }
    operations.load(Ordering::Relaxed)
}

/// What the records say, by rules as plain as can be.
#[derive(Debug, Default)]
struct Balances {
    /// Settled and reserved together, by the account's name.
    accounts: BTreeMap<String, u64>,
    reserved: BTreeMap<String, Usd>,
    settled: BTreeMap<String, Usd>,
}

fn replay(storage: &SimulatedStorage, limits: &Limits, seed: u64) -> Balances {
    let options = journal::Options {
        storage: Arc::new(storage.clone()),
        ..journal::Options::default()
    };
    let mut reader = Reader::open(Path::new(DIR), &options);
    let records = reader
        .read_new()
        .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    let mut balances = Balances::default();
    let mut scopes: BTreeMap<String, Value> = BTreeMap::new();
    for record in records {
        let value: Value = serde_json::from_slice(&record.payload).expect("JSON");
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let amount: Usd = text("amount").parse().expect("an amount");
        // By how much each account of the scope changes. A part was in the whole's amount already, but
        // on the accounts that only the part has.
        let (id, change) = match record.kind {
            RESERVED => {
                let id = text("operation");
                assert!(
                    balances.reserved.insert(id.clone(), amount).is_none(),
                    "seed {seed}: {id} is reserved twice"
                );
                scopes.insert(id.clone(), value.clone());
                (id, i128::from(amount.pico()))
            }
            SETTLED => {
                let id = text("reservation");
                assert!(
                    balances.settled.insert(id.clone(), amount).is_none(),
                    "seed {seed}: {id} is settled twice"
                );
                // The parts of it are settled, and what they cost stays.
                let parts: u64 = balances
                    .settled
                    .iter()
                    .filter(|(part, _)| scopes[*part]["parent"] == id.as_str())
                    .map(|(_, cost)| cost.pico())
                    .sum();
                let held = balances.reserved[&id].pico() - parts;
                (id, i128::from(amount.pico()) - i128::from(held))
            }
            _ => continue,
        };
        let scope = &scopes[&id];
        let is_part = !scope["parent"].is_null();
        for (name, limit) in accounts(scope, limits) {
            let is_of_whole = !name.starts_with("task ");
            if is_part && is_of_whole {
                continue;
            }
            let balance = balances.accounts.entry(name.clone()).or_default();
            let sum = i128::from(*balance) + change;
            *balance = u64::try_from(sum).expect("no account is below nothing");
            if let Some(limit) = limit {
                assert!(
                    *balance <= limit.pico(),
                    "seed {seed}: record {} puts {name} at {balance}, above {limit}",
                    record.seq
                );
            }
        }
    }
    balances
}

/// The accounts of a scope by their names, with their limits.
fn accounts(scope: &Value, limits: &Limits) -> Vec<(String, Option<Usd>)> {
    let soft = |limit: Option<Usd>| {
        let percent = u64::from(limits.soft_percent.unwrap_or(100));
        limit.map(|limit| Usd::from_pico(limit.pico() / 100 * percent))
    };
    let text = |key: &str| scope[key].as_str();
    let run = text("run").unwrap_or_default();
    let mut accounts = vec![
        (format!("run {run}"), soft(limits.run)),
        ("day 2026-01-01".to_owned(), soft(limits.day)),
    ];
    if let Some(repository) = text("repository") {
        let name = format!("repository {repository} on 2026-01-01");
        accounts.push((name, soft(limits.repository)));
    }
    if let Some(task) = text("task") {
        accounts.push((format!("task {task} of run {run}"), soft(limits.task)));
    }
    accounts
}
