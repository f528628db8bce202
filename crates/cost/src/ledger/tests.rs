//! The book, against bookkeeping as plain as can be.

use core_types::{
    OperationId, Reservation, RunId, SpendRequest, SpendScope, Spent, TaskId, TokenUsage, Usd,
};
use proptest::prelude::*;

use super::{
    account::{Day, Limit},
    book::{Book, Decided},
    options::{LedgerOptions, Limits, Unreported},
};
use crate::{Basis, Error};

const LIMIT: u64 = 1_000;

fn options() -> LedgerOptions {
    LedgerOptions {
        limits: Limits {
            run: Some(Usd::from_pico(LIMIT)),
            task: Some(Usd::from_pico(LIMIT / 2)),
            ..Limits::NONE
        },
        call: Usd::from_pico(100),
        least_call: Usd::from_pico(10),
        ..LedgerOptions::default()
    }
}

fn scope(task: Option<u8>) -> SpendScope {
    SpendScope {
        run: RunId::new("r").unwrap(),
        repository: None,
        task: task.map(|task| TaskId::new(format!("t{task}")).unwrap()),
    }
}

fn id(n: usize) -> OperationId {
    OperationId::new(format!("op:{n}")).unwrap()
}

fn handle(n: usize) -> Reservation {
    Reservation {
        operation: id(n),
        amount: None,
    }
}

fn now<T: std::fmt::Debug>(book: &mut Book, decided: Decided<T>) -> T {
    match decided {
        Decided::Before(answer) => answer,
        Decided::Now(answer, movement) => {
            book.apply(movement).expect("what was decided applies");
            answer
        }
    }
}

fn reserve(
    book: &mut Book,
    n: usize,
    task: Option<u8>,
    worst_case: Option<u64>,
    parent: Option<usize>,
) -> Result<u64, Error> {
    let request = SpendRequest {
        worst_case: worst_case.map(Usd::from_pico),
        ..SpendRequest::default()
    };
    let parent = parent.map(handle);
    let decided = book.decide_reserve(
        &options(),
        Day(0),
        &id(n),
        &scope(task),
        &request,
        &parent.as_ref().into(),
    )?;
    Ok(now(book, decided).amount.expect("an amount").pico())
}

fn settle(book: &mut Book, n: usize, cost: u64) -> Result<(), Error> {
    let spent = Spent {
        cost: Some(Usd::from_pico(cost)),
        ..Spent::default()
    };
    let settlement = OperationId::new(format!("op:{n}:s")).unwrap();
    let decided = book.decide_settle(&options(), &settlement, &id(n), &spent, None)?;
    now(book, decided);
    Ok(())
}

fn run_account(book: &Book) -> (u64, u64) {
    let is_run = |limit: &Limit| matches!(limit, Limit::Run { .. });
    let account = book
        .accounts()
        .iter()
        .find(|account| is_run(&account.limit));
    account.map_or((0, 0), |account| (account.settled, account.reserved))
}

#[test]
fn a_call_of_unknown_cost_gets_what_is_left() {
    let mut book = Book::default();
    assert_eq!(
        reserve(&mut book, 0, None, None, None).unwrap(),
        100,
        "what a call gets"
    );
    assert_eq!(reserve(&mut book, 1, None, Some(850), None).unwrap(), 850);
    assert_eq!(
        reserve(&mut book, 2, None, None, None).unwrap(),
        50,
        "what is left"
    );
    assert!(matches!(
        reserve(&mut book, 3, None, None, None),
        Err(Error::BudgetExceeded(_))
    ));
    assert_eq!(
        reserve(&mut book, 4, None, Some(0), None).unwrap(),
        0,
        "nothing is always there"
    );
    let Err(Error::BudgetExceeded(refused)) = reserve(&mut book, 5, None, Some(100), None) else {
        panic!("the limit is met")
    };
    assert!(refused.may_pass(), "what is set aside may come back");
    assert_eq!(refused.reserved.pico(), 1_000);
}

#[test]
fn parts_of_parts_move_up_when_the_middle_is_settled() {
    let mut book = Book::default();
    reserve(&mut book, 0, None, Some(900), None).unwrap();
    reserve(&mut book, 1, Some(1), Some(400), Some(0)).unwrap();
    reserve(&mut book, 2, Some(1), Some(300), Some(1)).unwrap();
    assert_eq!(run_account(&book), (0, 900), "parts are in the whole");
    settle(&mut book, 1, 50).unwrap();
    assert_eq!(run_account(&book), (50, 850));
    settle(&mut book, 0, 100).unwrap();
    assert_eq!(run_account(&book), (150, 300), "the last part stands alone");
    settle(&mut book, 2, 300).unwrap();
    assert_eq!(run_account(&book), (450, 0));
    assert!(matches!(
        reserve(&mut book, 3, None, Some(1), Some(0)),
        Err(Error::ParentSettled { .. })
    ));
}

