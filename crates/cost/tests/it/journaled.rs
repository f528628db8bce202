//! The ledger in a journal.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use core_types::{
    ErrorClass, Ledger, OperationId, RunId, SpendRequest, SpendScope, Spent, TokenUsage, Usd,
};
use cost::{Error, Group, JournalLedger, LedgerOptions, Limit, Limits};
use journal::faults::{Fault, FaultKind, Repeat, SimulatedStorage};
use testkit::FixedClock;
use tokio::task::JoinSet;

use crate::{histories::history, memory::options};

fn usd(text: &str) -> Usd {
    text.parse().expect("an amount")
}

fn operation(id: impl AsRef<str>) -> OperationId {
    OperationId::new(id).expect("a valid id")
}

fn scope(run: &str) -> SpendScope {
    SpendScope {
        run: RunId::new(run).expect("a valid name"),
        repository: None,
        task: None,
    }
}

fn at_most(amount: &str) -> SpendRequest {
    SpendRequest {
        worst_case: Some(usd(amount)),
        ..SpendRequest::default()
    }
}

fn cost(amount: &str) -> Spent {
    Spent {
        cost: Some(usd(amount)),
        ..Spent::default()
    }
}

fn open(dir: &Path, options: LedgerOptions) -> JournalLedger {
    let clock = Arc::new(FixedClock::default());
    JournalLedger::open(dir, options, clock).expect("the folder is sound")
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    testkit::ledger::conformance(async |limit| {
        let count = count.fetch_add(1, Ordering::SeqCst);
        let dir = folder.path().join(count.to_string());
        Arc::new(open(&dir, options(limit))) as Arc<dyn Ledger>
    })
    .await;
}

/// All 10,000 run in `cargo xtask bench cost`, and here with RUN_SLOW=1.
#[tokio::test]
async fn no_history_passes_a_limit_or_forgets_what_it_said() {
    let count = if std::env::var_os("RUN_SLOW").is_some() {
        10_000
    } else {
        25
    };
    for seed in 0..count {
        history(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_agents_share_one_dollar() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), options(usd("1")));
    let mut agents = JoinSet::new();
    for agent in 0..64 {
        let ledger = ledger.clone();
        agents.spawn(async move {
            let mut spent = Usd::ZERO;
            for call in 0..4 {
                let id = format!("{agent}:{call}");
                let asked = at_most("0.05");
                let Ok(reservation) = ledger
                    .reserve(&operation(&id), &scope("r"), &asked, None)
                    .await
                else {
                    continue;
                };
                let settlement = operation(format!("{id}:settle"));
                ledger
                    .settle(&settlement, &reservation, &cost("0.03"))
                    .await
                    .unwrap();
                spent = spent.saturating_add(usd("0.03"));
            }
            spent
        });
    }
    let spent = agents.join_all().await;
    let spent = spent.into_iter().fold(Usd::ZERO, Usd::saturating_add);
    let spending = ledger.spending().unwrap();
    assert_eq!(spending.total(), spent);
    assert!(spent <= usd("1"), "{spent}");
    assert!(
        spent > usd("0.9"),
        "what is left is less than a call needs: {spent}"
    );
    assert!(spending.open.is_empty());
}

/// Handles of their own share nothing but the folder, as processes do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_keep_one_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut processes = JoinSet::new();
    for process in 0..4 {
        let ledger = open(folder.path(), options(usd("1")));
        processes.spawn(async move {
            let mut granted = 0;
            for call in 0..20 {
                let id = operation(format!("{process}:{call}"));
                let answer = ledger
                    .reserve(&id, &scope("r"), &at_most("0.03"), None)
                    .await;
                granted += u32::from(answer.is_ok());
            }
            granted
        });
    }
    let granted: u32 = processes.join_all().await.into_iter().sum();
    assert_eq!(granted, 33, "0.99 of 1 USD, whoever had it");
    let ledger = open(folder.path(), options(usd("1")));
    assert_eq!(ledger.spending().unwrap().open.len(), 33);
}

