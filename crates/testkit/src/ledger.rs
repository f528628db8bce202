//! What every [`Ledger`] with a limit must do. What it must do without one is in [`neutral`](crate::neutral::ledger).

use std::sync::Arc;

use core_types::{
    ErrorClass, Ledger, OperationId, PortError, RepositoryName, Reservation, RunId, Settled,
    SpendRequest, SpendScope, Spent, TaskId, Usd,
};
use tokio::task::JoinSet;

/// Runs all cases; `make` gives an empty ledger each time, that lets each run spend as much as it is told.
///
/// # Panics
///
/// When the ledger breaks the port's contract.
pub async fn conformance(make: impl AsyncFn(Usd) -> Arc<dyn Ledger>) {
    crate::neutral::ledger(&*make(usd(1_000)).await).await;
    the_limit_holds_until_money_comes_back(&*make(usd(10)).await).await;
    an_operation_acts_once(&*make(usd(10)).await).await;
    a_part_is_taken_out_of_the_whole(&*make(usd(10)).await).await;
    what_was_spent_above_a_reservation_counts(&*make(usd(10)).await).await;
    runs_do_not_share_a_limit(&*make(usd(10)).await).await;
    contradictions_are_refused(&*make(usd(10)).await).await;
    many_at_once_stay_below_the_limit(make(usd(100)).await).await;
}

fn usd(whole: u64) -> Usd {
    Usd::from_pico(whole * 1_000_000_000_000)
}

fn operation(id: &str) -> OperationId {
    OperationId::new(id).expect("a valid operation id")
}

fn scope(run: &str, task: Option<&str>) -> SpendScope {
    SpendScope {
        run: RunId::new(run).expect("a valid run id"),
        repository: Some(RepositoryName::new("app").expect("a valid name")),
        task: task.map(|task| TaskId::new(task).expect("a valid task id")),
    }
}

fn at_most(amount: Usd) -> SpendRequest {
    SpendRequest {
        agent: "agent".to_owned(),
        worst_case: Some(amount),
        ..SpendRequest::default()
    }
}

fn cost(amount: Usd) -> Spent {
    Spent {
        cost: Some(amount),
        ..Spent::default()
    }
}

async fn reserve(ledger: &dyn Ledger, id: &str, amount: Usd) -> Result<Reservation, PortError> {
    ledger
        .reserve(&operation(id), &scope("r", None), &at_most(amount), None)
        .await
}

async fn settle(
    ledger: &dyn Ledger,
    id: &str,
    reservation: &Reservation,
    spent: Spent,
) -> Result<Settled, PortError> {
    ledger.settle(&operation(id), reservation, &spent).await
}

fn class<T>(result: Result<T, PortError>) -> Option<ErrorClass> {
    result.err().map(|error| error.class())
}