#[test]
fn a_part_is_within_its_whole() {
    let mut book = Book::default();
    reserve(&mut book, 0, Some(1), Some(100), None).unwrap();
    let foreign = reserve(&mut book, 1, Some(2), Some(10), Some(0));
    assert!(matches!(foreign, Err(Error::ForeignParent { .. })));
    let larger = reserve(&mut book, 1, Some(1), Some(101), Some(0));
    assert!(matches!(larger, Err(Error::ParentExceeded { .. })));
}

#[test]
fn how_a_cost_is_known() {
    let mut options = options();
    let held = Usd::from_pico(777);
    let mut spent = Spent::default();
    assert_eq!(
        options.charge(held, "", &spent),
        (Usd::ZERO, Basis::Unreported)
    );
    assert_eq!(
        options.charge(held, "some-model", &spent),
        (held, Basis::Reserved)
    );
    options.unreported = Unreported::Reservation;
    assert_eq!(options.charge(held, "", &spent), (held, Basis::Reserved));
    spent.usage = TokenUsage {
        output: 1_000,
        ..TokenUsage::default()
    };
    assert_eq!(
        options.charge(held, "some-model", &spent),
        (held, Basis::Reserved)
    );
    let priced = (Usd::from_pico(10_000_000_000), Basis::Priced);
    assert_eq!(options.charge(held, "claude-sonnet-5-5", &spent), priced);
    spent.cost = Some(Usd::from_pico(5));
    assert_eq!(
        options.charge(held, "some-model", &spent),
        (Usd::from_pico(5), Basis::Reported)
    );
}

#[derive(Debug, Clone)]
enum Step {
    Reserve {
        task: Option<u8>,
        most: u64,
        parent: Option<usize>,
    },
    Settle {
        which: usize,
        percent: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (
            prop::option::of(0..3_u8),
            0..400_u64,
            prop::option::of(0..12_usize)
        )
            .prop_map(|(task, most, parent)| Step::Reserve { task, most, parent }),
        (0..20_usize, 0..=100_u64).prop_map(|(which, percent)| Step::Settle { which, percent }),
    ]
}

proptest! {
    /// Whatever is nested in whatever, and settled in whatever order: what the accounts say is what
    /// was settled and is held, no limit is passed, and in the end nothing is held.
    #[test]
    fn books_balance(steps in prop::collection::vec(step(), 1..60)) {
        let mut book = Book::default();
        let mut n = 0;
        let mut settled = 0;
        let mut granted: Vec<(usize, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Reserve { task, most, parent } => {
                    if let Ok(amount) = reserve(&mut book, n, task, Some(most), parent) {
                        prop_assert_eq!(amount, most);
                        granted.push((n, amount));
                    }
                    n += 1;
                }
                Step::Settle { which, percent } => {
                    let Some((n, _)) = granted.get(which).copied() else { continue };
                    // Not more than it has itself.
                    let open = book.open().find(|(entry, _)| entry.operation == id(n));
                    let Some(own) = open.map(|(entry, _)| entry.held - entry.lent) else { continue };
                    let cost = own * percent / 100;
                    settle(&mut book, n, cost).expect("it is open");
                    settled += cost;
                }
            }
            let held: u64 = book.open().map(|(entry, _)| entry.held - entry.lent).sum();
            prop_assert_eq!(run_account(&book), (settled, held));
            for account in book.accounts() {
                let limit = match account.limit {
                    Limit::Run { .. } => LIMIT,
                    Limit::Task { .. } => LIMIT / 2,
                    Limit::Day { .. } | Limit::Repository { .. } => continue,
                };
                prop_assert!(account.settled + account.reserved <= limit, "{:?}", account);
            }
        }
        let open: Vec<OperationId> = book.open().map(|(entry, _)| entry.operation.clone()).collect();
        for operation in open {
            let n: usize = operation.as_str()[3..].parse().unwrap();
            settle(&mut book, n, 0).expect("it is open");
        }
        for account in book.accounts() {
            prop_assert_eq!(account.reserved, 0, "{:?}", account);
        }
    }
}