#[tokio::test]
async fn what_a_killed_process_had_counts_until_somebody_settles_it() {
    let folder = tempfile::tempdir().unwrap();
    let killed = open(folder.path(), options(usd("1")));
    killed
        .reserve(&operation("a"), &scope("r"), &at_most("0.8"), None)
        .await
        .unwrap();
    drop(killed);
    let ledger = open(folder.path(), options(usd("1")));
    let refused = ledger
        .reserve(&operation("b"), &scope("r"), &at_most("0.5"), None)
        .await;
    assert_eq!(refused.unwrap_err().class(), ErrorClass::BudgetExceeded);
    let open = ledger.spending().unwrap().open;
    let [left] = &open[..] else {
        panic!("{open:?}")
    };
    let reservation = core_types::Reservation {
        operation: left.operation.clone(),
        amount: Some(left.held),
    };
    ledger
        .settle(&operation("a:gone"), &reservation, &Spent::nothing())
        .await
        .unwrap();
    ledger
        .reserve(&operation("b"), &scope("r"), &at_most("0.5"), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_soft_limit_asks_and_a_raise_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut soft = options(usd("1"));
    soft.limits.soft_percent = Some(50);
    let ledger = open(folder.path(), soft.clone());
    let asks = ledger
        .reserve(&operation("a"), &scope("r"), &at_most("0.6"), None)
        .await;
    assert_eq!(
        asks.unwrap_err().to_line(),
        "failed to set money aside: run r asks before it spends more than 0.50 of its 1.00 USD: 0.00 are \
         spent, 0.00 set aside, 0.60 needed; to go on: automation budget raise 2.00 --run r"
    );
    let run = Limit::Run {
        run: RunId::new("r").unwrap(),
    };
    for _ in 0..2 {
        ledger
            .raise(&operation("raise"), &run, usd("2"))
            .await
            .unwrap();
    }
    let other = open(folder.path(), soft);
    other
        .reserve(&operation("a"), &scope("r"), &at_most("0.6"), None)
        .await
        .unwrap();
    let error = other
        .raise(&operation("again"), &run, usd("2"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotARaise { .. }), "{error}");
    let day = Limit::Day { day: cost::Day(0) };
    let error = other
        .raise(&operation("day"), &day, usd("2"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoLimit { .. }), "{error}");
}

#[tokio::test]
async fn a_failed_disk_is_told_and_the_ledger_goes_on_once_it_works() {
    for number in 1..40 {
        let storage = SimulatedStorage::new();
        storage.inject(Fault {
            operation: number,
            kind: FaultKind::Full,
            repeat: Repeat::Once,
            written: 10,
        });
        let journal = journal::Options {
            storage: Arc::new(storage.clone()),
            ..journal::Options::default()
        };
        let ledger = JournalLedger::open_with(
            Path::new("/ledger"),
            options(usd("1")),
            Arc::new(FixedClock::default()),
            journal,
        );
        let Ok(ledger) = ledger else { continue };
        for round in 0..3 {
            let id = format!("{round}");
            let mut tries = 0;
            let reservation = loop {
                let asked = at_most("0.4");
                match ledger
                    .reserve(&operation(&id), &scope("r"), &asked, None)
                    .await
                {
                    Ok(reservation) => break reservation,
                    Err(error) => assert_eq!(
                        error.class(),
                        ErrorClass::ResourceExhausted,
                        "operation {number}: {}",
                        error.to_line()
                    ),
                }
                tries += 1;
                assert!(tries < 3, "operation {number} fails once");
            };
            let settlement = operation(format!("{id}:settle"));
            if ledger
                .settle(&settlement, &reservation, &cost("0.2"))
                .await
                .is_err()
            {
                ledger
                    .settle(&settlement, &reservation, &cost("0.2"))
                    .await
                    .unwrap();
            }
        }
        assert_eq!(
            ledger.spending().unwrap().total(),
            usd("0.6"),
            "operation {number}"
        );
    }
}

#[tokio::test]
async fn spending_is_shown_by_task_model_repository_and_day() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::default());
    let none = LedgerOptions {
        limits: Limits::NONE,
        ..LedgerOptions::default()
    };
    let ledger = JournalLedger::open(folder.path(), none, clock.clone()).unwrap();
    let calls = [
        ("a", "claude-haiku-5-5", "one"),
        ("b", "claude-haiku-5-5", "two"),
        ("b", "no-such-model", "two"),
    ];
    for (number, (task, model, repository)) in calls.into_iter().enumerate() {
        let scope = SpendScope {
            task: Some(task.parse().unwrap()),
            repository: Some(repository.parse().unwrap()),
            ..scope("r")
        };
        let id = operation(number.to_string());
        let reservation = ledger
            .reserve(&id, &scope, &at_most("0.5"), None)
            .await
            .unwrap();
        let spent = Spent {
            usage: TokenUsage {
                input: 1_000_000,
                ..TokenUsage::default()
            },
            cost: None,
            model: model.to_owned(),
            is_failure: false,
        };
        let settlement = operation(format!("{number}:settle"));
        ledger
            .settle(&settlement, &reservation, &spent)
            .await
            .unwrap();
        clock.advance(std::time::Duration::from_secs(86_400));
    }
    let spending = ledger.spending().unwrap();
    let shown = |group| {
        let shares = spending.by(group).into_iter();
        let lines = shares.map(|share| format!("{} {} {}", share.name, share.spent, share.unknown));
        lines.collect::<Vec<_>>()
    };
    // A prompt of more than 100,000 tokens is five times as dear; the unknown model cost what was set
    // aside for it.
    assert_eq!(
        shown(Group::Model),
        ["claude-haiku-5-5 1.00 0", "no-such-model 0.50 1"]
    );
    assert_eq!(shown(Group::Task), ["r b 1.00 1", "r a 0.50 0"]);
    assert_eq!(shown(Group::Repository), ["two 1.00 1", "one 0.50 0"]);
    assert_eq!(shown(Group::Run), ["r 1.50 1"]);
    assert_eq!(
        shown(Group::Day),
        [
            "2026-01-01 0.50 0",
            "2026-01-02 0.50 0",
            "2026-01-03 0.50 1"
        ]
    );
}

#[tokio::test]
async fn records_by_a_newer_version_or_by_hand_are_refused() {
    let check = |kind, payload: &str, expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        let journal =
            journal::Journal::create_or_open(folder.path(), journal::Options::default(), |_| {
                Ok::<(), journal::Error>(())
            });
        let journal = journal.unwrap();
        journal
            .append_blocking(kind, payload.as_bytes().to_vec())
            .unwrap();
        drop(journal);
        let clock = Arc::new(FixedClock::default());
        let error =
            JournalLedger::open(folder.path(), LedgerOptions::default(), clock).unwrap_err();
        let told = core_types::PortError::new(error.class(), "open")
            .because(error)
            .to_line();
        assert!(told.contains(expected), "{told}");
    };
    check(cost::RESERVED, r#"{"v":2}"#, "has version 2, newer than 1");
    check(cost::RESERVED, r#"{"v":1}"#, "missing field `at`");
    check(
        cost::SETTLED,
        r#"{"v":1,"at":0,"operation":"b","reservation":"a","amount":"-1","basis":"reported","usage":{}}"#,
        "is not an amount in USD",
    );
    check(
        cost::SETTLED,
        r#"{"v":1,"at":0,"operation":"b","reservation":"a","amount":"1","basis":"reported","usage":{}}"#,
        "settles a, which is not open",
    );
}