async fn the_limit_holds_until_money_comes_back(ledger: &dyn Ledger) {
    let first = reserve(ledger, "a", usd(6)).await.expect("it fits");
    assert_eq!(first.amount, Some(usd(6)), "what is known to be the most");
    let refused = reserve(ledger, "b", usd(5)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
    let settled = settle(ledger, "a:s", &first, cost(usd(2))).await;
    settled.expect("settle");
    let second = reserve(ledger, "b", usd(5)).await;
    let second = second.expect("the same operation may ask again once there is room");
    let settled = settle(ledger, "b:s", &second, Spent::nothing());
    settled.await.expect("give back");
    let all = reserve(ledger, "c", usd(8)).await;
    all.expect("what was given back is free");
    let refused = reserve(ledger, "d", Usd::from_pico(1)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
}

async fn an_operation_acts_once(ledger: &dyn Ledger) {
    let first = reserve(ledger, "a", usd(7)).await.expect("it fits");
    let again = reserve(ledger, "a", usd(7)).await;
    assert_eq!(again.expect("not a second one"), first);
    for _ in 0..2 {
        let settled = settle(ledger, "a:s", &first, cost(usd(4))).await;
        settled.expect("settling twice is settling once");
    }
    let again = reserve(ledger, "a", usd(7)).await;
    assert_eq!(again.expect("also once it is settled"), first);
    reserve(ledger, "b", usd(6)).await.expect("4 are spent");
}

async fn a_part_is_taken_out_of_the_whole(ledger: &dyn Ledger) {
    let whole = reserve(ledger, "w", usd(10)).await.expect("it fits");
    let part = |id: &'static str, amount| {
        let whole = &whole;
        async move {
            let (scope, request) = (scope("r", Some("t")), at_most(amount));
            ledger
                .reserve(&operation(id), &scope, &request, Some(whole))
                .await
        }
    };
    let first = part("p", usd(7)).await.expect("the whole has it");
    let refused = part("q", usd(4)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
    let settled = settle(ledger, "p:s", &first, cost(usd(1))).await;
    settled.expect("settle a part");
    let second = part("q", usd(9)).await.expect("the rest came back");
    let settled = settle(ledger, "q:s", &second, cost(usd(2))).await;
    settled.expect("settle a part");
    let settled = settle(ledger, "w:s", &whole, cost(usd(3))).await;
    settled.expect("settle the whole");
    reserve(ledger, "z", usd(4))
        .await
        .expect("1 + 2 + 3 are spent");
    let refused = reserve(ledger, "y", Usd::from_pico(1)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
}

async fn what_was_spent_above_a_reservation_counts(ledger: &dyn Ledger) {
    let first = reserve(ledger, "a", usd(1)).await.expect("it fits");
    let settled = settle(ledger, "a:s", &first, cost(usd(9))).await;
    settled.expect("it was spent, so it is recorded");
    let refused = reserve(ledger, "b", usd(2)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
    reserve(ledger, "c", usd(1)).await.expect("9 are spent");
}

async fn runs_do_not_share_a_limit(ledger: &dyn Ledger) {
    reserve(ledger, "a", usd(10)).await.expect("it fits");
    let other = scope("other", None);
    let request = at_most(usd(10));
    let reserved = ledger
        .reserve(&operation("b"), &other, &request, None)
        .await;
    reserved.expect("another run");
}

async fn contradictions_are_refused(ledger: &dyn Ledger) {
    let first = reserve(ledger, "a", usd(1)).await.expect("it fits");
    let other = scope("other", None);
    let request = at_most(usd(1));
    let reused = ledger
        .reserve(&operation("a"), &other, &request, None)
        .await;
    assert_eq!(class(reused), Some(ErrorClass::Validation));
    let unknown = Reservation {
        operation: operation("nobody"),
        amount: Some(usd(1)),
    };
    let settled = settle(ledger, "n:s", &unknown, cost(usd(1)));
    assert_eq!(class(settled.await), Some(ErrorClass::NotFound));
    let settled = settle(ledger, "a:s", &first, cost(usd(1)));
    settled.await.expect("settle");
    let twice = settle(ledger, "a:other", &first, cost(usd(1)));
    assert_eq!(class(twice.await), Some(ErrorClass::Conflict));
}

async fn many_at_once_stay_below_the_limit(ledger: Arc<dyn Ledger>) {
    let mut workers = JoinSet::new();
    for worker in 0..16 {
        let ledger = Arc::clone(&ledger);
        workers.spawn(async move {
            let mut spent = 0;
            for round in 0..8 {
                let id = format!("{worker}.{round}");
                let Ok(reservation) = reserve(&*ledger, &id, usd(3)).await else {
                    continue;
                };
                let settlement = format!("{id}:s");
                let settled = settle(&*ledger, &settlement, &reservation, cost(usd(2))).await;
                settled.expect("settle");
                spent += 2;
            }
            spent
        });
    }
    let spent: u64 = workers.join_all().await.into_iter().sum();
    assert!((2..=100).contains(&spent), "spent {spent} of 100");
    let rest = usd(100 - spent);
    reserve(&*ledger, "rest", rest)
        .await
        .expect("all is settled");
    let refused = reserve(&*ledger, "more", Usd::from_pico(1)).await;
    assert_eq!(class(refused), Some(ErrorClass::BudgetExceeded));
}
